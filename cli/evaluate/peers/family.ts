/** Prophet and SARIMAX among the evaluated families: every fit in a disposable process, every failure a refusal. */
import { normalQuantiles } from '../../../forecasting/models/index.ts'
import { HORIZON_HOURS } from '../../../schemas/quantities.ts'
import type { Evaluated } from '../evaluated.ts'
import { runDisposable } from './disposable.ts'
import type { PeerAnswer, PeerRequest } from './protocol.ts'

const H = HORIZON_HOURS
const LIMITS = { seconds: 300, megabytes: 1500 }
export const PEER_NAMES: readonly string[] = ['prophet', 'sarimax']

type Last = { readonly length: number; readonly answer: Extract<PeerAnswer, { ok: true }> }

export function createPeer(name: string, refitHours: number): Evaluated {
  const family = name as PeerRequest['family']
  let last: Last | null = null
  return {
    name,
    forecast(known, variable, refit) {
      const values = known.targets[variable]
      const ask = (extra: Partial<PeerRequest>): PeerAnswer =>
        runDisposable(
          {
            family,
            startHour: known.startHour,
            values: Array.from(values, (value) => (Number.isNaN(value) ? null : value)),
            steps: H,
            ...extra,
          },
          LIMITS,
        )
      const startedAt = performance.now()
      const isNew = refit || !last
      let answer: PeerAnswer
      let from = 0
      if (isNew || !last) {
        // Prophet looks at nothing but the calendar: one answer reaches over all origins until the next fit.
        answer = ask(family === 'prophet' ? { steps: H + refitHours } : {})
        last = answer.ok ? { length: values.length, answer } : null
      } else if (family === 'prophet') {
        answer = last.answer
        from = values.length - last.length
      } else answer = ask(last.answer.fitted ? { fitted: last.answer.fitted } : {})
      if (!answer.ok) return answer
      const seconds = (performance.now() - startedAt) / 1000
      const quantiles = normalQuantiles(variable, answer.mean, answer.deviation, from)
      return { ok: true, quantiles, fitSeconds: isNew ? seconds : null, predictMilliseconds: isNew ? 0 : 1000 * seconds }
    },
  }
}
