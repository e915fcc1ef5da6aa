/** alert.v1 → groups and due notifications. State and outbox are stored, then the bridge confirms, before the offset advances. */
import { deadLetter, emit, skip, type BatchStep, type Outcome, type Sink } from '../../infra/runtime/kafka/types.ts'
import type { Clock } from '../../infra/runtime/clock.ts'
import { createExclusive } from '../../infra/runtime/exclusive.ts'
import type { Memory, StateRow } from '../../infra/runtime/state/index.ts'
import type { Notification } from '../shared/notification.ts'
import type { PolicyEngine } from './engine.ts'

export function createPolicyStep(deps: {
  engine: PolicyEngine
  memory: Memory
  clock: Clock
  now: () => number
}): BatchStep<'alert.v1', StateRow> {
  const { engine, memory, clock, now } = deps
  return (events) => {
    const outcomes = events.map(({ value: alert, key }): Outcome<StateRow> => {
      if (key !== alert.alertId) return deadLetter('key-mismatch', `key ${key} is not the alert id ${alert.alertId}`)
      clock.observe(alert.endsAt ?? alert.startsAt)
      return engine.take(alert, now()) ? emit<StateRow>([]) : skip('not-newer')
    })
    const rows = memory.unstoredRows()
    const carrier = outcomes.findLastIndex(({ kind }) => kind !== 'dead-letter')
    if (rows.length > 0 && carrier >= 0) outcomes[carrier] = emit<StateRow>([], rows)
    return outcomes
  }
}

/** Rows first, then everything in the outbox: what was decided is known before anybody is told, and told again after a crash. */
export function createPolicySink(deps: {
  engine: Pick<PolicyEngine, 'outbox' | 'delivered'>
  memory: Pick<Memory, 'unstoredRows'>
  stateSink: Sink<StateRow>
  /** Resolves when every channel's queue has confirmed it; throws a transient AppError otherwise. */
  send: (notification: Notification) => Promise<void>
}): Sink<StateRow> & { flush(): Promise<void> } {
  const { engine, memory, stateSink, send } = deps
  const exclusive = createExclusive()

  async function sendOutbox(): Promise<void> {
    const pending = engine.outbox()
    for (const notification of pending) {
      await send(notification)
      engine.delivered(notification.messageId)
    }
    const rows = memory.unstoredRows()
    if (rows.length > 0) await stateSink.write(rows)
  }

  return {
    write: (rows) =>
      exclusive(async () => {
        await stateSink.write(rows)
        await sendOutbox()
      }),
    flush: () =>
      exclusive(async () => {
        const rows = memory.unstoredRows()
        if (rows.length > 0) await stateSink.write(rows)
        await sendOutbox()
      }),
  }
}
