/**
 * Replays a series: stations; a bulk back-fill at full speed; then hour after hour at a set pace, as if it were live, the first stretch of
 * it faster when so planned.
 * Writes weather.station.v1 and weather.observation.v1. Deterministic content, so that publishing an hour again after a crash
 * adds nothing: progress is saved only after the brokers acknowledged.
 *
 * Back-filled rows were received at the instant of the back-fill, paced rows when they were observed. Wall time decides only when an hour
 * is sent, never what is in it.
 */
import type { Clock } from '../../infra/runtime/clock.ts'
import type { OutboundEvent, Publisher } from '../../infra/runtime/kafka/types.ts'
import type { Logger } from '../../infra/runtime/log.ts'
import type { Observation, Station } from '../../schemas/generated/types.ts'
import type { ReplayHour, ReplaySeries } from './series.ts'

const HOUR_MS = 3_600_000
const WAIT_LOG_MS = 10_000
/** Event hours between two saves of the progress while pacing: at most so much is published twice after a crash. */
const SAVE_EVERY_HOURS = 6
const BACKFILL_BATCH_EVENTS = 3_000

export type ReplayPhase = 'back-fill' | 'first-hour' | 'waiting-for-models' | 'paced' | 'finished'

export type ReplayProgress = {
  readonly phase: ReplayPhase
  /** Start of the newest published hour, epoch ms; null before the first. */
  readonly publishedThrough: number | null
  readonly publishedObservations: number
  readonly totalObservations: number
  /** Models still awaited, `station/variable`. */
  readonly missingModels: readonly string[]
}

/** Remembers the newest published hour across restarts. */
export type ProgressStore = {
  load(): Promise<number | null>
  save(publishedThrough: number): Promise<void>
}

/** Which of the models that the replay waits for have no champion yet. */
export type ModelWatch = { missing(): readonly string[]; changed(signal: AbortSignal, timeoutMs: number): Promise<void> }

/** Resolves once the services have kept up with what was published. */
export type Others = { keptUp(signal: AbortSignal): Promise<void> }

/** Wall time, for pacing only. */
export type Pacer = { nowMs(): number; sleep(ms: number, signal: AbortSignal): Promise<void> }

export type ReplayPlan = {
  readonly series: ReplaySeries
  readonly stations: readonly Station[]
  /** Epoch ms. */
  readonly backfillUntil: number
  /** Event hours per wall second. */
  readonly speed: number
  /** Hours before `until` (epoch ms) are paced at this speed instead. */
  readonly fastForward: { readonly until: number; readonly speed: number }
  readonly alter: (observation: Observation) => Observation
}

export type ReplayDeps = {
  readonly publisher: Pick<Publisher, 'publish'>
  readonly clock: Pick<Clock, 'observe'>
  readonly progress: ProgressStore
  /** Null: pacing starts at once. */
  readonly models: ModelWatch | null
  /** Null: the replay waits for nobody. */
  readonly others: Others | null
  readonly pacer: Pacer
  readonly log: Pick<Logger, 'info'>
  readonly onProgress: (progress: ReplayProgress) => void
  readonly signal: AbortSignal
}

