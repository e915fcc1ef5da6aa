// A real SMTP server for machines without one: every mail becomes <id>.eml (as received) and <id>.json (parsed) in an outbox folder.
// node infra/local/mail-catcher.ts --port N --outbox DIR [--host 127.0.0.1]
import { randomBytes } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { AddressObject } from 'mailparser'
import { simpleParser } from 'mailparser'
import { SMTPServer } from 'smtp-server'
import { watchParent } from './parent.ts'

/** The parsed form beside each .eml. Addresses are plain (`name@host`), `date` is ISO 8601 UTC, absent parts are null. */
export type CaughtMail = {
  id: string
  receivedAt: string
  envelope: { from: string; to: string[] }
  from: string[]
  to: string[]
  subject: string | null
  date: string | null
  messageId: string | null
  text: string | null
  html: string | null
  /** Lower-case header names; the raw text after the colon. */
  headers: Record<string, string[]>
}

const MAX_MAIL_BYTES = 10 * 1024 * 1024

/** Starts the catcher; port 0 takes a free one. A mail is answered with 250 only after both files are in place. */
export async function startMailCatcher({
  port,
  host = '127.0.0.1',
  outboxDir,
}: {
  port: number
  host?: string
  outboxDir: string
}) {
  await mkdir(outboxDir, { recursive: true })
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    // Anything is accepted as a login: the catcher only listens on the loopback address and delivers nowhere.
    onAuth: (auth, _session, callback) => callback(null, { user: auth.username ?? 'anyone' }),
    size: MAX_MAIL_BYTES,
    logger: false,
    onData(stream, session, callback) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        if (stream.sizeExceeded) {
          callback(Object.assign(new Error('message too large'), { responseCode: 552 }))
          return
        }
        const from = session.envelope.mailFrom === false ? '' : session.envelope.mailFrom.address
        const to = session.envelope.rcptTo.map(({ address }) => address)
        saveMail(outboxDir, Buffer.concat(chunks), { from, to }).then(
          (id) => callback(null, `saved as ${id}`),
          (error: Error) => callback(Object.assign(error, { responseCode: 451 })),
        )
      })
    },
  })
  // A client that goes away in the middle of a session is its business; anything else at run time ends the process loudly.
  server.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') throw error
  })
  const bound = await new Promise<number>((resolve, reject) => {
    server.server.once('error', reject)
    server.listen(port, host, () => {
      const address = server.server.address()
      resolve(address !== null && typeof address === 'object' ? address.port : port)
    })
  })
  return {
    port: bound,
    url: `smtp://${host}:${bound}`,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

async function saveMail(outboxDir: string, raw: Buffer, envelope: CaughtMail['envelope']): Promise<string> {
  const receivedAt = new Date().toISOString()
  const id = `${receivedAt.replaceAll(/[-:]/g, '').replace('.', '')}-${randomBytes(3).toString('hex')}`
  const mail = await simpleParser(raw)
  const headers: Record<string, string[]> = {}
  for (const { key, line } of mail.headerLines) (headers[key] ??= []).push(line.slice(line.indexOf(':') + 1).trim())
  const caught: CaughtMail = {
    id,
    receivedAt,
    envelope,
    from: addresses(mail.from),
    to: addresses(mail.to),
    subject: mail.subject ?? null,
    date: mail.date?.toISOString() ?? null,
    messageId: mail.messageId ?? null,
    text: mail.text ?? null,
    html: mail.html === false ? null : (mail.html ?? null),
    headers,
  }
  await writeWhole(join(outboxDir, `${id}.eml`), raw)
  await writeWhole(join(outboxDir, `${id}.json`), `${JSON.stringify(caught, null, 2)}\n`)
  return id
}

/** A reader of the folder never sees half a file. */
async function writeWhole(file: string, content: Buffer | string): Promise<void> {
  await writeFile(`${file}.part`, content)
  await rename(`${file}.part`, file)
}

function addresses(field: AddressObject | AddressObject[] | undefined): string[] {
  if (field === undefined) return []
  return [field].flat().flatMap(({ value }) => value.map(({ address, name }) => address ?? name))
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { port: { type: 'string' }, outbox: { type: 'string' }, host: { type: 'string', default: '127.0.0.1' } },
  })
  if (values.port === undefined || values.outbox === undefined) {
    console.error('usage: node infra/local/mail-catcher.ts --port N --outbox DIR [--host 127.0.0.1]')
    process.exit(2)
  }
  const catcher = await startMailCatcher({ port: Number(values.port), host: values.host, outboxDir: values.outbox })
  console.log(`mail catcher on ${catcher.url}, outbox ${values.outbox}`)
  const stop = (): void => void catcher.close().then(() => process.exit(0))
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  watchParent(stop)
}
