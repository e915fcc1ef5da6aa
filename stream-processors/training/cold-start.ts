/**
 * live feature of a station without models, or with provisional ones that have not seen what it knows by now → retrain requests, one per variable
 * that it observes. At least once; the request id holds the model and the day, and a model is not asked for while a request for it is open or
 * shortly after a run of it was refused.
 */
import { HOUR_MS } from '../../forecasting/features/index.ts'
import { provisionalReason } from '../../forecasting/models/index.ts'
import { type BatchStep, emit, type OutboundEvent, skip } from '../../infra/runtime/kafka/types.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import type { ServedModel } from '../../schemas/generated/types.ts'
import { FORECAST_VARIABLES, type ForecastVariable } from '../../schemas/quantities.ts'
import type { RunBook } from './run-book.ts'

const DAY_MS = 24 * HOUR_MS
/** A request that nobody has answered for this long is lost (a dead letter): ask again. */
const LOST_AFTER_MS = 7 * DAY_MS
/** Counting again makes sense so much later. */
const COUNT_AGAIN_MS = 6 * HOUR_MS
/**
 * Observed hours of a variable at which a provisional model is made anew: from the first that a climatology can be fitted on (a day) to those with
 * 30 days of origins whose week is known (38 days; with gaps later). Then the schedule takes over.
 */
const STAGES_HOURS = [1, 24, 72, 168, 336, 720, 912, 1440] as const
/** Below this a variable has no climatology of its own: its model is what is usual at the site. */
const OWN_CLIMATOLOGY_HOURS = 24

export type Deps = {
  readonly championOf: (key: string) => Pick<ServedModel, 'family' | 'runId' | 'since'> | undefined
  readonly book: Pick<RunBook, 'openSince' | 'refusedAt' | 'rowsOf'>
  readonly hasSite: (stationId: string) => boolean
  /** Hours up to `upTo` (epoch ms) in which the station observed each variable, as stored once that hour is. */
  readonly countHours: (stationId: string, upTo: number) => Promise<ReadonlyMap<ForecastVariable, number>>
  readonly minimumHours: number
  readonly liveWithinHours: number
}

type Champion = ReturnType<Deps['championOf']>

export function createColdStartStep({
  championOf,
  book,
  hasSite,
  countHours,
  minimumHours,
  liveWithinHours,
}: Deps): BatchStep<'weather.feature.v1'> {
  /** Newest hour each model was asked for by this process: the topics tell the same a moment later. */
  const asked = new Map<string, number>()
  /** Hour at which a station's hours were counted and were too few. */
  const counted = new Map<string, number>()

  const mayAsk = (key: string, champion: Champion, at: number): boolean => {
    const answered = champion?.since ?? Number.NEGATIVE_INFINITY
    const after = (then: number | null | undefined): number => (then != null && then > answered ? then : Number.NEGATIVE_INFINITY)
    const open = Math.max(after(book.openSince(key)), after(asked.get(key)))
    const refused = after(book.refusedAt(key))
    // A refusal after the last question answers it.
    if (refused >= open) return at - refused >= DAY_MS
    return at - open >= LOST_AFTER_MS
  }

  /** The stage that a model made now would have seen and the champion has not; null when there is none. */
  const newStage = (champion: Champion, hours: number): number | null => {
    const reached = STAGES_HOURS.findLast((stage) => stage <= hours) ?? null
    if (!champion || reached === null) return reached
    // The prior of a site counts no hours; it is asked for at the first.
    return reached > Math.max(STAGES_HOURS[0], book.rowsOf(champion.runId) ?? 0) ? reached : null
  }

  return async (events) => {
    const outcomes = []
    for (const { value } of events) outcomes.push(await ask(value))
    return outcomes
  }

  async function ask({ stationId, validAt, knownAt }: { stationId: string; validAt: number; knownAt: number }) {
    if (knownAt - validAt > liveWithinHours * HOUR_MS) return skip('not-live')
    const wanting = FORECAST_VARIABLES.map((variable) => {
      const key = modelKey(stationId, variable)
      return { variable, key, champion: championOf(key) }
    }).filter(({ champion }) => !champion || provisionalReason(champion.family) !== null)
    if (wanting.length === 0) return skip('has-models')
    const open = wanting.filter(({ key, champion }) => mayAsk(key, champion, knownAt))
    if (open.length === 0) return skip('already-asked')
    if (knownAt - (counted.get(stationId) ?? Number.NEGATIVE_INFINITY) < COUNT_AGAIN_MS) return skip('too-little-history')
    const hours = await countHours(stationId, validAt)
    const due = open.flatMap(({ variable, key, champion }) => {
      const own = hours.get(variable) ?? 0
      const stage = newStage(champion, own)
      if (stage === null || own < minimumHours || (own < OWN_CLIMATOLOGY_HOURS && !hasSite(stationId))) return []
      return [{ variable, key, isFirst: !champion, stage }]
    })
    if (due.length < open.length) counted.set(stationId, knownAt)
    if (due.length === 0) return skip('too-little-history')
    const day = new Date(Math.floor(validAt / DAY_MS) * DAY_MS).toISOString().slice(0, 10)
    return emit(
      due.map(({ variable, key, isFirst, stage }): OutboundEvent => {
        asked.set(key, knownAt)
        return {
          topic: 'model.retrain-request.v1',
          key,
          value: {
            requestId: isFirst ? `cold-start/${key}/${day}` : `cold-start/${key}/${day}/${stage}h`,
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
