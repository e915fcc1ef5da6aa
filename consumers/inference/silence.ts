/**
 * A station that has fallen silent → forecasts all the same, each hour for five days, from its last report read further ahead (late.ts): wider by as
 * much as it is older, `stale`, and saying since when. A station is silent when the clock of events is several hours ahead of its last report and
 * nothing of it has been read for some seconds of wall time in which this process did listen: in a replay partitions are read at different paces,
 * and neither one that lags nor one that nobody reads, as while the group rebalances, is silent.
 * When the hour is reported after all, its forecast has the same id and replaces the late one.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { FEATURE_COUNT, FEATURE_SET, HOUR_MS, MONTH_MEAN_INDEX } from '../../forecasting/features/index.ts'
import type { Later, OutboundEvent, Publisher } from '../../infra/runtime/kafka/types.ts'
import type { Logger } from '../../infra/runtime/log.ts'
import { startTicker } from '../../infra/runtime/ticker.ts'
import type { Feature } from '../../schemas/generated/types.ts'
import { copyOf, type Report, type Reports } from './reports.ts'
import { type Deps as StepDeps, type Forecasts, forecastsOf } from './step.ts'

/** Older reports say nothing that the climatology does not. */
const LONGEST_HOURS = 120
const QUIET_MS = 10_000
const TICK_MS = 5000

export type Deps = Pick<StepDeps, 'models' | 'adaptationOf' | 'liveWithinHours'> & {
  readonly reports: Pick<Reports, 'newest'>
  /** Event time, or the wall clock on live data. */
  readonly now: () => number
  readonly wallNowMs: () => number
  /** For how long the partition has been read to its end without a break. */
  readonly listeningMs: (partition: number) => number
}

/** What is due now, of all that are silent. An hour of a station is told once. */
export function createSilence({ models, adaptationOf, liveWithinHours, reports, now, wallNowMs, listeningMs }: Deps): {
  readonly due: () => Promise<Forecasts>
} {
  const told = new Map<string, number>()
  return {
    async due() {
      const hour = Math.floor(now() / HOUR_MS)
      const silent = [...reports.newest()]
        .filter(
          ({ report, partition, readAtMs }) =>
            hour - report.hour > liveWithinHours &&
            hour - report.hour <= LONGEST_HOURS &&
            wallNowMs() - readAtMs >= QUIET_MS &&
            listeningMs(partition) >= QUIET_MS &&
            told.get(report.stationId) !== hour,
        )
        .map(({ report }) => copyOf(report))
      const served: OutboundEvent[] = []
      const later: Later[] = []
      for (const report of silent) {
        told.set(report.stationId, hour)
        const active = await models.ofStation(report.stationId)
        if (!active || active.size === 0) continue
        const since = `no report since ${new Date(report.hour * HOUR_MS).toISOString().slice(0, 13)}Z`
        const forecasts = forecastsOf(emptyHour(report, hour), report, active, since, adaptationOf)
        served.push(...forecasts.served)
        later.push(...forecasts.later)
      }
      return { served, later }
    },
  }
}

/** Of an hour without a report only the means of the month are known, about. */
function emptyHour({ stationId, knownAt, values }: Report, hour: number): Feature {
  const empty = Array.from({ length: FEATURE_COUNT }, (_, i) => (MONTH_MEAN_INDEX.includes(i) ? values[i]! : Number.NaN))
  return { stationId, validAt: hour * HOUR_MS, knownAt, featureSet: FEATURE_SET, values: empty, cause: 'new' }
}

export function startSilence(
  deps: Deps & {
    readonly publisher: Pick<Publisher, 'publish'>
    readonly log: Pick<Logger, 'warn'>
    readonly fail: (error: unknown) => void
  },
): { readonly stop: () => Promise<void> } {
  const { publisher, log, fail } = deps
  const { due } = createSilence(deps)
  const { stop } = startTicker({
    what: 'forecasts of silent stations',
    everyMs: TICK_MS,
    log,
    fail,
    // The next hour is another chance; the forecast issued before stands meanwhile.
    async tick() {
      const { served, later } = await due()
      await publisher.publish(served)
      const rest: OutboundEvent[] = []
      for (const make of later) {
        await turn()
        rest.push(...make())
      }
      await publisher.publish(rest)
    },
  })
  return { stop }
}
