import { createServer, type IncomingMessage, type Server } from 'node:http'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { simpleParser, type ParsedMail } from 'mailparser'
import { createTransport } from 'nodemailer'
import { SMTPServer } from 'smtp-server'
import { Webhook } from 'standardwebhooks'
import { afterEach, describe, expect, it } from 'vitest'
import { escapeHtml, escapeSlack, escapeSlackWithin, oneLine } from '../shared/text.ts'
import type { Notification, NotifiedAlert } from '../shared/notification.ts'
import { alert, at, HOSTILE_NAMES } from '../testing/events.ts'
import { createTransports, transportsBlock } from './config.ts'
import { classifySmtp, createEmailTransport, mailOf } from './email.ts'
import { decideRetry, parseRetryAfter, tierFor } from './retry.ts'
import { createSlackTransport } from './slack.ts'
import { SLACK_LIMITS, slackBody } from './slack-message.ts'
import { createWebhookTransport } from './webhook.ts'

const cleanUps: Array<() => Promise<unknown> | void> = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

function notified(over: Partial<NotifiedAlert> = {}): NotifiedAlert {
  const { causedBy: _, ...rest } = alert()
  return { ...rest, ...over }
}

function notification(over: Partial<Notification> = {}): Notification {
  return {
    messageId: 'm1',
    threadId: 't1',
    opensThread: true,
    groupLabels: { rule: 'frost' },
    state: 'firing',
    severity: 'warning',
    cause: 'first',
    decidedAt: at(0),
    alerts: [notified()],
    ...over,
  }
}

const hostile = (name: string): Notification =>
  notification({
    alerts: [
      notified({
        annotations: { summary: `Frost at ${name}`, description: name },
        labels: { station: name },
        links: { [name]: name, dashboard: '/?station=x' },
      }),
    ],
  })

type Request = { path: string; headers: IncomingMessage['headers']; body: string }
async function httpServer(
  answer: (request: Request, index: number) => { status: number; body?: string; headers?: Record<string, string> },
) {
  const requests: Request[] = []
  const server: Server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const received = { path: request.url ?? '', headers: request.headers, body }
      requests.push(received)
      const { status, body: text = '', headers = {} } = answer(received, requests.length - 1)
      response.writeHead(status, headers).end(text)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(() => new Promise((resolve) => server.close(resolve)))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, requests }
}

async function mailServer(onData?: () => Error | undefined) {
  const mails: ParsedMail[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData(stream, _session, done) {
      simpleParser(stream).then(
        (mail) => {
          const refusal = onData?.()
          if (refusal === undefined) mails.push(mail)
          done(refusal)
        },
        (error: Error) => done(error),
      )
    },
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUps.push(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return { url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`, mails }
}

describe('text from outside', () => {
  it.each(HOSTILE_NAMES)('becomes one bounded line without control or direction characters: %#', (name) => {
    const line = oneLine(name)
    expect(Array.from(line).length).toBeLessThanOrEqual(200)
    // oxlint-disable-next-line no-control-regex
    expect(line).not.toMatch(/[\u0000-\u001f\u202a-\u202e\u2066-\u2069]/)
    expect(line.isWellFormed()).toBe(true)
  })

  it('is escaped for HTML and Slack', () => {
    expect(escapeHtml(`<a href="x" onclick='y'>&`)).toBe('&lt;a href=&quot;x&quot; onclick=&#39;y&#39;&gt;&amp;')
    expect(escapeSlack('<!channel> & <@U1>')).toBe('&lt;!channel&gt; &amp; &lt;@U1&gt;')
  })

  it('is cut for Slack after escaping, never within an entity', () => {
    const cut = escapeSlackWithin('<'.repeat(100), 30)
    expect(cut.length).toBeLessThanOrEqual(30)
    expect(cut.replaceAll('&lt;', '')).toBe('…')
  })
})

describe('Slack messages', () => {
  const textsOf = (value: Notification): string[] =>
    slackBody(value, 'https://isobar.example').blocks.flatMap((block) =>
      'text' in block ? [block.text.text] : 'elements' in block ? block.elements.map(({ text }) => text) : [],
    )

  it('stay within the limits with 200 alerts of long text', () => {
    const long = notified({
      annotations: { summary: '<&>'.repeat(500), description: '&'.repeat(5000) },
      links: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`l${i}`, `https://x.example/${'y'.repeat(400)}`])),
    })
    const body = slackBody(notification({ alerts: Array.from({ length: 200 }, () => long) }))
    expect(body.blocks.length).toBeLessThanOrEqual(SLACK_LIMITS.blocks)
    const texts = textsOf(notification({ alerts: Array.from({ length: 200 }, () => long) }))
    for (const text of texts) expect(text.length).toBeLessThanOrEqual(SLACK_LIMITS.sectionCharacters)
    expect(texts.join('').length).toBeLessThanOrEqual(13_000)
    expect(texts.some((text) => /and \d+ more/.test(text))).toBe(true)
  })

  it('use all blocks for many short alerts, but not more than 50', () => {
    const body = slackBody(
      notification({
        alerts: Array.from({ length: 200 }, (_, i) => notified({ alertId: `a${i}`, annotations: { summary: 's' }, links: {} })),
      }),
    )
    expect(body.blocks.length).toBe(50)
  })

  it.each(HOSTILE_NAMES)('make no mention, link or markup of a hostile name: %#', (name) => {
    const body = slackBody(hostile(name), 'https://isobar.example')
    for (const text of [body.text, ...textsOf(hostile(name))]) {
      const markup = [...text.matchAll(/<([^>]*)>?/g)].map((match) => match[0])
      for (const found of markup) expect(found).toMatch(/^<https:\/\/isobar\.example\/\?station=x\|dashboard>$/)
      expect(text).not.toMatch(/[\r\u202a-\u202e\u2066-\u2069]/)
    }
    expect(body).toMatchObject({ parse: 'none', link_names: false })
  })
})

