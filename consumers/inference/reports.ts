/** What each station of this replica said last: where a forecast comes from when nothing was said in its hour. */
import { HOUR_MS } from '../../forecasting/features/index.ts'
import { isSilent } from '../../forecasting/models/index.ts'
import type { Feature } from '../../schemas/generated/types.ts'

/** A vector in whose own hour something was reported. */
export type Report = {
  readonly stationId: string
  /** Epoch hours. */
  readonly hour: number
  readonly values: readonly number[]
  readonly knownAt: number
}

export type Held = { readonly report: Report; readonly partition: number; readonly readAtMs: number }

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

export function createReports(wallNowMs: () => number = () => 0): Reports {
  const stations = new Map<string, Held>()
  return {
    take({ stationId, validAt, knownAt, values }, partition) {
      const hour = validAt / HOUR_MS
      const before = stations.get(stationId)?.report
      const isGap = isSilent(values)
      const isNewest = !isGap && (!before || before.hour <= hour)
      const report = isNewest ? { stationId, hour, values, knownAt } : before
      if (report) stations.set(stationId, { report, partition, readAtMs: wallNowMs() })
      // Gaps are told when the next report comes, in order: what is newest then is the last one before the gap.
      return isGap && before && before.hour < hour ? before : null
    },
    newest: () => stations.values(),
    forget: () => stations.clear(),
  }
}
