/** What the channels without an address would have sent: files of the outbox folder, newest first. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

type OutboxMessage = {
  readonly id: string
  readonly channel: 'slack' | 'email'
  /** Wall instant, epoch ms. */
  readonly at: number
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
}
export type Outbox = { newest(limit: number): Promise<OutboxMessage[]> }

const SlackFile = z.object({
  text: z.string(),
  blocks: z.array(z.object({ text: z.object({ text: z.string() }).optional() })).default([]),
})
const MailFile = z.object({
  receivedAt: z.iso.datetime(),
  to: z.array(z.string()),
  subject: z.string().nullable(),
  text: z.string().nullable(),
})

/** `dir` null: there is no outbox. Files that cannot be read as messages are left out. */
export function createOutbox(dir: string | null): Outbox {
  return {
    async newest(limit) {
      if (dir === null) return []
      const found = await Promise.all([files(join(dir, 'slack')), files(join(dir, 'mail'))])
      const newest = found
        .flat()
        .sort((a, b) => b.at - a.at)
        .slice(0, limit)
      const messages = await Promise.all(newest.map(async (file) => toMessage(file, await readFile(file.path, 'utf8'))))
      return messages.filter((message) => message !== null)
    },
  }
}

type OutboxFile = { path: string; id: string; at: number }

async function files(folder: string): Promise<OutboxFile[]> {
  try {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.json'))
    return await Promise.all(
      names.map(async (name) => {
        const path = join(folder, name)
        return { path, id: name.slice(0, -'.json'.length), at: (await stat(path)).mtimeMs }
      }),
    )
  } catch (error) {
    // Nothing was ever kept there.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

function toMessage({ id, at }: OutboxFile, text: string): OutboxMessage | null {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
  const mail = MailFile.safeParse(content)
  if (mail.success) {
    const { to, subject, text: body } = mail.data
    return { id, channel: 'email', at, to, subject: subject ?? '', text: body ?? '' }
  }
  const slack = SlackFile.safeParse(content)
  if (!slack.success) return null
  const blocks = slack.data.blocks.flatMap((block) => block.text?.text ?? [])
  return { id, channel: 'slack', at, to: [], subject: plain(slack.data.text), text: plain(blocks.join('\n\n')) }
}

/** Slack escapes three characters; whoever shows this text escapes it in its own way. */
function plain(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}
