/**
 * Which models to train again now. A pure function of the book and the event time; asking again without new events asks for nothing new,
 * because a request that is in the book already is never made again.
 */
import { Cron } from 'croner'
import { isCanaryStation } from '../../forecasting/promotion/index.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import type { Audit, ChangePoint, Drift, RetrainRequest } from '../../schemas/generated/types.ts'
import { type Book, type ModelRecord, operatorRequestId } from './book.ts'
import type { RetrainingConfig } from './config.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Drift requests of this span count towards the doubling of the cooldown. */
const LOOP_WINDOW_MS = 14 * DAY_MS
const LONGEST_COOLDOWN_MS = 14 * DAY_MS
/** A scheduled time that is not older than this is not missed. */
const ON_TIME_MS = 6 * HOUR_MS
/** A confirmation that is not older than this is answered as of its own instant, however far verification lags behind the observations. */
const PROMPT_MS = 14 * DAY_MS

/**
 * A drift does not end with the swap that mends it: the new model must have shown calm days first, and forecasts are verified for a week.
 * Until then the model that was made against it is not made again.
 */
const PROVING_MS = 10 * DAY_MS

export type Wish = {
  readonly request: RetrainRequest
  /** Larger first. */
  readonly gain: number
}
export type Deferral =
  | 'sensor-fault'
  | 'unknown-cause'
  | 'training-in-flight'
  | 'challenger-in-trial'
  | 'champion-proving'
  | 'cooldown'
  | 'already-asked'

/** Operator orders: no policy stands in their way but a run of the same model that is under way. */
export function operatorRequests(book: Book, now: number): RetrainRequest[] {
  return book.orders().flatMap((order) => {
    const slash = order.subject.lastIndexOf('/')
    const stationId = order.subject.slice(0, slash)
    const record = book.of(order.subject)
    if (slash < 1 || !record || record.open.size > 0) return []
    const variable = record.variable
    return [
      {
        ...requestOf(record, now, operatorRequestId(order), 'operator', `audit/${order.auditId}`, null),
        stationId,
        variable,
        requestedBy: order.actor,
        comment: order.reason,
      },
    ]
  })
}

/**
 * What drift and schedule ask for and policy allows, largest expected gain first; of equal gain canary stations, whose probation the others
 * wait for. Budget and places in the queue are not counted here.
 */
export function wishes(
  book: Book,
  now: number,
  config: RetrainingConfig,
  onDeferred: (record: ModelRecord, why: Deferral) => void = () => undefined,
): Wish[] {
  const made: Wish[] = []
  for (const record of book.models()) {
    if (record.champion === null) continue
    const wish = record.drift ? driftWish(record, record.drift, now, config) : scheduleWish(record, now, config)
    if (typeof wish === 'string') onDeferred(record, wish)
    else if (wish) made.push(wish)
  }
  const canaryFirst = ({ request }: Wish): number => (isCanaryStation(request.stationId, config.promotionCanaryShare) ? 0 : 1)
  return made.toSorted(
    (a, b) => b.gain - a.gain || canaryFirst(a) - canaryFirst(b) || (a.request.requestId < b.request.requestId ? -1 : 1),
  )
}

/** How many more requests drift and schedule may make now. */
export function placesLeft(book: Book, now: number, config: RetrainingConfig): number {
  let inFlight = 0
  let today = 0
  for (const { open, requests } of book.models()) {
    inFlight += open.size
    for (const { reason, requestedAt } of requests.values())
      if ((reason === 'drift' || reason === 'schedule') && requestedAt > now - DAY_MS) today++
  }
  return Math.max(0, Math.min(config.retrainMaxInFlight - inFlight, config.retrainBudgetPerDay - today))
}

/** Event time since which a model's data is new: the cut-off of its newest request, or when its champion took its place. */
export function dataSince({ requests, champion }: ModelRecord): number {
  const newest = Math.max(...[...requests.values()].map(({ requestedAt }) => requestedAt), Number.NEGATIVE_INFINITY)
  return Number.isFinite(newest) ? newest : (champion?.since ?? 0)
}

function driftWish(record: ModelRecord, drift: Drift, now: number, config: RetrainingConfig): Wish | Deferral {
  // A broken thermometer is not a reason to learn what it says.
  if (drift.cause === 'sensor') return 'sensor-fault'
  if (drift.cause === 'unknown') return 'unknown-cause'
  const stem = `drift/${record.key}/${new Date(drift.at).toISOString()}`
  const attempts = [...record.requests.keys()].filter((id) => id.startsWith(`${stem}/`)).length
  const held = holdUp(record, now, config)
  if (held) return held
  if (isProving(record, drift, now)) return 'champion-proving'
  // What is asked for at once belongs to the instant of the confirmation: how fast the log is read does not matter then.
  const at = attempts === 0 && now - drift.at <= PROMPT_MS ? drift.at : now
  const newStep = stepOf(drift)
  const request = requestOf(record, at, `${stem}/${attempts + 1}`, 'drift', drift.eventId, newStep)
  return {
    request: { ...request, changePointAt: drift.changePointAt, estimatedOffset: drift.estimatedOffset },
    // What an attempt has not cured promises less than what was never tried.
    gain: (drift.threshold > 0 ? Math.abs(drift.statistic / drift.threshold) : 1) / 2 ** attempts,
  }
}

