/** Slack: incoming webhook, or a bot token (which can edit what it posted), or files in the outbox in exactly the posted shape. */
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { post } from './http.ts'
import { slackBody } from './slack-message.ts'
import { permanent, transient, type Delivered, type Transport } from './transport.ts'

export type SlackTarget =
  | { readonly kind: 'bot'; readonly token: string; readonly channel: string; readonly apiUrl?: string }
  | { readonly kind: 'webhook'; readonly url: string }
  | { readonly kind: 'outbox'; readonly dir: string }

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' }
const DEFAULT_API_URL = 'https://slack.com/api/'
/** Errors that Slack answers with 200 and `ok: false`, and that pass. */
const PASSING_ERRORS: ReadonlySet<string> = new Set([
  'ratelimited',
  'rate_limited',
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
])
/** The old message cannot be edited (any more): tell it anew. */
const LOST_MESSAGE_ERRORS: ReadonlySet<string> = new Set([
  'message_not_found',
  'cant_update_message',
  'edit_window_closed',
  'channel_not_found',
])
const answerSchema = z.object({
  ok: z.boolean(),
  error: z.string().optional(),
  ts: z.string().optional(),
  channel: z.string().optional(),
})

export function createSlackTransport(target: SlackTarget, publicUrl?: string): Transport {
  return {
    channel: 'slack',
    async deliver(notification, thread) {
      const body = slackBody(notification, publicUrl)
      switch (target.kind) {
        case 'outbox':
          return writeToOutbox(target.dir, notification.messageId, body)
        case 'webhook': {
          const posted = await post(target.url, JSON.stringify(body), JSON_HEADERS)
          return posted.kind === 'failed' ? posted.failure : { ok: true, detail: `webhook: ${posted.status}` }
        }
        case 'bot': {
          const ts = thread?.['ts']
          const channel = thread?.['channel'] ?? target.channel
          if (ts === undefined) return call(target, 'chat.postMessage', { ...body, channel })
          // A reminder must be seen: an edit notifies nobody.
          if (notification.cause === 'repeat')
            return keepThread(await call(target, 'chat.postMessage', { ...body, channel, thread_ts: ts }), thread)
          const edited = await call(target, 'chat.update', { ...body, channel, ts })
          const isLost = !edited.ok && [...LOST_MESSAGE_ERRORS].some((error) => edited.detail === error)
          return isLost ? call(target, 'chat.postMessage', { ...body, channel: target.channel }) : keepThread(edited, thread)
        }
      }
    },
  }
}

async function call(target: SlackTarget & { kind: 'bot' }, method: string, body: object): Promise<Delivered> {
  const url = new URL(method, target.apiUrl ?? DEFAULT_API_URL).href
  const posted = await post(url, JSON.stringify(body), { ...JSON_HEADERS, authorization: `Bearer ${target.token}` })
  if (posted.kind === 'failed') return posted.failure
  const answer = answerSchema.safeParse(parseJson(posted.text))
  if (!answer.success) return transient(`${method}: unreadable answer`)
  const { ok, error = 'unknown error', ts, channel } = answer.data
  if (!ok) return PASSING_ERRORS.has(error) ? transient(error) : permanent(error)
  return { ok: true, detail: `${method}: ok`, ...(ts !== undefined && channel !== undefined ? { thread: { ts, channel } } : {}) }
}

/** A reply or an edit has a ts of its own (or none); the thread keeps hanging on its first message. */
function keepThread(delivered: Delivered, thread: Readonly<Record<string, string>> | undefined): Delivered {
  return delivered.ok && thread ? { ...delivered, thread } : delivered
}

async function writeToOutbox(dir: string, messageId: string, body: object): Promise<Delivered> {
  const folder = join(dir, 'slack')
  const file = join(folder, `${messageId}.json`)
  try {
    await mkdir(folder, { recursive: true })
    // Whoever reads the folder sees whole files only; the same message again replaces itself.
    await writeFile(`${file}.part`, `${JSON.stringify(body, null, 2)}\n`)
    await rename(`${file}.part`, file)
    return { ok: true, detail: `outbox: ${file}` }
  } catch (error) {
    return transient(`outbox: ${(error as Error).message}`)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}