describe('Slack transport', () => {
  it('webhook: 200 is sent, 429 waits for Retry-After, 5xx passes, 4xx does not', async () => {
    const answers = [
      { status: 429, headers: { 'retry-after': '7' }, body: 'slow down' },
      { status: 500 },
      { status: 403, body: 'invalid_token' },
      { status: 302, headers: { location: 'https://evil.example' } },
      { status: 200, body: 'ok' },
    ]
    const { url, requests } = await httpServer((_request, index) => answers[index] ?? { status: 200 })
    const slack = createSlackTransport({ kind: 'webhook', url })
    expect(await slack.deliver(notification(), undefined)).toMatchObject({ ok: false, retry: 'transient', retryAfterMs: 7000 })
    expect(await slack.deliver(notification(), undefined)).toMatchObject({ ok: false, retry: 'transient' })
    expect(await slack.deliver(notification(), undefined)).toEqual({ ok: false, retry: 'permanent', detail: '403 invalid_token' })
    expect(await slack.deliver(notification(), undefined)).toMatchObject({ ok: false, retry: 'permanent' })
    expect(await slack.deliver(notification(), undefined)).toEqual({ ok: true, detail: 'webhook: 200' })
    expect(JSON.parse(requests[4]?.body ?? '')).toEqual(JSON.parse(JSON.stringify(slackBody(notification()))))
  })

  it('an unreachable server passes', async () => {
    const { url } = await httpServer(() => ({ status: 200 }))
    await cleanUps.pop()?.()
    expect(await createSlackTransport({ kind: 'webhook', url }).deliver(notification(), undefined)).toMatchObject({
      ok: false,
      retry: 'transient',
      detail: 'ECONNREFUSED',
    })
  })

  it('bot: posts, remembers the message, edits it at the end; a lost message is posted anew', async () => {
    const { url, requests } = await httpServer(({ path }, index) => ({
      status: 200,
      body: JSON.stringify(
        index === 3
          ? { ok: false, error: 'message_not_found' }
          : path.endsWith('chat.update')
            ? { ok: true }
            : { ok: true, ts: `1.${index}`, channel: 'C1' },
      ),
    }))
    const slack = createSlackTransport({ kind: 'bot', token: 'xoxb-test', channel: '#alerts', apiUrl: url })
    const posted = await slack.deliver(notification(), undefined)
    expect(posted).toEqual({ ok: true, detail: 'chat.postMessage: ok', thread: { ts: '1.0', channel: 'C1' } })
    const thread = posted.ok ? posted.thread : undefined
    expect(await slack.deliver(notification({ state: 'resolved', cause: 'changed' }), thread)).toMatchObject({ ok: true, thread })
    expect(await slack.deliver(notification({ cause: 'repeat' }), thread)).toMatchObject({ ok: true, thread })
    expect(await slack.deliver(notification({ cause: 'changed' }), thread)).toMatchObject({ ok: true, thread: { ts: '1.4' } })
    expect(requests.map(({ path }) => path)).toEqual([
      '/chat.postMessage',
      '/chat.update',
      '/chat.postMessage',
      '/chat.update',
      '/chat.postMessage',
    ])
    expect(JSON.parse(requests[1]?.body ?? '')).toMatchObject({ channel: 'C1', ts: '1.0' })
    expect(JSON.parse(requests[2]?.body ?? '')).toMatchObject({ thread_ts: '1.0' })
    expect(requests[0]?.headers.authorization).toBe('Bearer xoxb-test')
  })

  it('bot: errors answered with 200 are told apart', async () => {
    const errors = ['ratelimited', 'invalid_auth']
    const { url } = await httpServer((_request, index) => ({
      status: 200,
      body: JSON.stringify({ ok: false, error: errors[index] }),
    }))
    const slack = createSlackTransport({ kind: 'bot', token: 't', channel: 'c', apiUrl: url })
    expect(await slack.deliver(notification(), undefined)).toEqual({ ok: false, retry: 'transient', detail: 'ratelimited' })
    expect(await slack.deliver(notification(), undefined)).toEqual({ ok: false, retry: 'permanent', detail: 'invalid_auth' })
  })

  it('without an address it writes exactly what would be posted', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'isobar-slack-'))
    cleanUps.push(() => rm(dir, { recursive: true }))
    const slack = createSlackTransport({ kind: 'outbox', dir })
    const delivered = await slack.deliver(notification(), undefined)
    expect(delivered).toEqual({ ok: true, detail: `outbox: ${join(dir, 'slack', 'm1.json')}` })
    expect(await readdir(join(dir, 'slack'))).toEqual(['m1.json'])
    expect(JSON.parse(await readFile(join(dir, 'slack', 'm1.json'), 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(slackBody(notification()))),
    )
  })
})

