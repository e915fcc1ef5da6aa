/** Something done again and again beside the loop: one at a time, transient failures wait for the next turn, others end the service. */
import { isTransient, messageOf } from './errors.ts'
import type { Logger } from './log.ts'

export type Ticker = { readonly stop: () => Promise<void>; readonly lastTickAgeMs: () => number }

export function startTicker(options: {
  /** For the log: what fails when it does. */
  what: string
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
      if (isTransient(error)) options.log.warn({ reason: messageOf(error) }, `${options.what} failed; trying again next time`)
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
