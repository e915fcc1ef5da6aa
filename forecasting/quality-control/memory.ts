/** What quality control remembers of a station: plain data, replaced and never changed, so that a batch can be judged again. */
import type { Observation } from '../../schemas/generated/types.ts'
import { QUANTITIES } from '../../schemas/quantities.ts'
import type { Quantity } from '../../schemas/quantities.ts'
import { STUCK, STUCK_MAX_GAP_HOURS } from './limits.ts'

export const HOUR_MS = 3_600_000

/**
 * Newest accepted value of a quantity and since when it has not changed, epoch ms. `isStuck`: this run was found stuck; it stays so until
 * the value moves, even where the weather happens to pass by the stuck value.
 */
export type Track = { readonly at: number; readonly value: number; readonly since: number; readonly isStuck: boolean }
/** Decayed counts of changes, and of those finer than a whole unit. */
export type Changes = { readonly all: number; readonly fine: number }
export type Seen = { readonly at: number; readonly source: string; readonly values: string; readonly revision: number }

export type StationMemory = {
  /** Newest observation judged, epoch ms. */
  readonly newestAt: number | null
  readonly tracks: Readonly<Partial<Record<Quantity, Track>>>
  readonly changes: Readonly<Partial<Record<Quantity, Changes>>>
  /** Newest last; for finding repeated and corrected reports. */
  readonly seen: readonly Seen[]
}

const SEEN_AT_MOST = 96
/** Weight of a change after the next one: about ten days of hourly changes count. */
const DECAY = 0.996
const ENOUGH_CHANGES = 16
/** Whole degrees Fahrenheit, converted and corrected on the way, still show a few finer changes; tenths show mostly finer ones. */
const FINE_SHARE = 0.15

export function createStationMemory(): StationMemory {
  return { newestAt: null, tracks: {}, changes: {}, seen: [] }
}

/** Values of an observation as text, for telling a repetition from a correction. */
export function fingerprint(observation: Observation): string {
  return QUANTITIES.map((quantity) => observation[quantity] ?? '').join(',')
}

/** The newest report of the same instant and source, if it is remembered. */
export function findSeen(memory: StationMemory, { observedAt, source }: Observation): Seen | undefined {
  return memory.seen.findLast((seen) => seen.at === observedAt && seen.source === source)
}

export function rememberSeen(memory: StationMemory, observation: Observation, revision: number): StationMemory {
  const entry = { at: observation.observedAt, source: observation.source, values: fingerprint(observation), revision }
  return { ...memory, seen: [...memory.seen.slice(-(SEEN_AT_MOST - 1)), entry] }
}

/** Takes in the accepted values of an observation that is newer than all before. */
export function rememberValues(
  memory: StationMemory,
  at: number,
  accepted: ReadonlyArray<readonly [Quantity, number]>,
  isStuck: (quantity: Quantity) => boolean,
): StationMemory {
  const tracks = { ...memory.tracks }
  const changes = { ...memory.changes }
  for (const [quantity, value] of accepted) {
    const last = memory.tracks[quantity]
    tracks[quantity] = { at, value, since: last && isUnchanged(last, at, value) ? last.since : at, isStuck: isStuck(quantity) }
    const coarse = STUCK[quantity]?.coarse
    if (coarse !== undefined && last && last.value !== value) {
      const { all, fine } = memory.changes[quantity] ?? { all: 0, fine: 0 }
      changes[quantity] = { all: all * DECAY + 1, fine: fine * DECAY + (Math.abs(value - last.value) < coarse ? 1 : 0) }
    }
  }
  return { ...memory, newestAt: at, tracks, changes }
}

/** Hours for which the value has been the same, were it `value` now. 0 when it changed or was not heard of for long. */
export function unchangedHours(track: Track | undefined, at: number, value: number): number {
  return track && isUnchanged(track, at, value) ? (at - track.since) / HOUR_MS : 0
}

/** Whether the value continues a run that was found stuck. */
export function continuesStuckRun(track: Track | undefined, at: number, value: number): boolean {
  return track !== undefined && track.isStuck && isUnchanged(track, at, value)
}

/** Whether the sensor reports whole units. False until enough changes were seen. */
export function isCoarse(memory: StationMemory, quantity: Quantity): boolean {
  const changes = memory.changes[quantity]
  return changes !== undefined && changes.all >= ENOUGH_CHANGES && changes.fine / changes.all < FINE_SHARE
}

function isUnchanged(track: Track, at: number, value: number): boolean {
  return track.value === value && at - track.at <= STUCK_MAX_GAP_HOURS * HOUR_MS
}
