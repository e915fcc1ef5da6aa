/** Something done again and again beside the loop: one at a time, transient failures wait for the next turn, others end the service. */
import { isTransient, messageOf } from '../../infra/runtime/errors.ts'
import type { Logger } from '../../infra/runtime/log.ts'

export type Ticker = { stop(): Promise<void>; lastTickAgeMs(): number }

export function startTicker(options: {
  everyMs: number
  tick: () => Promise<void>
  log: Pick<Logger, 'warn'>
  fail: (error: unknown) => void
}): Ticker {
  let running: Promise<void> | null = null
  let lastTick = Date.now()
  const timer = setInterval(() => {
    running ??= turn().finally(() => {
      running = null
    })
  }, options.everyMs)

  async function turn(): Promise<void> {
    lastTick = Date.now()
    try {
      await options.tick()
    } catch (error) {
      if (isTransient(error)) options.log.warn({ reason: messageOf(error) }, 'timer work failed; trying again next time')
      else options.fail(error)
    }
  }

  return {
    lastTickAgeMs: () => Date.now() - lastTick,
    async stop() {
      clearInterval(timer)
      await running
    },
  }
}
