/**
 * The features processor's memory of one station: the hourly grid of the last 35 days and, per hour, when it was observed and known.
 * 30 KB where quantities come in tenths or hundredths, up to 44 (docs/benches.md); rebuilt from ClickHouse (`station_hour`) after a
 * rebalance, because rows are written there before an offset commits.
 */
import {
  createArrayPool,
  createHourlyWindow,
  FEATURE_REACH_HOURS,
  HOUR_MS,
  type HourlyWindow,
  ringSlot,
} from '../../forecasting/features/index.ts'

/** The reach of a vector plus five days, so that hours corrected up to five days late are rebuilt exactly. */
export const WINDOW_HOURS = FEATURE_REACH_HOURS + 120

/** A row of `station_hour`: one hour of the grid as stored. `values` in the order of HOURLY_COLUMNS, NaN = not observed. */
export type StationHour = {
  readonly stationId: string
  /** Top of the hour, epoch ms. */
  readonly validAt: number
  /** receivedAt of the observation, epoch ms. */
  readonly knownAt: number
  readonly observedAt: number
  readonly source: string
  readonly values: ArrayLike<number>
  /** Kafka offset of the observation. */
  readonly version: number
}

export type StationState = {
  readonly window: HourlyWindow
  /** Offset of the newest observation that is part of this state; redelivered ones are at or below it. */
  lastOffset: number
  /** receivedAt of each hour, ms after its top; what does not fit into 32 bits (a back-fill of weeks ago) makes them all 64. */
  delaysMs: Int32Array | Float64Array
  /** The newest knownAt ever put and its hour: in a stream in order it answers knownAtOf without a look at 720 hours. */
  latestKnownAt: number
  latestKnownHour: number
  /** Seconds between the observation and its hour, −1800…1800; NO_OBSERVATION marks a gap. */
  readonly offsetSeconds: Int16Array
}

const NO_OBSERVATION = 0x7fff
const NEVER_32 = -(2 ** 31)
const NEVER_64 = Number.NEGATIVE_INFINITY

/** All stations of a process are forgotten together. */
const arrays = createArrayPool()

export function createStationState(): StationState {
  return {
    window: createHourlyWindow(WINDOW_HOURS, arrays),
    lastOffset: -1,
    delaysMs: arrays.take(Int32Array, WINDOW_HOURS).fill(NEVER_32),
    latestKnownAt: Number.NEGATIVE_INFINITY,
    latestKnownHour: Number.NaN,
    offsetSeconds: arrays.take(Int16Array, WINDOW_HOURS).fill(NO_OBSERVATION),
  }
}

/** Rebuilds the state from stored hours, in any order. Hours older than the window are dropped. */
export function restoreStationState(rows: readonly StationHour[]): StationState {
  const state = createStationState()
  for (const row of rows.toSorted((a, b) => a.validAt - b.validAt)) putHour(state, row)
  return state
}

export function putHour(state: StationState, row: StationHour): void {
  const hour = row.validAt / HOUR_MS
  forgetSkippedHours(state, hour)
  state.window.set(hour, row.values)
  const slot = slotOf(hour)
  putDelay(state, slot, row.knownAt - row.validAt)
  if (row.knownAt >= state.latestKnownAt) {
    state.latestKnownAt = row.knownAt
    state.latestKnownHour = hour
  } else if (hour === state.latestKnownHour) {
    // What was newest is gone; which hour is now, the next newer one will tell.
    state.latestKnownHour = Number.NaN
  }
  state.offsetSeconds[slot] = Math.round((row.observedAt - row.validAt) / 1000)
  state.lastOffset = Math.max(state.lastOffset, row.version)
}

/** When everything the vector of `hour` may use was known: the newest receivedAt of the hours up to it. */
export function knownAtOf(state: StationState, hour: number): number {
  const oldest = Math.max(hour - FEATURE_REACH_HOURS + 1, state.window.newestHour - WINDOW_HOURS + 1)
  // Nothing in the window is newer than the newest ever put.
  if (state.latestKnownHour >= oldest && state.latestKnownHour <= hour) return state.latestKnownAt
  let newest = Number.NEGATIVE_INFINITY
  for (let h = oldest; h <= hour; h++) {
    const known = ownKnownAt(state, h)
    if (known > newest) newest = known
  }
  return newest
}

const slotOf = (hour: number): number => ringSlot(hour, WINDOW_HOURS)

/** receivedAt of the hour's own observation; −∞ of a gap. */
function ownKnownAt({ delaysMs }: StationState, hour: number): number {
  const delay = delaysMs[slotOf(hour)] as number
  return delay === NEVER_32 && delaysMs instanceof Int32Array ? NEVER_64 : hour * HOUR_MS + delay
}

function putDelay(state: StationState, slot: number, delayMs: number): void {
  const { delaysMs } = state
  // | 0: a whole number of 32 bits is what it was.
  if (delaysMs instanceof Int32Array && ((delayMs | 0) !== delayMs || delayMs === NEVER_32)) {
    state.delaysMs = arrays.take(Float64Array, WINDOW_HOURS)
    state.delaysMs.set(delaysMs)
    for (let s = 0; s < WINDOW_HOURS; s++) if (delaysMs[s] === NEVER_32) state.delaysMs[s] = NEVER_64
    arrays.giveBack(delaysMs)
  }
  state.delaysMs[slot] = delayMs
}

/** Seconds between the hour and the observation that fills it; null when the hour is a gap or out of the window. */
export function offsetSecondsOf(state: StationState, hour: number): number | null {
  const newest = state.window.newestHour
  if (Number.isNaN(newest) || hour > newest || hour <= newest - WINDOW_HOURS) return null
  const seconds = state.offsetSeconds[slotOf(hour)] as number
  return seconds === NO_OBSERVATION ? null : seconds
}

/** The ring reuses slots: what a skipped hour's slot held 30 days ago must not pass for news. */
function forgetSkippedHours(state: StationState, hour: number): void {
  const newest = state.window.newestHour
  if (hour <= newest) return
  const from = Number.isNaN(newest) ? hour : Math.max(newest + 1, hour - WINDOW_HOURS + 1)
  for (let h = from; h <= hour; h++) {
    const slot = slotOf(h)
    state.delaysMs[slot] = state.delaysMs instanceof Int32Array ? NEVER_32 : NEVER_64
    state.offsetSeconds[slot] = NO_OBSERVATION
  }
}
