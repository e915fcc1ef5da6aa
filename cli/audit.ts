/** What an operator does at a terminal, for audit.v1: what goes through the API is recorded there. */
import { userInfo } from 'node:os'
import { auditEvent } from '../api/audit.ts'
import { kafkaBlock, readConfig, registryBlock } from '../infra/runtime/config/index.ts'
import { openPublisher, publishWithin } from '../infra/runtime/kafka/index.ts'
import { createLogger } from '../infra/runtime/log.ts'
import type { Publisher } from '../infra/runtime/kafka/types.ts'

const TIMEOUT_MS = 15_000

export type Action = { readonly action: string; readonly subject: string; readonly details: Record<string, string> }

/** Call it when the action is done: an entry without an action would be worse than the error that an unreachable broker gives. */
export async function recordAction(env: NodeJS.ProcessEnv, action: Action): Promise<void> {
  const config = { ...readConfig(kafkaBlock, env), ...readConfig(registryBlock, env) }
  const publisher = openPublisher({ config, name: 'cli', log: createLogger('cli', 'silent') })
  try {
    await recordWith(publisher, action)
  } finally {
    await publisher.close()
  }
}

export async function recordWith(publisher: Pick<Publisher, 'publish'>, action: Action): Promise<void> {
  const actor = `cli:${userName()}`
  await publishWithin(TIMEOUT_MS, publisher)([auditEvent({ ...action, actor, reason: null, at: Date.now() })])
}

/** In a container the user often has a number only. */
function userName(): string {
  try {
    return userInfo().username
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SYSTEM_ERROR') throw error
    return String(process.getuid?.() ?? 'unknown')
  }
}
