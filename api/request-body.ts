/** JSON bodies, bounded. Every refusal says what to change. */
import type { Context } from 'hono'
import { Problem } from './problems.ts'

/** No body at all, as `curl -X POST` sends it. */
export function hasBody(c: Context): boolean {
  return Number(c.req.header('content-length') ?? 0) > 0 || c.req.header('transfer-encoding') !== undefined
}

/** The body as text and as value. Problems: 415 without a JSON content type, 413 over the limit (bytes), 400 when it is not JSON. */
export async function readJsonBody(c: Context, maxBytes: number): Promise<{ text: string; value: unknown }> {
  const type = c.req.header('content-type') ?? ''
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(type)) {
    throw new Problem('unsupported-media-type', 415, `The content type is '${type.slice(0, 60)}', not application/json.`, {
      errors: [
        {
          detail: 'Only JSON is read here.',
          header: 'Content-Type',
          code: 'not-json',
          fix: 'Send Content-Type: application/json.',
        },
      ],
    })
  }
  const bytes = await readBytes(c, maxBytes)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (error instanceof TypeError) throw invalid('The body is not UTF-8.', 'Send UTF-8.')
    throw error
  }
  try {
    return { text, value: JSON.parse(text) as unknown }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    const notANumber = /[[:,]\s*[-+]?(NaN|Infinity)\b/.exec(text)
    if (notANumber)
      throw invalid(`The body holds ${notANumber[1]}, which JSON does not have.`, 'Send null for what was not observed.')
    throw invalid(`The body is not JSON: ${error.message.slice(0, 160)}`, 'Send one JSON document.')
  }
}

async function readBytes(c: Context, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = (): Problem =>
    new Problem('body-too-large', 413, `The body is larger than ${maxBytes} bytes.`, {
      headers: { connection: 'close' },
      errors: [
        {
          detail: 'The body is too large.',
          code: 'body-too-large',
          fix: `Send at most ${maxBytes} bytes at once, in several requests.`,
        },
      ],
    })
  if (Number(c.req.header('content-length') ?? 0) > maxBytes) throw tooLarge()
  const chunks: Uint8Array[] = []
  let size = 0
  const stream = c.req.raw.body
  if (stream === null) return new Uint8Array()
  for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > maxBytes) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function invalid(detail: string, fix: string): Problem {
  return new Problem('invalid-request', 400, detail, { errors: [{ detail, pointer: '', code: 'invalid-json', fix }] })
}
