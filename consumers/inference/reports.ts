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

export type Reports = {
  /** Null when something was reported in the hour itself; else the last report before it, if this process has read one. */
  readonly take: (feature: Feature) => Report | null
  /** The last report of each station, and when, by the wall clock, anything of the station was read. */
  readonly newest: () => Iterable<{ readonly report: Report; readonly readAtMs: number }>
  /** Other replicas may have taken stations over. Called on (re)assignment. */
  readonly forget: () => void
}

export function createReports(wallNowMs: () => number = () => 0): Reports {
  const stations = new Map<string, { report: Report; readAtMs: number }>()
  return {
    take({ stationId, validAt, knownAt, values }) {
      const hour = validAt / HOUR_MS
      const held = stations.get(stationId)
      if (held) held.readAtMs = wallNowMs()
      // Gaps are told when the next report comes, in order: what is newest then is the last one before the gap.
      if (isSilent(values)) return held && held.report.hour < hour ? held.report : null
      if (!held || held.report.hour <= hour)
        stations.set(stationId, { report: { stationId, hour, values, knownAt }, readAtMs: wallNowMs() })
      return null
    },
    newest: () => stations.values(),
    forget: () => stations.clear(),
  }
}