describe('e-mail', () => {
  it('is multipart and threads the end to the beginning, over real SMTP', async () => {
    const { url, mails } = await mailServer()
    const email = createEmailTransport({ smtpUrl: url, from: 'isobar@example.org', to: ['ops@example.org'], isOutbox: true })
    cleanUps.push(() => email.close?.())
    expect(await email.deliver(notification(), undefined)).toMatchObject({
      ok: true,
      detail: expect.stringContaining('outbox: smtp 127.0.0.1') as string,
    })
    await email.deliver(
      notification({
        messageId: 'm2',
        opensThread: false,
        state: 'resolved',
        alerts: [notified({ state: 'resolved', endsAt: at(2) })],
      }),
      undefined,
    )
    const [firing, ended] = mails
    expect(firing).toMatchObject({ messageId: '<t1@isobar.local>', subject: 'Warning: Frost at Newark' })
    expect(ended).toMatchObject({
      messageId: '<m2@isobar.local>',
      inReplyTo: '<t1@isobar.local>',
      references: '<t1@isobar.local>',
      subject: 'Resolved: Frost at Newark',
    })
    expect(firing?.text).toContain('Frost at Newark')
    expect(firing?.html).toContain('<h3 dir="auto">Frost at Newark</h3>')
  })

  it.each(HOSTILE_NAMES)('a hostile name changes neither headers nor markup: %#', async (name) => {
    const { url, mails } = await mailServer()
    const email = createEmailTransport({ smtpUrl: url, from: 'isobar@example.org', to: ['ops@example.org'], isOutbox: false })
    cleanUps.push(() => email.close?.())
    expect(await email.deliver(hostile(name), undefined)).toMatchObject({ ok: true })
    const [mail] = mails
    expect(mail?.bcc).toBeUndefined()
    expect(mail?.cc).toBeUndefined()
    expect(mail?.subject?.length).toBeLessThanOrEqual(400)
    const html = mailOf(hostile(name)).html
    expect(html.match(/<[a-z0-9]+/g)?.every((tag) => ['<html', '<body', '<h3', '<p', '<code', '<a'].includes(tag))).toBe(true)
    expect(html).not.toMatch(/<[^>]*onmouseover/)
    expect(html.length).toBeLessThan(20_000)
  })

  it('a final refusal is told apart from a passing one and from a dead server', async () => {
    const refusals = [
      Object.assign(new Error('mailbox full'), { responseCode: 452 }),
      Object.assign(new Error('no such user'), { responseCode: 550 }),
    ]
    const { url } = await mailServer(() => refusals.shift())
    const email = createEmailTransport({ smtpUrl: url, from: 'a@example.org', to: ['b@example.org'], isOutbox: false })
    cleanUps.push(() => email.close?.())
    expect(await email.deliver(notification(), undefined)).toMatchObject({ ok: false, retry: 'transient' })
    expect(await email.deliver(notification(), undefined)).toMatchObject({ ok: false, retry: 'permanent' })
    const dead = createTransport({ host: '127.0.0.1', port: 1 })
    const error = await dead.sendMail({ from: 'a@example.org', to: 'b@example.org', text: 'x' }).then(
      () => null,
      (reason: unknown) => reason,
    )
    expect(classifySmtp(error)).toMatchObject({ ok: false, retry: 'transient' })
  })
})

