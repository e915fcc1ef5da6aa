/** Checked observations and forecasts → alerts about sensors and the weather. */
import { SITE_PRIOR } from '../../forecasting/models/index.ts'
import type { Alert, CheckedObservation, Forecast, QualityFlags } from '../../schemas/generated/types.ts'
import { observationEventId } from '../../schemas/event-ids.ts'
import { QUANTITIES } from '../../schemas/quantities.ts'
import type { Memory } from '../../infra/runtime/state/index.ts'
import type { AlertBook } from './alert-book.ts'
import type { RulesConfig } from './config.ts'
import { describeWeather, linksOf, quantityWords, stationWords, utc } from './describe.ts'
import type { ForecastRecord, ObservedRecord, SensorRun } from './records.ts'
import { decideSensorFault } from './sensor-fault.ts'
import { DEFAULT_WEATHER_RULES, decideWeather, outlookOf, type WeatherRule } from './weather-probability.ts'

const HOUR_MS = 3_600_000

/**
 * Wall time for which a station must look silent. When quality control catches up, after an outage or in a fast replay, one station is hours of
 * event time ahead of another for a moment, though nothing waits to be read here.
 */
const SILENT_FOR_MS = 10_000

export type RuleDeps = {
  readonly memory: Memory
  readonly book: AlertBook
  readonly config: RulesConfig
  readonly wallNow: () => number
}
export type Judged =
  | { readonly alerts: readonly Alert[] }
  | {
      readonly skipped:
        'not-live' | 'not-observed' | 'not-champion' | 'stale-forecast' | 'place-alone' | 'older-issue' | 'no-rule'
    }

