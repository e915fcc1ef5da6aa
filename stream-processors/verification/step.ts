/**
 * forecast × checked observation → verification, and what it teaches of the intervals → adaptation. At least once; an event for the same hour, model version and role replaces the earlier
 * one, so redelivery scores nothing twice and a forecast or observation that arrives late completes the hour.
 */
import { hourOf } from '../../forecasting/features/index.ts'
import { isInstant } from '../../forecasting/quality-control/index.ts'
import {
  type BatchStep,
  deadLetter,
  emit,
  type InboundEvent,
  type OutboundEvent,
  type Outcome,
  skip,
} from '../../infra/runtime/kafka/types.ts'
import type { AdaptationRecord } from '../../forecasting/models/index.ts'
import type { IntervalAdaptation, Verification } from '../../schemas/generated/types.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import { FORECAST_VARIABLES, type ForecastVariable } from '../../schemas/quantities.ts'
import { foldScored } from './adaptation.ts'
import {
  addForecast,
  addTruth,
  createLedger,
  type IssuedForecast,
  markHour,
  scoreDueHours,
  type StationLedger,
  truthOf,
} from './ledger.ts'

export type VerificationInput = 'weather.forecast.v1' | 'weather.observation-checked.v1'
export type DeadLetterReason = 'invalid-instant'
export type SkipReason = 'not-truth' | 'changes-nothing' | 'taken-in'

export type Deps = {
  /** What the ledgers of these stations held when the offsets were committed that this assignment began at. */
  readonly loadLedgers: (stationIds: readonly string[]) => Promise<ReadonlyMap<string, StationLedger>>
  /** What had been folded when this assignment began, or later; null: nothing. */
  readonly loadAdaptation: (stationId: string, variable: ForecastVariable) => AdaptationRecord | null
  readonly observeEventTime: (epochMs: number) => void
}

export function createVerificationStep({ loadLedgers, loadAdaptation, observeEventTime }: Deps): {
  readonly step: BatchStep<VerificationInput>
  readonly forget: () => void
} {
  const ledgers = new Map<string, StationLedger>()

  async function loadMissing(events: ReadonlyArray<InboundEvent<VerificationInput>>): Promise<void> {
    const missing = [...new Set(events.map((event) => event.value.stationId))].filter((id) => !ledgers.has(id))
    if (missing.length === 0) return
    const stored = await loadLedgers(missing)
    for (const id of missing) {
      const ledger = stored.get(id) ?? createLedger()
      for (const variable of FORECAST_VARIABLES) {
        const record = loadAdaptation(id, variable)
        if (record) ledger.adaptations.set(variable, record)
      }
      ledgers.set(id, ledger)
    }
  }

  return {
    step: async (events) => {
      await loadMissing(events)
      const outcomes = events.map((event): Outcome => {
        const ledger = ledgers.get(event.value.stationId) as StationLedger
        if (event.topic === 'weather.observation-checked.v1') {
          const { observedAt, receivedAt } = event.value
          // Quality control lets none through; one from elsewhere must not age everything that the ledger holds.
          if (!isInstant(observedAt) || !isInstant(receivedAt))
            return deadLetter('invalid-instant' satisfies DeadLetterReason, `observedAt ${observedAt}, receivedAt ${receivedAt}`)
          observeEventTime(receivedAt)
          return onObservation(ledger, event)
        }
        return onForecast(ledger, event)
      })
      // Scored once a slice: a backlog of forecasts would otherwise have each of its hours scored again for every one of them.
      const carrier = outcomes.findLastIndex(({ kind }) => kind === 'skip')
      if (carrier < 0) return outcomes
      const touched = new Set(events.map(({ value }) => value.stationId))
      const made = [...touched].flatMap((id) => {
        const ledger = ledgers.get(id) as StationLedger
        const scored = scoreDueHours(ledger, id)
        return [...scored.map(verified), ...foldScored(ledger, id, scored).map(adapted)]
      })
      if (made.length > 0) outcomes[carrier] = emit(made)
      return outcomes
    },
    forget: () => ledgers.clear(),
  }
}

function onObservation(ledger: StationLedger, { value }: InboundEvent<'weather.observation-checked.v1'>): Outcome {
  const truth = truthOf(value)
  if (truth === null) return skip('not-truth' satisfies SkipReason)
  const hour = hourOf(value.observedAt)
  if (!addTruth(ledger, hour, truth)) return skip('changes-nothing' satisfies SkipReason)
  for (const variable of FORECAST_VARIABLES) markHour(ledger, variable, hour)
  return skip('taken-in' satisfies SkipReason)
}

function onForecast(ledger: StationLedger, { value }: InboundEvent<'weather.forecast.v1'>): Outcome {
  const forecast: IssuedForecast = {
    forecastId: value.forecastId,
    variable: value.variable,
    issuedAt: value.issuedAt,
    modelVersion: value.modelVersion,
    role: value.role,
    quantiles: Float32Array.from(value.quantiles.flat()),
    logFactors: Float32Array.from(value.logFactors),
    fallback: value.fallback,
    persistence: Float32Array.from(value.baselines.persistence),
    recentredClimatology: Float32Array.from(value.baselines.recentredClimatology),
  }
  for (const hour of addForecast(ledger, forecast)) markHour(ledger, value.variable, hour)
  return skip('taken-in' satisfies SkipReason)
}

function verified(value: Verification): OutboundEvent {
  return { topic: 'weather.verification.v1', key: value.stationId, value }
}

function adapted(value: IntervalAdaptation): OutboundEvent {
  return { topic: 'model.adaptation.v1', key: modelKey(value.stationId, value.variable), value }
}