describe('webhook', () => {
  const secret = `whsec_${Buffer.from('a secret of at least 24 bytes!').toString('base64')}`

  it('verifies with the Standard Webhooks library, and not when changed', async () => {
    const { url, requests } = await httpServer(() => ({ status: 204 }))
    const webhook = createWebhookTransport({ url, secret })
    expect(await webhook.deliver(hostile('<script>'), undefined)).toMatchObject({ ok: true })
    const [request] = requests
    const headers = request?.headers as Record<string, string>
    const verified = new Webhook(secret).verify(request?.body ?? '', headers)
    expect(verified).toMatchObject({
      type: 'alert.firing',
      timestamp: new Date(at(0)).toISOString(),
      data: { messageId: 'm1', alerts: [{ alertId: 'a1', sequence: 1, startsAt: new Date(at(0)).toISOString() }] },
    })
    expect(headers['webhook-id']).toBe('m1')
    expect(() => new Webhook(secret).verify(`${request?.body} `, headers)).toThrow()
  })

  it('410 Gone is final', async () => {
    const { url } = await httpServer(() => ({ status: 410 }))
    expect(await createWebhookTransport({ url, secret }).deliver(notification(), undefined)).toMatchObject({ retry: 'permanent' })
  })
})

describe('retries', () => {
  it('wait 1 s, 10 s, then 60 s each, until the last attempt', () => {
    const tiers = [1, 2, 3, 4, 9].map((attempt) => decideRetry(attempt, 10, 0))
    expect(tiers.map((next) => (next.kind === 'retry' ? next.tierMs : 0))).toEqual([1000, 10_000, 60_000, 60_000, 60_000])
    expect(decideRetry(10, 10, 0)).toEqual({ kind: 'give-up' })
  })

  it('honour Retry-After, also beyond the longest tier', () => {
    expect(decideRetry(1, 10, 1000, 7000)).toEqual({ kind: 'retry', tierMs: 10_000, attempt: 2, notBefore: 8000 })
    expect(decideRetry(1, 10, 0, 300_000)).toMatchObject({ tierMs: 60_000, notBefore: 300_000 })
    expect(tierFor(1)).toBe(1000)
    expect(parseRetryAfter('12', 0)).toBe(12_000)
    expect(parseRetryAfter(new Date(5000).toUTCString(), 0)).toBe(5000)
    expect(parseRetryAfter('soon', 0)).toBeUndefined()
    expect(parseRetryAfter(null, 0)).toBeUndefined()
    expect(parseRetryAfter('999999999', 0)).toBe(86_400_000)
  })
})

describe('configuration', () => {
  const configured = (env: Record<string, string>): string[] =>
    createTransports(transportsBlock.parse({ smtpUrl: 'smtp://127.0.0.1:1', ...env })).map(({ channel }) => channel)

  it('has Slack and e-mail always, webhook when addressed', () => {
    expect(configured({})).toEqual(['slack', 'email'])
    expect(
      configured({
        webhookUrl: 'https://example.org/',
        webhookSecret: `whsec_${Buffer.from('0123456789012345678901234').toString('base64')}`,
      }),
    ).toEqual(['slack', 'email', 'webhook'])
  })

  it('refuses half a configuration, saying what is missing', () => {
    expect(() => configured({ webhookUrl: 'https://example.org/' })).toThrow('WEBHOOK_SECRET')
    expect(() => configured({ slackBotToken: 'x' })).toThrow('SLACK_CHANNEL')
    expect(() => createTransports(transportsBlock.parse({}))).toThrow('SMTP_URL')
  })
})
