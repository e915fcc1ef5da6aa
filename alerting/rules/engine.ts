/**
 * All rules over one memory. Every event is processed once per offset: its alerts are recorded under the offset, so a redelivery,
 * also after a crash between storing and publishing, gives the same alerts again and moves no state.
 */
import type { Alert } from '../../schemas/generated/types.ts'
import type { InboundEvent } from '../../infra/runtime/kafka/types.ts'
import type { Clock } from '../../infra/runtime/clock.ts'
import type { Memory } from '../../infra/runtime/state/index.ts'
import { createAlertBook } from './alert-book.ts'
import type { RulesConfig } from './config.ts'
import { createModelRules } from './from-models.ts'
import { createWeatherRules } from './from-weather.ts'
import type { NameRecord, ProgressRecord, TimerRecord } from './records.ts'

export const RULE_TOPICS = [
  'weather.station.v1',
  'weather.observation-checked.v1',
  'weather.forecast.v1',
  'model.drift.v1',
  'model.lifecycle.v1',
  'model.control.v1',
  'model.status.v1',
] as const
export type RuleTopic = (typeof RULE_TOPICS)[number]

/** Recorded offsets that are kept besides those of the slice at hand (which may be processed again in halves). */
const EARLIER_RECORDED_OFFSETS = 20

export type Processed = { readonly alerts: readonly Alert[] } | { readonly skipped: string }

export type RulesEngine = {
  /** A slice of a partition begins: what was recorded well before it has been published and is forgotten. */
  beginSlice(topic: RuleTopic, partition: number, firstOffset: number): void
  process(event: InboundEvent<RuleTopic>): Processed
  /** What time itself raises or ends; `mayJudgeSilence` false while events wait to be read. */
  tick(input: {
    mayJudgeSilence: boolean
    ownsObservations: (partition: number) => boolean
    ownsModels: boolean
  }): readonly Alert[]
  /** How many alerts fire, by rule. */
  firingByRule(): ReadonlyMap<string, number>
  /** Alerts of earlier ticks that are not yet known to be published. */
  unpublishedTimerAlerts(): readonly Alert[]
  timerAlertsPublished(alerts: readonly Alert[]): void
}

export function createRulesEngine(deps: {
  memory: Memory
  config: RulesConfig
  clock: Clock
  wallNow: () => number
}): RulesEngine {
  const { memory, config, clock, wallNow } = deps
  const book = createAlertBook(memory)
  const weather = createWeatherRules({ memory, book, config, wallNow })
  const models = createModelRules({ memory, book, config, wallNow })

  function judge(event: InboundEvent<RuleTopic>): Processed {
    switch (event.topic) {
      case 'weather.station.v1':
        memory.set(`name/${event.value.stationId}`, { name: event.value.name } satisfies NameRecord)
        return { alerts: [] }
      case 'weather.observation-checked.v1':
        clock.observe(event.value.receivedAt)
        return weather.onObservation(event.value, event.partition)
      case 'weather.forecast.v1':
        clock.observe(event.value.issuedAt)
        return weather.onForecast(event.value)
      case 'model.drift.v1':
        clock.observe(event.value.at)
        return { alerts: models.onDrift(event.value) }
      case 'model.lifecycle.v1':
        clock.observe(event.value.at)
        return { alerts: models.onLifecycle(event.value) }
      case 'model.control.v1':
        clock.observe(event.value.changedAt)
        return { alerts: models.onControl(event.value, event.offset, event.timestampMs) }
      case 'model.status.v1':
        return { alerts: models.onStatus(event.value, clock.now()) }
    }
  }

  return {
    beginSlice(topic, partition, firstOffset) {
      const key = progressKey(topic, partition)
      const before = memory.get<ProgressRecord>(key)
      const firstOfSlice = before?.emitted.findIndex(({ offset }) => offset >= firstOffset) ?? -1
      if (!before) return
      const end = firstOfSlice < 0 ? before.emitted.length : firstOfSlice
      const from = Math.max(0, end - EARLIER_RECORDED_OFFSETS)
      if (from > 0) memory.set(key, { ...before, emitted: before.emitted.slice(from) } satisfies ProgressRecord)
    },

    process(event) {
      const key = progressKey(event.topic, event.partition)
      const before = memory.get<ProgressRecord>(key)
      if (before && event.offset <= before.lastOffset) {
        const recorded = before.emitted.find(({ offset }) => offset === event.offset)
        return recorded ? { alerts: recorded.alerts } : { skipped: 'redelivered' }
      }
      const result = judge(event)
      // Nothing to remember of a skipped event: doing it again changes nothing, and history at full speed writes no rows.
      if ('skipped' in result) return result
      const emitted = before?.emitted ?? []
      memory.set(key, {
        lastOffset: event.offset,
        emitted: result.alerts.length === 0 ? emitted : [...emitted, { offset: event.offset, alerts: [...result.alerts] }],
      } satisfies ProgressRecord)
      return result
    },

    tick({ mayJudgeSilence, ownsObservations, ownsModels }) {
      const now = clock.now()
      // A stream clock that has seen nothing yet knows no time: nothing is old.
      if (now === 0) return []
      const alerts = [
        ...(ownsModels ? book.resolveExpired(now) : []),
        ...(mayJudgeSilence ? weather.onTime(now, ownsObservations) : []),
        ...(mayJudgeSilence && ownsModels ? models.onTime(now, wallNow()) : []),
      ]
      if (alerts.length > 0) {
        const before = memory.get<TimerRecord>('timer')?.unpublished ?? []
        memory.set('timer', { unpublished: [...before, ...alerts] } satisfies TimerRecord)
      }
      return alerts
    },
    firingByRule: () => book.firingByRule(),
    unpublishedTimerAlerts: () => memory.get<TimerRecord>('timer')?.unpublished ?? [],
    timerAlertsPublished(published) {
      const done = new Set(published.map(({ alertId, sequence }) => `${alertId}/${sequence}`))
      const left = (memory.get<TimerRecord>('timer')?.unpublished ?? []).filter(
        ({ alertId, sequence }) => !done.has(`${alertId}/${sequence}`),
      )
      memory.set('timer', { unpublished: left } satisfies TimerRecord)
    },
  }
}

function progressKey(topic: RuleTopic, partition: number): string {
  return `progress/${topic}/${partition}`
}
