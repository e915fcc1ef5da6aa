/**
 * live feature of a station without models → retrain requests, one per variable. At least once; the request id holds the station and
 * the day, so that repeated features of a day ask once, and a station that could not be trained is asked for again the next day.
 */
import { HOUR_MS } from '../../forecasting/features/index.ts'
import { type BatchStep, emit, type OutboundEvent, skip } from '../../infra/runtime/kafka/types.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import { FORECAST_VARIABLES } from '../../schemas/quantities.ts'

const DAY_MS = 24 * HOUR_MS

export type Deps = {
  readonly hasChampion: (key: string) => boolean
  /** Hours of features the station has, as stored. */
  readonly countHours: (stationId: string) => Promise<number>
  readonly minimumHours: number
  readonly liveWithinHours: number
}

export function createColdStartStep({
  hasChampion,
  countHours,
  minimumHours,
  liveWithinHours,
}: Deps): BatchStep<'weather.feature.v1'> {
  /** Newest day each station was asked for: a shortcut only, forgetting it repeats requests that training recognises. */
  const askedOn = new Map<string, number>()
  return (events) =>
    Promise.all(
      events.map(async ({ value: { stationId, validAt, knownAt } }) => {
        if (knownAt - validAt > liveWithinHours * HOUR_MS) return skip('not-live')
        const missing = FORECAST_VARIABLES.filter((variable) => !hasChampion(modelKey(stationId, variable)))
        if (missing.length === 0) return skip('has-models')
        const day = Math.floor(validAt / DAY_MS)
        if (askedOn.get(stationId) === day) return skip('already-asked')
        if ((await countHours(stationId)) < minimumHours) return skip('too-little-history')
        askedOn.set(stationId, day)
        return emit(
          missing.map((variable): OutboundEvent => ({
            topic: 'model.retrain-request.v1',
            key: modelKey(stationId, variable),
            value: {
              requestId: `cold-start/${stationId}/${variable}/${new Date(day * DAY_MS).toISOString().slice(0, 10)}`,
              stationId,
              variable,
              requestedAt: knownAt,
              reason: 'cold-start',
              causedBy: null,
              requestedBy: 'training',
              comment: null,
              changePointAt: null,
              estimatedOffset: null,
            },
          })),
        )
      }),
    )
}
