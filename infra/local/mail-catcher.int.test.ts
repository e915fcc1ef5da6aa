import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { stackUrls } from '../runtime/testing/stack-urls.ts'
import type { CaughtMail } from './mail-catcher.ts'
import { startMailCatcher } from './mail-catcher.ts'
import { smtpAnswers } from './readiness.ts'

let outboxDir: string
beforeEach(async () => {
  outboxDir = await mkdtemp(join(tmpdir(), 'isobar-mail-'))
})
afterEach(() => rm(outboxDir, { recursive: true, force: true }))

test('writes each mail as received and parsed before it answers the sender', async () => {
  const catcher = await startMailCatcher({ port: 0, outboxDir })
  const transport = createTransport(catcher.url)
  try {
    await transport.sendMail({
      from: 'Isobar <isobar@example.org>',
      to: ['a@example.org', 'b@example.org'],
      subject: 'Frost – Zürich',
      text: 'below 0 °C',
      html: '<b>below 0 °C</b>',
      headers: { 'X-Alert': 'frost/1' },
    })
    const files = (await readdir(outboxDir)).sort()
    expect(files.map((name) => name.split('.').at(-1))).toEqual(['eml', 'json'])
    const mail = JSON.parse(await readFile(join(outboxDir, files[1] ?? ''), 'utf8')) as CaughtMail
    expect(mail).toMatchObject({
      from: ['isobar@example.org'],
      to: ['a@example.org', 'b@example.org'],
      subject: 'Frost – Zürich',
      html: '<b>below 0 °C</b>',
      envelope: { from: 'isobar@example.org', to: ['a@example.org', 'b@example.org'] },
    })
    expect(mail.text?.trim()).toBe('below 0 °C')
    expect(mail.headers['x-alert']).toEqual(['frost/1'])
    expect(await readFile(join(outboxDir, files[0] ?? ''), 'utf8')).toContain('X-Alert: frost/1')
  } finally {
    transport.close()
    await catcher.close()
  }
})

test('refuses a mail it cannot store, so that the sender knows', async () => {
  const catcher = await startMailCatcher({ port: 0, outboxDir })
  await rm(outboxDir, { recursive: true })
  const transport = createTransport(catcher.url)
  try {
    await expect(
      transport.sendMail({ from: 'a@example.org', to: 'b@example.org', subject: 's', text: 't' }),
    ).rejects.toMatchObject({ responseCode: 451 })
  } finally {
    transport.close()
    await catcher.close()
  }
})

test('runs as a part of the local stack', async () => {
  expect(await smtpAnswers(Number(new URL(stackUrls().smtpUrl).port))).toBe(true)
})
