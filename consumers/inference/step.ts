/**
 * feature vector → one forecast per variable and role; those that nobody is served, of challengers and shadows, later. At least once;
 * forecast ids are deterministic, so a repeated issue replaces itself.
 * Only the newest knowledge of live hours is forecast from: back-filled hours and corrections of past hours never issue.
 */

import { FEATURE_COUNT, FEATURE_SET, HOUR_MS, homogeniseVector } from '../../forecasting/features/index.ts'
import {
  type Adaptation,
  adaptationFor,
  type AdaptationRecord,
  agree,
  type HumidityForecasts,
  OWN,
  type Prediction,
  predictLate,
  provisionalReason,
  withAdaptation,
} from '../../forecasting/models/index.ts'
import { type BatchStep, emit, type Later, type OutboundEvent, type Outcome, skip } from '../../infra/runtime/kafka/types.ts'
import { forecastEventId, modelKey } from '../../schemas/event-ids.ts'
import type { Feature, Forecast, ServedModel } from '../../schemas/generated/types.ts'
import { QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { type Issued, NOTHING_ISSUED } from './issued.ts'
import { type ActiveModels, type LoadedModel, modelsIn, type ModelTable } from './models.ts'
import { copyOf, createReports, type Report, type Reports } from './reports.ts'

export type SkipReason = 'not-live' | 'correction' | 'feature-set-mismatch' | 'no-model' | 'issued-before'

export type Deps = {
  readonly models: Pick<ModelTable, 'ofStation'>
  /** The newest adaptation of a model's intervals. */
  readonly adaptationOf: (stationId: string, variable: string) => AdaptationRecord | undefined
  /** Left out: of this step alone. */
  readonly reports?: Reports
  /** Left out: no feature is read again. */
  readonly issued?: Pick<Issued, 'begin' | 'of' | 'stamp'>
  readonly observeEventTime: (epochMs: number) => void
  /**
   * Event time by which the age of a station's inputs is judged: the wall clock on live data, the newest hour known of the same station in
   * a replay. Never the newest of all stations: partitions are read at different paces, and one that lags is not out of date.
   */
  readonly nowAt: (feature: Pick<Feature, 'stationId' | 'knownAt'>) => number
  /** A feature known later than this after its hour is back-fill, not news. */
  readonly liveWithinHours: number
}

export function createInferenceStep({
  models,
  adaptationOf,
  reports = createReports(),
  issued = NOTHING_ISSUED,
  observeEventTime,
  nowAt,
  liveWithinHours,
}: Deps): BatchStep<'weather.feature.v1'> {
  return (events, { partition }) => {
    const outcomes: Outcome[] = []
    issued.begin(partition, events[0]?.offset ?? 0)
    for (const [i, { value, offset }] of events.entries()) {
      const outcome = forecast(value, partition, offset)
      // One station's models are read back at a time: a batch must not hold more of them than the table may.
      if (outcome instanceof Promise) return withRest(outcomes, outcome, events.slice(i + 1), partition)
      outcomes.push(outcome)
    }
    return outcomes
  }

  async function withRest(
    done: Outcome[],
    next: Promise<Outcome>,
    rest: ReadonlyArray<{ readonly value: Feature; readonly offset: number }>,
    partition: number,
  ): Promise<Outcome[]> {
    done.push(await next)
    for (const { value, offset } of rest) done.push(await forecast(value, partition, offset))
    return done
  }

  function forecast(feature: Feature, partition: number, offset: number): Outcome | Promise<Outcome> {
    observeEventTime(feature.knownAt)
    if (feature.featureSet !== FEATURE_SET) return skip('feature-set-mismatch' satisfies SkipReason)
    const last = reports.take(feature, partition)
    if (feature.cause === 'correction') return skip('correction' satisfies SkipReason)
    if (feature.knownAt - feature.validAt > liveWithinHours * HOUR_MS) return skip('not-live' satisfies SkipReason)
    const isLate = nowAt(feature) - feature.validAt > liveWithinHours * HOUR_MS
    const before = issued.of(feature, partition)
    const stillToSay = (made: readonly OutboundEvent[]): OutboundEvent[] =>
      issued.stamp(before?.missing(made) ?? made, partition, offset)
    const issue = (active: ReadonlyMap<string, ActiveModels> | undefined, mayWait: boolean): Outcome => {
      if (!active || active.size === 0) return skip('no-model' satisfies SkipReason)
      if (before?.isWhole(active)) return skip('issued-before' satisfies SkipReason)
      const models = before?.asIssued(active) ?? active
      const forecasts = forecastsOf(feature, last, models, isLate ? ISSUED_LATE : null, adaptationOf)
      const served = stillToSay(forecasts.served)
      const later = forecasts.later.map(
        (make): Later =>
          () =>
            stillToSay(make()),
      )
      return mayWait ? emit(served, [], later) : emit([...served, ...later.flatMap((make) => make())])
    }
    const active = models.ofStation(feature.stationId)
    // What waits keeps its models in memory: of those that were read back there would soon be more than the table may hold.
    return active instanceof Promise ? active.then((readBack) => issue(readBack, false)) : issue(active, true)
  }
}

/**
 * The newest hour known of each station, for `nowAt` in a replay. `forget` on (re)assignment: what follows is read again from the committed
 * offset, and an hour that was in time when it was read first is so when it is read again.
 */
export function createStationClock(): { readonly nowAt: Deps['nowAt']; readonly forget: () => void } {
  const newest = new Map<string, number>()
  return {
    nowAt({ stationId, knownAt }) {
      const now = Math.max(knownAt, newest.get(stationId) ?? Number.NEGATIVE_INFINITY)
      newest.set(stationId, now)
      return now
    },
    forget: () => newest.clear(),
  }
}

/** `logFactors`: by what the intervals were stretched; empty: they are the model's own. */
type Stretched = Prediction & { readonly logFactors: Adaptation }

const DAY_MS = 24 * HOUR_MS
const ISSUED_LATE = 'issued late: the observation was already old when it was processed'
const NOTHING = new Float32Array(FEATURE_COUNT).fill(Number.NaN)

/** Of one hour of a station: what is served, and the rest, a forecast at a time, by the same models from the same vectors. */
export type Forecasts = { readonly served: readonly OutboundEvent[]; readonly later: readonly Later[] }

/** `lateBecause`: why the forecasts are stale; null: they are not. */
export function forecastsOf(
  feature: Feature,
  last: Report | null,
  active: ReadonlyMap<string, ActiveModels>,
  lateBecause: string | null,
  adaptationOf: Deps['adaptationOf'],
): Forecasts {
  // What waits must not see what comes meanwhile: the next report, a swap, an adaptation.
  const predict = predictorOf(feature, last === null ? null : copyOf(last))
  const variables = [...active].map(([name, models]) => {
    const variable = name as Forecast['variable']
    const record = adaptationOf(feature.stationId, variable)
    return { variable, models, record, champion: predict(models.champion, models, record) }
  })
  const quantilesOf = Object.fromEntries(variables.map(({ variable, champion }) => [variable, champion.quantiles]))
  const agreed = agree(quantilesOf)
  const eventOf = (
    variable: Forecast['variable'],
    model: LoadedModel,
    role: Forecast['role'],
    controlOffset: number,
    prediction: Stretched,
  ): OutboundEvent => ({
    topic: 'weather.forecast.v1',
    key: feature.stationId,
    value: forecastOf(feature, variable, model, role, controlOffset, lateBecause, prediction),
  })
  return {
    served: variables.map(({ variable, models, champion }) =>
      eventOf(variable, models.champion, 'champion', models.controlOffset, withQuantilesOf(variable, champion, agreed)),
    ),
    later: variables.flatMap(({ variable, models, record }) =>
      rivalsIn(models).map(({ model, role }): Later => () => {
        const prediction = predict(model, models, record)
        // Each rival is made to agree with the other champions, as it would be in the champion's place.
        const agreedWith = agree({ ...quantilesOf, [variable]: prediction.quantiles })
        return [eventOf(variable, model, role, models.controlOffset, withQuantilesOf(variable, prediction, agreedWith))]
      }),
    ),
  }
}

type Predictor = (model: LoadedModel, models: ActiveModels, record: AdaptationRecord | undefined) => Stretched

function predictorOf({ validAt, values: reported }: Feature, last: Report | null): Predictor {
  const hour = validAt / HOUR_MS
  const values = Float32Array.from(reported)
  return ({ served, fitted }, models, record) => {
    const prediction = predictLate(fitted, hour, (of) => {
      const vector = of === hour ? values : of === last?.hour ? last.values : NOTHING
      // A model trained on a homogenised history must see its inputs the same way, until the step has left every window.
      return homogeniseVector(vector, of, served.changePoints)
    })
    const logFactors = record ? adaptationFor(record, served.version, hour, () => knowsNewChange(served, record, models)) : null
    if (logFactors === null) return { ...prediction, logFactors: [] }
    const { low, high } = OWN[fitted.variable]
    return { ...prediction, quantiles: withAdaptation(prediction.quantiles, logFactors, low, high), logFactors }
  }
}

function rivalsIn({
  challengers,
  shadows,
}: ActiveModels): Array<{ readonly model: LoadedModel; readonly role: Forecast['role'] }> {
  return [
    ...challengers.map((model) => ({ model, role: 'challenger' as const })),
    ...shadows.map((model) => ({ model, role: 'shadow' as const })),
  ]
}

/**
 * Whether a version was fitted for a change of the station that the one it would inherit from (the first of the record) was not: what that one has
 * learnt since is the change. A step within a day of a known one is the same, measured again.
 */
function knowsNewChange({ changePoints }: ServedModel, record: AdaptationRecord, models: ActiveModels): boolean {
  const before = modelsIn(models).find(({ served }) => served.version === record.versions[0]?.modelVersion)?.served
  if (!before) return false
  return changePoints.some(({ at }) => before.changePoints.every((known) => Math.abs(known.at - at) > DAY_MS))
}

function withQuantilesOf(variable: Forecast['variable'], prediction: Stretched, agreed: HumidityForecasts): Stretched {
  const quantiles = (agreed as Partial<Record<Forecast['variable'], Float32Array>>)[variable]
  return quantiles ? { ...prediction, quantiles } : prediction
}

function forecastOf(
  feature: Feature,
  variable: Forecast['variable'],
  model: LoadedModel,
  role: Forecast['role'],
  controlOffset: number,
  lateBecause: string | null,
  prediction: Stretched,
): Forecast {
  const identity = {
    stationId: feature.stationId,
    variable,
    issuedAt: feature.validAt,
    modelVersion: model.served.version,
    role,
  }
  const provisional = provisionalReason(model.served.family)
  const because = provisional === null ? prediction.degradedBecause : [provisional, ...prediction.degradedBecause]
  const { status, statusReason } = freshnessOf(because, lateBecause)
  return {
    forecastId: forecastEventId(identity),
    ...identity,
    leadHours: numbersOf(prediction.leadHours),
    quantiles: rowsOf(prediction.quantiles),
    baselines: {
      persistence: numbersOf(prediction.persistence),
      recentredClimatology: numbersOf(prediction.recentredClimatology),
    },
    modelId: modelKey(feature.stationId, variable),
    modelSha256: model.served.artefact.sha256,
    controlOffset,
    featureKnownAt: feature.knownAt,
    status,
    statusReason,
    fallback: provisional === null ? null : model.served.family,
    logFactors: [...prediction.logFactors],
  }
}

function freshnessOf(degradedBecause: readonly string[], lateBecause: string | null): Pick<Forecast, 'status' | 'statusReason'> {
  if (lateBecause !== null) return { status: 'stale', statusReason: lateBecause }
  if (degradedBecause.length > 0) return { status: 'degraded', statusReason: degradedBecause.join('; ') }
  return { status: 'fresh', statusReason: null }
}

function rowsOf(leadMajor: Float32Array): number[][] {
  const width = QUANTILE_LEVELS.length
  const rows: number[][] = []
  for (let from = 0; from < leadMajor.length; from += width) rows.push(numbersOf(leadMajor, from, from + width))
  return rows
}

/** By a loop of its own: Array.from of a typed array goes through its iterator, which was a sixth of what a forecast costs. */
function numbersOf(values: Float32Array | Int32Array, from = 0, to = values.length): number[] {
  const numbers: number[] = []
  for (let i = from; i < to; i++) numbers.push(values[i]!)
  return numbers
}
