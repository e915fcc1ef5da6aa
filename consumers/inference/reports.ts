/**
 * What each station of this replica said last: where a forecast comes from when nothing was said in its hour. A station's report is written
 * over by its next one: to keep the events that were read would keep each of them alive for an hour, which costs several times the memory.
 */
import { createArrayPool, FEATURE_COUNT, HOUR_MS } from '../../forecasting/features/index.ts'
import { isSilent } from '../../forecasting/models/index.ts'
import type { Feature } from '../../schemas/generated/types.ts'

/** A vector in whose own hour something was reported. Who waits for anything takes a `copyOf` it first. */
export type Report = {
  readonly stationId: string
  /** Epoch hours. */
  readonly hour: number
  readonly values: Float32Array
  readonly knownAt: number
}

export type Held = { readonly report: Report; readonly partition: number; readonly readAtMs: number }

type Written<T> = { -readonly [Key in keyof T]: T[Key] }
type Kept = { readonly report: Written<Report>; partition: number; readAtMs: number }

export type Reports = {
  /**
   * Null when something was reported in the hour itself; else the last report before it, if this process has read one. `partition`: of
   * the topic that it was read from.
   */
  readonly take: (feature: Feature, partition: number) => Report | null
  /** The last report of each station, from which partition, and when, by the wall clock, anything of the station was read. */
  readonly newest: () => Iterable<Held>
  /** Other replicas may have taken stations over. Called on (re)assignment. */
  readonly forget: () => void
}

export function copyOf(report: Report): Report {
  return { ...report, values: report.values.slice() }
}

export function createReports(wallNowMs: () => number = () => 0): Reports {
  const stations = new Map<string, Kept>()
  let arrays = createArrayPool()

  function keep(stationId: string, hour: number, partition: number): Kept {
    const values = arrays.take(Float32Array, FEATURE_COUNT)
    const kept = { report: { stationId, hour, values, knownAt: 0 }, partition, readAtMs: 0 }
    stations.set(stationId, kept)
    return kept
  }

  return {
    take({ stationId, validAt, knownAt, values }, partition) {
      const hour = validAt / HOUR_MS
      const isGap = isSilent(values)
      const before = stations.get(stationId)
      const kept = before ?? (isGap ? undefined : keep(stationId, hour, partition))
      if (!kept) return null
      kept.partition = partition
      kept.readAtMs = wallNowMs()
      const { report } = kept
      // Gaps are told when the next report comes, in order: what is newest then is the last one before the gap.
      if (isGap) return report.hour < hour ? report : null
      if (report.hour <= hour) {
        report.hour = hour
        report.knownAt = knownAt
        for (let i = 0; i < FEATURE_COUNT; i++) report.values[i] = values[i] ?? Number.NaN
      }
      return null
    },
    newest: () => stations.values(),
    forget() {
      stations.clear()
      arrays = createArrayPool()
    },
  }
}