/** Runs to the end of the series, or until `signal` aborts; both resolve. Rejects when publishing or saving fails. */
export async function runReplay(plan: ReplayPlan, deps: ReplayDeps): Promise<void> {
  const { series, backfillUntil } = plan
  const { log, pacer, signal } = deps
  const total = series.observations.length
  let through = await deps.progress.load()
  let published = through === null ? 0 : countThrough(series.hours, through)

  const report = (phase: ReplayPhase, missingModels: readonly string[] = []): void =>
    deps.onProgress({
      phase,
      publishedThrough: through,
      publishedObservations: published,
      totalObservations: total,
      missingModels,
    })

  const publish = async (hours: readonly ReplayHour[], receivedAt: (o: Observation) => number): Promise<void> => {
    const events = hours.flatMap((hour) => hour.observations.map((o) => observationEvent(plan.alter(o), receivedAt(o))))
    await deps.publisher.publish(events)
    const last = hours.at(-1)
    if (last) through = last.startAt
    published += events.length
    deps.clock.observe(events.reduce((newest, e) => Math.max(newest, e.value.receivedAt), -Infinity))
  }
  const save = async (): Promise<void> => {
    if (through !== null) await deps.progress.save(through)
  }

  if (through !== null) log.info({ publishedThrough: iso(through) }, 'replay resumes')
  await deps.publisher.publish(plan.stations.map((value) => ({ topic: 'weather.station.v1', key: value.stationId, value })))

  const remaining = series.hours.filter((hour) => through === null || hour.startAt > through)
  const past = remaining.filter((hour) => hour.startAt < backfillUntil)
  const live = remaining.filter((hour) => hour.startAt >= backfillUntil)

  for (const batch of batches(past, BACKFILL_BATCH_EVENTS)) {
    if (signal.aborted) return
    await publish(batch, () => backfillUntil)
    await save()
    report('back-fill')
  }
  if (past.length > 0) log.info({ observations: published, until: iso(backfillUntil) }, 'replay back-fill published')

  const first = live[0]
  if (first && !signal.aborted) {
    await publish([first], (o) => o.observedAt)
    await save()
    report('first-hour')
    await waitForModels(deps, (missing) => report('waiting-for-models', missing))
  }

  let dueMs = pacer.nowMs()
  for (let i = 1; i < live.length && !signal.aborted; i++) {
    const hour = live[i] as ReplayHour
    const gapHours = (hour.startAt - (live[i - 1] as ReplayHour).startAt) / HOUR_MS
    const speed = hour.startAt < plan.fastForward.until ? plan.fastForward.speed : plan.speed
    // No burst after a pause (a suspended laptop): the schedule continues from now.
    dueMs = Math.max(dueMs + (gapHours * 1000) / speed, pacer.nowMs())
    await pacer.sleep(Math.max(0, dueMs - pacer.nowMs()), signal)
    await deps.others?.keptUp(signal)
    if (signal.aborted) break
    await publish([hour], (o) => o.observedAt)
    if ((hour.startAt / HOUR_MS) % SAVE_EVERY_HOURS === 0) await save()
    report('paced')
  }
  await save()
  if (!signal.aborted) {
    report('finished')
    log.info({ observations: published }, 'replay finished: the series has ended')
  }
}

async function waitForModels(
  { models, log, pacer, signal }: ReplayDeps,
  report: (missing: readonly string[]) => void,
): Promise<void> {
  if (models === null) return
  const startedMs = pacer.nowMs()
  let loggedMs = startedMs
  for (;;) {
    const missing = models.missing()
    if (missing.length === 0 || signal.aborted) return
    report(missing)
    await models.changed(signal, 1_000)
    if (pacer.nowMs() - loggedMs >= WAIT_LOG_MS) {
      loggedMs = pacer.nowMs()
      log.info(
        { missing: models.missing(), waitedSeconds: Math.round((loggedMs - startedMs) / 1000) },
        'replay waits for the first model of each station and variable',
      )
    }
  }
}

function observationEvent(
  observation: Observation,
  receivedAt: number,
): Extract<OutboundEvent, { topic: 'weather.observation.v1' }> {
  return { topic: 'weather.observation.v1', key: observation.stationId, value: { ...observation, receivedAt } }
}

function* batches(hours: readonly ReplayHour[], atMost: number): Generator<ReplayHour[]> {
  let batch: ReplayHour[] = []
  let events = 0
  for (const hour of hours) {
    if (events > 0 && events + hour.observations.length > atMost) {
      yield batch
      batch = []
      events = 0
    }
    batch.push(hour)
    events += hour.observations.length
  }
  if (batch.length > 0) yield batch
}

function countThrough(hours: readonly ReplayHour[], through: number): number {
  return hours.reduce((sum, hour) => (hour.startAt <= through ? sum + hour.observations.length : sum), 0)
}

function iso(instantMs: number): string {
  return new Date(instantMs).toISOString()
}
