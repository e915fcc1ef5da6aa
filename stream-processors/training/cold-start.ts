/**
 * live feature of a station without models → retrain requests, one per variable. At least once; the request id holds the model and the
 * day, and a model is not asked for while a request for it is open or shortly after a run of it was refused.
 */
import { HOUR_MS } from '../../forecasting/features/index.ts'
import { type BatchStep, emit, type OutboundEvent, skip } from '../../infra/runtime/kafka/types.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import { FORECAST_VARIABLES } from '../../schemas/quantities.ts'
import type { RunBook } from './run-book.ts'

const DAY_MS = 24 * HOUR_MS
/** A request that nobody has answered for this long is lost (a dead letter): ask again. */
const LOST_AFTER_MS = 7 * DAY_MS

export type Deps = {
  readonly hasChampion: (key: string) => boolean
  readonly book: Pick<RunBook, 'openSince' | 'refusedAt'>
  /** Hours of features the station has, as stored once the hour `upTo` (epoch ms) is. */
  readonly countHours: (stationId: string, upTo: number) => Promise<number>
  readonly minimumHours: number
  readonly liveWithinHours: number
}

export function createColdStartStep({
  hasChampion,
  book,
  countHours,
  minimumHours,
  liveWithinHours,
}: Deps): BatchStep<'weather.feature.v1'> {
  /** Newest hour each model was asked for by this process: the topics tell the same a moment later. */
  const asked = new Map<string, number>()
  /** Hour at which a station had too little history: counting again makes sense a day later. */
  const tooYoung = new Map<string, number>()

  const mayAsk = (key: string, at: number): boolean => {
    const open = Math.max(book.openSince(key) ?? Number.NEGATIVE_INFINITY, asked.get(key) ?? Number.NEGATIVE_INFINITY)
    const refused = book.refusedAt(key) ?? Number.NEGATIVE_INFINITY
    // A refusal after the last question answers it.
    if (refused >= open) return at - refused >= DAY_MS
    return at - open >= LOST_AFTER_MS
  }

  return async (events) => {
    const outcomes = []
    for (const { value } of events) outcomes.push(await ask(value))
    return outcomes
  }

  async function ask({ stationId, validAt, knownAt }: { stationId: string; validAt: number; knownAt: number }) {
    if (knownAt - validAt > liveWithinHours * HOUR_MS) return skip('not-live')
    const missing = FORECAST_VARIABLES.filter((variable) => !hasChampion(modelKey(stationId, variable)))
    if (missing.length === 0) return skip('has-models')
    const due = missing.filter((variable) => mayAsk(modelKey(stationId, variable), knownAt))
    if (due.length === 0) return skip('already-asked')
    if (knownAt - (tooYoung.get(stationId) ?? Number.NEGATIVE_INFINITY) < DAY_MS) return skip('too-little-history')
    if ((await countHours(stationId, validAt)) < minimumHours) {
      tooYoung.set(stationId, knownAt)
      return skip('too-little-history')
    }
    const day = new Date(Math.floor(validAt / DAY_MS) * DAY_MS).toISOString().slice(0, 10)
    return emit(
      due.map((variable): OutboundEvent => {
        const key = modelKey(stationId, variable)
        asked.set(key, knownAt)
        return {
          topic: 'model.retrain-request.v1',
          key,
          value: {
            requestId: `cold-start/${key}/${day}`,
            stationId,
            variable,
            requestedAt: knownAt,
            reason: 'cold-start',
            causedBy: null,
            requestedBy: 'training',
            comment: null,
            changePointAt: null,
            estimatedOffset: null,
            changePoints: [],
          },
        }
      }),
    )
  }
}
