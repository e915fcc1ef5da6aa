/**
 * checked observation → hourly grid row + feature vectors of the affected hours.
 * At least once. Grid rows replace by (station, hour), features by (station, hour, knownAt); a redelivered observation emits the same
 * vectors again, because a crash may have happened between the store's and the broker's acknowledgement.
 */
import type { CheckedObservation, Feature } from '../../schemas/generated/types.ts'
import { isInstant } from '../../forecasting/quality-control/index.ts'
import {
  buildFeatures,
  FEATURE_COUNT,
  FEATURE_REACH_HOURS,
  FEATURE_SET,
  HOUR_MS,
  hourOf,
  observationToHourlyRow,
} from '../../forecasting/features/index.ts'
import {
  type BatchStep,
  deadLetter,
  emit,
  type InboundEvent,
  type OutboundEvent,
  type Outcome,
  skip,
} from '../../infra/runtime/kafka/types.ts'
import {
  createStationState,
  knownAtOf,
  offsetSecondsOf,
  putHour,
  type StationHour,
  type StationState,
  WINDOW_HOURS,
} from './station-state.ts'

/** A longer silence is not bridged hour by hour: the vectors in between would hold nothing but gaps. */
const MAX_BRIDGED_GAP_HOURS = 72

export type FeatureRow = { readonly feature: Feature; readonly version: number }
export type Row = { readonly hour: StationHour } | FeatureRow
export type DeadLetterReason = 'invalid-instant'
export type SkipReason = 'model-fill' | 'nothing-usable' | 'older-than-window' | 'farther-from-the-hour' | 'unchanged'

export type Deps = {
  /** Newest stored hours of stations not in memory yet, at most WINDOW_HOURS each. */
  readonly loadHours: (stationIds: readonly string[]) => Promise<ReadonlyMap<string, readonly StationHour[]>>
  readonly restore: (rows: readonly StationHour[]) => StationState
  readonly observeEventTime: (epochMs: number) => void
}

export type FeatureStep = {
  readonly step: BatchStep<'weather.observation-checked.v1', Row>
  /** Drops all state, so that the next event of a station restores it from the store. Called on (re)assignment. */
  readonly forget: () => void
  readonly stationCount: () => number
}

export function createFeatureStep({ loadHours, restore, observeEventTime }: Deps): FeatureStep {
  const stations = new Map<string, StationState>()

  async function loadMissing(events: ReadonlyArray<InboundEvent<'weather.observation-checked.v1'>>): Promise<void> {
    const missing = [...new Set(events.map((event) => event.value.stationId))].filter((id) => !stations.has(id))
    if (missing.length === 0) return
    const stored = await loadHours(missing)
    for (const id of missing) {
      const rows = stored.get(id)
      stations.set(id, rows && rows.length > 0 ? restore(rows) : createStationState())
    }
  }

  return {
    step: async (events) => {
      await loadMissing(events)
      return events.map((event) => {
        if (isInstant(event.value.receivedAt)) observeEventTime(event.value.receivedAt)
        return applyObservation(stations.get(event.value.stationId) as StationState, event.value, event.offset)
      })
    },
    forget: () => stations.clear(),
    stationCount: () => stations.size,
  }
}

/** Refilled for each vector. */
const vector = new Float32Array(FEATURE_COUNT)
const plain = Array.from(vector, () => 0.5)

/** Copied whole: to let an array grow to its length allocates it three times over, and Array.from goes through the iterator. */
function plainArray(values: Float32Array): number[] {
  for (let i = 0; i < plain.length; i++) plain[i] = values[i] as number
  return plain.slice()
}

function applyObservation(state: StationState, observation: CheckedObservation, offset: number): Outcome<Row> {
  const { observedAt, receivedAt } = observation
  // Quality control lets none through; one from elsewhere must not move the window to where no real hour fits in.
  if (!isInstant(observedAt) || !isInstant(receivedAt))
    return deadLetter('invalid-instant' satisfies DeadLetterReason, `observedAt ${observedAt}, receivedAt ${receivedAt}`)
  if (observation.kind === 'model-fill') return skip('model-fill' satisfies SkipReason)
  const values = observationToHourlyRow(observation)
  if (values === null) return skip('nothing-usable' satisfies SkipReason)

  const hour = hourOf(observation.observedAt)
  const newestBefore = state.window.newestHour
  if (hour <= newestBefore - WINDOW_HOURS) return skip('older-than-window' satisfies SkipReason)
  const redelivered = offset <= state.lastOffset
  const offsetBefore = offsetSecondsOf(state, hour)
  const offsetNow = Math.round((observation.observedAt - hour * HOUR_MS) / 1000)
  if (offsetBefore !== null && Math.abs(offsetBefore) < Math.abs(offsetNow))
    return skip('farther-from-the-hour' satisfies SkipReason)
  if (!redelivered && offsetBefore === offsetNow && sameValues(state, hour, values)) return skip('unchanged' satisfies SkipReason)

  const stored: StationHour = {
    stationId: observation.stationId,
    validAt: hour * HOUR_MS,
    knownAt: observation.receivedAt,
    observedAt: observation.observedAt,
    source: observation.source,
    values,
    version: offset,
  }
  if (!redelivered) putHour(state, stored)

  const isNew = redelivered || Number.isNaN(newestBefore) || hour > newestBefore
  const [from, to] = isNew
    ? [firstBridgedHour(state, hour), hour]
    : [Math.max(hour, oldestExactHour(state)), state.window.newestHour]
  const rows: Row[] = [{ hour: stored }]
  const out: OutboundEvent[] = []
  for (let h = from; h <= to; h++) {
    const feature: Feature = {
      stationId: observation.stationId,
      validAt: h * HOUR_MS,
      knownAt: h < hour ? Math.max(knownAtOf(state, h), observation.receivedAt) : knownAtOf(state, h),
      featureSet: FEATURE_SET,
      values: plainArray(buildFeatures(state.window, h, vector)),
      cause: isNew ? 'new' : 'correction',
    }
    rows.push({ feature, version: offset })
    out.push({ topic: 'weather.feature.v1', key: observation.stationId, value: feature })
  }
  return emit(out, rows)
}

/** Hours without an observation right before `hour` get their vectors too, so that the grid is explicit about gaps. */
function firstBridgedHour(state: StationState, hour: number): number {
  let first = hour
  while (hour - first < MAX_BRIDGED_GAP_HOURS && offsetSecondsOf(state, first - 1) === null) first--
  return hour - first >= MAX_BRIDGED_GAP_HOURS ? hour : first
}

/** Vectors of older hours reach back beyond the window; they keep the values they were issued with. */
function oldestExactHour(state: StationState): number {
  return state.window.newestHour - WINDOW_HOURS + FEATURE_REACH_HOURS
}

function sameValues(state: StationState, hour: number, values: ArrayLike<number>): boolean {
  for (let column = 0; column < values.length; column++) {
    const a = state.window.value(column, hour)
    const b = Math.fround(values[column] as number)
    if (a !== b && !(Number.isNaN(a) && Number.isNaN(b))) return false
  }
  return true
}
