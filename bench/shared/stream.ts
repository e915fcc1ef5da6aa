/** An even stream of events and what it took: pace, waiting for an outcome, times in a line, an order to serve one model. */
import { setTimeout as sleep } from 'node:timers/promises'
import { quantileSorted } from 'simple-statistics'
import { HOUR_MS } from '../../forecasting/features/index.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import type { Control } from '../../schemas/generated/types.ts'

/** Calls `send` so often a second until `isOver(n)`, without waiting for the one before. */
export async function pace(perSecond: number, isOver: (n: number) => boolean, send: (n: number) => Promise<void>): Promise<void> {
  const start = performance.now()
  const sending: Array<Promise<void>> = []
  for (let n = 0; !isOver(n); n++) {
    const early = start + (1000 * n) / perSecond - performance.now()
    if (early > 0) await sleep(early)
    sending.push(send(n))
  }
  await Promise.all(sending)
}

/** Resolves when the condition holds; throws with `what` after the limit, or as `failed` does. */
export async function untilOrFailed(
  what: string,
  condition: () => boolean,
  failed: Promise<never>,
  limitMs: number,
): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within ${limitMs / 1000} s: ${what}`)
    await Promise.race([failed, sleep(20)])
  }
}

export function shownQuantiles(sorted: readonly number[], levels: readonly number[]): string {
  if (sorted.length === 0) return 'none'
  return levels.map((p) => `${p * 100} % ${quantileSorted(sorted, p).toFixed(1)}`).join(', ')
}

/** `changedAtHour`: epoch hour. */
export function orderOf(
  stationId: string,
  variable: Control['variable'],
  champion: Control['champion'],
  { changedAtHour, decisionOffset }: { changedAtHour: number; decisionOffset: number },
): Control {
  return {
    eventId: `control/bench/${modelKey(stationId, variable)}`,
    stationId,
    variable,
    champion,
    previous: null,
    challengers: [],
    shadows: [],
    changedAt: changedAtHour * HOUR_MS,
    changedBy: 'bench',
    reason: 'bench',
    causedBy: null,
    decisionOffset,
  }
}