function scheduleWish(record: ModelRecord, now: number, config: RetrainingConfig): Wish | Deferral | null {
  const slot = dueSlot(record, now, config)
  if (slot === null) return null
  const id = `schedule/${record.key}/${new Date(slot).toISOString()}`
  if (record.requests.has(id)) return 'already-asked'
  const held = holdUp(record, now, config)
  if (held) return held
  return { request: requestOf(record, now, id, 'schedule', null, null), gain: 0 }
}

/**
 * The newest scheduled time, if it comes long enough after the model was last trained or changed; null when none is due. A time that
 * comes too soon is left out, not put off: the model has just been trained.
 */
function dueSlot({ champion, requests }: ModelRecord, now: number, config: RetrainingConfig): number | null {
  if (config.retrainSchedule === 'never' || champion === null) return null
  const [slot] = new Cron(config.retrainSchedule, { timezone: 'UTC' }).previousRuns(1, new Date(now + 1))
  if (!slot) return null
  const at = slot.getTime()
  const last = Math.max(champion.since, ...[...requests.values()].map(({ requestedAt }) => requestedAt))
  if (at - last < config.retrainScheduleMinimumAgeHours * HOUR_MS) return null
  return config.retrainCatchUp === 'skip' && now - at > ON_TIME_MS ? null : at
}

function holdUp(record: ModelRecord, now: number, config: RetrainingConfig): Deferral | null {
  if (record.open.size > 0) return 'training-in-flight'
  // A trial ends by itself; a model trained meanwhile would only take its place.
  if (record.hasChallenger || record.undecided) return 'challenger-in-trial'
  return now < cooldownEnd(record, now, config) ? 'cooldown' : null
}

/** Whether the champion came after the drift was confirmed, and not long ago. One that came back by a rollback has nothing to prove. */
function isProving({ champion, rolledBackAt }: ModelRecord, drift: Drift, now: number): boolean {
  const since = champion?.since ?? Number.NEGATIVE_INFINITY
  return since > drift.at && since > rolledBackAt && now < since + PROVING_MS
}

/**
 * Event time from which a model may be trained again. First models do not count. Each request that drift has caused lately doubles the
 * wait, and so does a rollback: what did not help is not repeated at the same pace, however often drift is confirmed.
 */
export function cooldownEnd({ requests, rolledBackAt }: ModelRecord, now: number, config: RetrainingConfig): number {
  const counted = [...requests.values()].filter(({ reason }) => reason !== 'cold-start')
  const last = Math.max(...counted.map(({ requestedAt }) => requestedAt), rolledBackAt)
  if (!Number.isFinite(last)) return Number.NEGATIVE_INFINITY
  const byDrift = counted.filter(({ reason, requestedAt }) => reason === 'drift' && requestedAt > now - LOOP_WINDOW_MS).length
  const doublings = Math.max(0, byDrift - 1) + (rolledBackAt > now - LOOP_WINDOW_MS ? 1 : 0)
  return last + Math.min(LONGEST_COOLDOWN_MS, config.retrainCooldownHours * HOUR_MS * 2 ** doublings)
}

function stepOf({ variable, changePointAt, estimatedOffset }: Drift): ChangePoint | null {
  if (changePointAt === null || estimatedOffset === null || variable === 'precipitationProbabilityPct') return null
  return { variable, at: changePointAt, offset: estimatedOffset }
}

/** Every step the champion was homogenised for still lies in the history; a newer estimate of the same step replaces it. */
function requestOf(
  { stationId, variable, champion }: ModelRecord,
  requestedAt: number,
  requestId: string,
  reason: RetrainRequest['reason'],
  causedBy: string | null,
  newStep: ChangePoint | null,
): RetrainRequest {
  const known = champion?.changePoints ?? []
  const changePoints = newStep ? [...known.filter(({ at }) => Math.abs(at - newStep.at) > DAY_MS), newStep] : [...known]
  return {
    requestId,
    stationId,
    variable,
    requestedAt,
    reason,
    causedBy,
    requestedBy: 'retraining',
    comment: null,
    changePointAt: null,
    estimatedOffset: null,
    changePoints: changePoints.toSorted((a, b) => a.at - b.at),
  }
}

/** Orders for models that do not exist: what is wrong with them. */
export function impossibleOrders(book: Book): Array<{ readonly order: Audit; readonly why: string }> {
  return book.orders().flatMap((order) => {
    const slash = order.subject.lastIndexOf('/')
    if (book.of(modelKey(order.subject.slice(0, slash), order.subject.slice(slash + 1)))) return []
    return [{ order, why: `there is no model ${order.subject}` }]
  })
}