export function createWeatherRules({ memory, book, config, wallNow }: RuleDeps) {
  /** Wall time since which a station has looked silent. */
  const silentSince = new Map<string, number>()
  const stationOf = (stationId: string): string => stationWords(stationId, memory)

  return {
    onObservation(observation: CheckedObservation, partition: number): Judged {
      if (observation.kind !== 'observation') return { skipped: 'not-observed' }
      if (observation.receivedAt - observation.observedAt > config.alertLiveWithinHours * HOUR_MS) return { skipped: 'not-live' }
      const { stationId, observedAt } = observation
      silentSince.delete(stationId)
      const key = `observed/${stationId}`
      const before = memory.get<ObservedRecord>(key)
      const causedBy = observationEventId(observation)
      const alerts: Alert[] = []
      const runs: Record<string, SensorRun> = {}
      for (const quantity of QUANTITIES) {
        const identity = { rule: 'sensor-fault', labels: { station: stationId, variable: quantity } }
        const flag = observation.flags[quantity]
        const verdict = decideSensorFault(before?.runs[quantity], flag, observedAt, book.isFiring(identity), {
          badHours: config.alertSensorBadHours,
          goodHours: config.alertSensorGoodHours,
        })
        if (verdict.run) runs[quantity] = verdict.run
        const alert =
          verdict.change === 'raise' && verdict.run
            ? book.raise({
                ...identity,
                severity: 'warning',
                at: observedAt,
                annotations: sensorWords(observation, quantity, verdict.run, stationOf(stationId)),
                links: linksOf('sensor-fault', config.alertRunbookBase, stationId),
                causedBy,
              })
            : verdict.change === 'resolve'
              ? book.resolve({ ...identity, at: observedAt, causedBy })
              : null
        if (alert) alerts.push(alert)
      }
      const stale =
        observedAt > (before?.lastLiveAt ?? 0)
          ? book.resolve({ rule: 'station-stale', labels: { station: stationId }, at: observedAt, causedBy })
          : null
      if (stale) alerts.push(stale)
      memory.set(key, { lastLiveAt: Math.max(before?.lastLiveAt ?? 0, observedAt), runs, partition } satisfies ObservedRecord)
      return { alerts }
    },

    /** Throws RangeError on quantiles that are not ascending. */
    onForecast(forecast: Forecast): Judged {
      if (forecast.role !== 'champion') return { skipped: 'not-champion' }
      const rules = config.alertWeatherRules.filter((rule) => rule.variable === forecast.variable)
      if (rules.length === 0) return { skipped: 'no-rule' }
      // Old inputs prove nothing about the coming hours: neither raise nor resolve on them.
      if (forecast.status === 'stale') return { skipped: 'stale-forecast' }
      // What is usual at a latitude, wide as it is, reaches a threshold for whole seasons: that is a climate, not a warning.
      if (forecast.fallback === SITE_PRIOR) return { skipped: 'place-alone' }
      const key = `forecast/${forecast.stationId}`
      const judgedIssues = { ...memory.get<ForecastRecord>(key)?.judgedIssues }
      const outlooks = rules.flatMap((rule) => {
        // A correction may issue an older hour again; the newest issue decides.
        if (forecast.issuedAt < (judgedIssues[rule.name] ?? 0)) return []
        const outlook = outlookOf(rule, forecast)
        return outlook ? [{ rule, outlook }] : []
      })
      if (outlooks.length === 0) return { skipped: 'older-issue' }
      const alerts: Alert[] = []
      for (const { rule, outlook } of outlooks) {
        judgedIssues[rule.name] = forecast.issuedAt
        const identity = { rule: rule.name, labels: { kind: 'weather', station: forecast.stationId, variable: rule.variable } }
        const { change } = decideWeather(rule, outlook, book.isFiring(identity))
        const annotations = {
          ...describeWeather(rule, outlook, stationOf(forecast.stationId), forecast.statusReason),
          probability: outlook.probability.toFixed(3),
          validAt: new Date(outlook.validAt).toISOString(),
          modelVersion: forecast.modelVersion,
        }
        const alert =
          change === 'raise'
            ? book.raise({
                ...identity,
                severity: rule.severity,
                at: forecast.issuedAt,
                annotations,
                links: linksOf(runbookOf(rule), config.alertRunbookBase, forecast.stationId),
                causedBy: forecast.forecastId,
              })
            : change === 'resolve'
              ? book.resolve({ ...identity, at: forecast.issuedAt, causedBy: forecast.forecastId, annotations })
              : null
        if (alert) alerts.push(alert)
      }
      memory.set(key, { judgedIssues } satisfies ForecastRecord)
      return { alerts }
    },

    /** Stations of these partitions that were silent too long. Only the timer asks, and only when nothing waits to be read. */
    onTime(now: number, ownsPartition: (partition: number) => boolean): Alert[] {
      const limitMs = config.alertStaleAfterHours * HOUR_MS
      return memory.keys('observed/').flatMap((key) => {
        const record = memory.get<ObservedRecord>(key)
        if (!record || !ownsPartition(record.partition) || now - record.lastLiveAt < limitMs) return []
        const stationId = key.slice('observed/'.length)
        const since = silentSince.get(stationId) ?? wallNow()
        silentSince.set(stationId, since)
        if (wallNow() - since < SILENT_FOR_MS) return []
        const station = stationOf(stationId)
        const alert = book.raise({
          rule: 'station-stale',
          labels: { station: stationId },
          severity: 'warning',
          at: record.lastLiveAt + limitMs,
          annotations: {
            summary: `${station} has been silent for ${config.alertStaleAfterHours} h`,
            description: `Last observation: ${utc(record.lastLiveAt)}. Forecasts of this station become stale.`,
          },
          links: linksOf('station-stale', config.alertRunbookBase, stationId),
          causedBy: null,
        })
        return alert ? [alert] : []
      })
    },
  }
}

/** Rules of one's own share a runbook. */
function runbookOf({ name }: WeatherRule): string {
  return DEFAULT_WEATHER_RULES.some((rule) => rule.name === name) ? name : 'weather-rule'
}

function sensorWords(
  observation: CheckedObservation,
  quantity: keyof QualityFlags,
  run: SensorRun,
  station: string,
): Record<string, string> {
  const rules = observation.rules[quantity] ?? []
  const words = quantityWords(quantity)
  return {
    summary: `${words[0]?.toUpperCase()}${words.slice(1)} sensor at ${station} looks faulty`,
    description: `Called bad in ${run.badHours} hours in a row since ${utc(run.badSince)}${rules.length > 0 ? ` by ${rules.join(', ')}` : ''}; last value ${observation[quantity] ?? 'missing'}. Bad values are not used for forecasts and never retrain a model.`,
    rules: rules.join(','),
    badSince: new Date(run.badSince).toISOString(),
  }
}
