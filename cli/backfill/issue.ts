/**
 * Forecasts of past hours by the models that served then, through the step that issues live ones. Their identity is that of the live
 * forecast, so that issuing again replaces; they are `stale` and say that they came after the fact.
 */
import { createModelTable, type Options as TableOptions } from '../../consumers/inference/models.ts'
import { createInferenceStep } from '../../consumers/inference/step.ts'
import { FEATURE_SET } from '../../forecasting/features/index.ts'
import type { ArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import { AppError } from '../../infra/runtime/errors.ts'
import type { InboundEvent, OutboundEvent } from '../../infra/runtime/kafka/types.ts'
import { forecastEventId } from '../../schemas/event-ids.ts'
import type { Feature, Forecast } from '../../schemas/generated/types.ts'
import { BACK_FILLED, type ControlAt, type Work } from './plan.ts'

export type PastHour = Pick<Feature, 'stationId' | 'validAt' | 'knownAt'> & { readonly values: ReadonlyArray<number | null> }

export type Issuer = (work: Work, hour: PastHour) => Promise<OutboundEvent[]>

/** For one station, hours oldest first. Throws a permanent AppError when the artefact of a champion of then cannot be loaded. */
export function createIssuer(
  store: Pick<ArtifactStore, 'get'>,
  controls: readonly ControlAt[],
  options: TableOptions = {},
): Issuer {
  const table = createModelTable(store, () => 0, options)
  const waiting = controls.toSorted((a, b) => a.control.changedAt - b.control.changedAt || a.controlOffset - b.controlOffset)
  const step = createInferenceStep({
    models: table,
    // What was verified by then is not read again: intervals are the model's own.
    adaptationOf: () => undefined,
    observeEventTime: () => undefined,
    nowAt: ({ knownAt }) => knownAt,
    liveWithinHours: Number.POSITIVE_INFINITY,
  })
  let offset = 0
  return async ({ issuedAt, roles }, { stationId, validAt, knownAt, values }) => {
    while (waiting[0] && waiting[0].control.changedAt <= issuedAt) {
      const { control, controlOffset } = waiting.shift() as ControlAt
      // Only the champion: the trials of then are over.
      const result = await table.apply({ ...control, previous: null, challengers: [], shadows: [] }, controlOffset)
      if (result.state === 'rejected')
        throw new AppError(`${stationId}/${control.variable} ${control.champion.version}: ${result.error}`, {
          code: 'past-model',
          retry: 'permanent',
        })
    }
    const value: Feature = {
      stationId,
      validAt,
      knownAt,
      featureSet: FEATURE_SET,
      values: values.map((one) => one ?? Number.NaN),
      cause: 'new',
    }
    const event: InboundEvent<'weather.feature.v1'> = {
      topic: 'weather.feature.v1',
      key: stationId,
      value,
      partition: 0,
      offset: offset++,
      headers: {},
      timestampMs: validAt,
    }
    const [outcome] = await step([event], {
      topic: event.topic,
      partition: 0,
      caughtUp: true,
      heartbeat: async () => undefined,
    })
    if (outcome?.kind !== 'emit') return []
    return outcome.events.flatMap((issued): OutboundEvent[] => {
      const forecast = issued.value as Forecast
      const role = roles.get(forecast.variable)
      return role === undefined ? [] : [{ topic: 'weather.forecast.v1', key: stationId, value: backFilled(forecast, role) }]
    })
  }
}

function backFilled(forecast: Forecast, role: Forecast['role']): Forecast {
  const { statusReason } = forecast
  return {
    ...forecast,
    role,
    forecastId: forecastEventId({ ...forecast, role }),
    status: 'stale',
    statusReason: `${BACK_FILLED}: issued after the fact${statusReason === null ? '' : `; ${statusReason}`}`,
  }
}
