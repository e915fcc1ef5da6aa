/**
 * Weather and model events → alert.v1. At least once; state rows and alerts of a slice are durable before its offsets advance,
 * and a redelivered offset gives the alerts recorded for it.
 */
import { isInstant } from '../../forecasting/quality-control/index.ts'
import type { Alert } from '../../schemas/generated/types.ts'
import { deadLetter, emit, skip, type BatchStep, type OutboundEvent, type Outcome } from '../../infra/runtime/kafka/types.ts'
import type { Memory, StateRow } from '../../infra/runtime/state/index.ts'
import type { Processed, RuleTopic, RulesEngine } from './engine.ts'

export type RulesStepDeps = {
  readonly engine: RulesEngine
  readonly memory: Memory
  /** Told after each slice whether its partition has nothing waiting. */
  readonly onSlice: (topic: RuleTopic, partition: number, caughtUp: boolean) => void
}

export function createRulesStep({ engine, memory, onSlice }: RulesStepDeps): BatchStep<RuleTopic, StateRow> {
  return (events, { topic, partition, caughtUp }) => {
    const first = events[0]
    if (first) engine.beginSlice(first.topic, first.partition, first.offset)
    const outcomes = events.map((event): Outcome<StateRow> => {
      if (event.topic === 'weather.observation-checked.v1') {
        const { observedAt, receivedAt } = event.value
        // Quality control lets none through; one from elsewhere must not become the last that was heard of a station.
        if (!isInstant(observedAt) || !isInstant(receivedAt))
          return deadLetter('invalid-instant', `observedAt ${observedAt}, receivedAt ${receivedAt}`)
      }
      let processed: Processed
      try {
        processed = engine.process(event)
      } catch (error) {
        // The only expected throw: quantiles that are no distribution.
        if (event.topic === 'weather.forecast.v1' && error instanceof RangeError)
          return deadLetter('bad-quantiles', error.message)
        throw error
      }
      if ('skipped' in processed) return skip(processed.skipped)
      return processed.alerts.length > 0 ? emit(processed.alerts.map(alertEvent)) : skip('nothing-to-tell')
    })
    onSlice(topic as RuleTopic, partition, caughtUp)
    return withRows(outcomes, memory.unstoredRows())
  }
}

export function alertEvent(alert: Alert): OutboundEvent {
  return {
    topic: 'alert.v1',
    key: alert.alertId,
    value: alert,
    ...(alert.causedBy === null ? {} : { headers: { 'caused-by': alert.causedBy } }),
  }
}

/** All rows ride on one outcome: one insert, so that what is restored is one moment of the whole. */
function withRows(outcomes: Array<Outcome<StateRow>>, rows: readonly StateRow[]): Array<Outcome<StateRow>> {
  if (rows.length === 0) return outcomes
  const carrier = outcomes.findLastIndex(({ kind }) => kind !== 'dead-letter')
  const outcome = outcomes[carrier]
  // Nothing but dead letters: the rows stay unstored and ride with the next slice.
  if (!outcome || outcome.kind === 'dead-letter') return outcomes
  outcomes[carrier] = emit<StateRow>(outcome.kind === 'emit' ? outcome.events : [], rows)
  return outcomes
}
