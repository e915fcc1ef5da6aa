/**
 * observation → checked observation. At least once; one output per input, keyed by station. The memory of a station is only context for
 * step and stuck tests: after a rebalance it starts anew from the observations that follow, and range checks hold meanwhile.
 */
import { checkObservation, createStationMemory, QC_VERSION, type StationMemory } from '../../forecasting/quality-control/index.ts'
import { type BatchStep, deadLetter, emit } from '../../infra/runtime/kafka/types.ts'
import { STATION_ID_PATTERN } from '../../schemas/quantities.ts'

export type DeadLetterReason = 'invalid-station-id' | 'invalid-instant'

export function createQualityControlStep(deps: { readonly observeEventTime: (epochMs: number) => void; readonly now: () => number }): {
  readonly step: BatchStep<'weather.observation.v1'>
  readonly forget: () => void
} {
  const memories = new Map<string, StationMemory>()
  return {
    forget: () => memories.clear(),
    step: (events) =>
      events.map(({ value, key }) => {
        if (!STATION_ID_PATTERN.test(value.stationId) || key !== value.stationId) {
          return deadLetter('invalid-station-id' satisfies DeadLetterReason, `stationId ${JSON.stringify(value.stationId)} with key ${JSON.stringify(key)}`)
        }
        if (!isInstant(value.observedAt) || !isInstant(value.receivedAt)) {
          return deadLetter('invalid-instant' satisfies DeadLetterReason, `observedAt ${value.observedAt}, receivedAt ${value.receivedAt}`)
        }
        deps.observeEventTime(value.receivedAt)
        const memory = memories.get(value.stationId) ?? createStationMemory()
        memories.set(value.stationId, memory)
        const verdict = checkObservation(memory, value, deps.now())
        return emit([{ topic: 'weather.observation-checked.v1', key: value.stationId, value: { ...value, ...verdict, qcVersion: QC_VERSION } }])
      }),
  }
}

/** Years 1800 to 2200: outside, the number is something else than epoch milliseconds. */
function isInstant(epochMs: number): boolean {
  return Number.isInteger(epochMs) && epochMs > -5_364_662_400_000 && epochMs < 7_258_118_400_000
}
