import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createOutbox } from './outbox.ts'

it('reads what Slack and mail would have got, newest first, and passes over what is no message', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'isobar-outbox-'))
  try {
    const put = async (path: string, content: string, seconds: number) => {
      await writeFile(join(dir, path), content)
      await utimes(join(dir, path), seconds, seconds)
    }
    expect(await createOutbox(dir).newest(10)).toEqual([])
    expect(await createOutbox(null).newest(10)).toEqual([])
    await mkdir(join(dir, 'slack'))
    await mkdir(join(dir, 'mail'))
    await put(
      'slack/m1.json',
      JSON.stringify({
        text: 'Frost &amp; ice',
        blocks: [{ type: 'section', text: { text: '&lt;b&gt; at jfk' } }, { type: 'divider' }],
      }),
      100,
    )
    await put(
      'mail/a.json',
      JSON.stringify({
        receivedAt: '2026-01-01T00:00:00.000Z',
        to: ['ops@example.org'],
        subject: 'Heat',
        text: 'hot',
        html: null,
      }),
      200,
    )
    await put('mail/a.eml', 'Subject: Heat', 300)
    await put('slack/broken.json', '{', 400)
    await put('slack/other.json', '{"a":1}', 500)
    expect(await createOutbox(dir).newest(10)).toEqual([
      { id: 'a', channel: 'email', at: 200_000, to: ['ops@example.org'], subject: 'Heat', text: 'hot' },
      { id: 'm1', channel: 'slack', at: 100_000, to: [], subject: 'Frost & ice', text: '<b> at jfk' },
    ])
  } finally {
    await rm(dir, { recursive: true })
  }
})
