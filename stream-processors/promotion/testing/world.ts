/** The step of promotion on a small broker in memory: what it emits comes back to it, and it can be killed between any two messages. */
import type { InboundEvent, OutboundEvent } from '../../../infra/runtime/kafka/types.ts'
import { modelKey } from '../../../schemas/event-ids.ts'
import type { Audit, Control, Lifecycle, Verification } from '../../../schemas/generated/types.ts'
import { createLifecycleFold, enterCandidate } from '../ledger.ts'
import { createPromotionStep, type PromotionInput } from '../step.ts'

export const HOUR_MS = 3_600_000
export const T0 = Date.UTC(2013, 6, 1)
export const KEY = 'jfk/temperatureC'
const LEADS = [1, 3, 6, 12, 24, 48, 72, 100, 168]

export const metric = (model: string, mae: number) => ({
  model,
  leadBucket: 'all',
  n: 1000,
  mae,
  rmse: mae,
  bias: 0,
  crps: mae,
  coverage80: 0.8,
  coverage95: 0.95,
})

export function evaluated(runId: string, hour: number, over: Partial<Lifecycle> = {}): Lifecycle {
  return {
    eventId: `lifecycle/${runId}/evaluated`,
    runId,
    stationId: 'jfk',
    variable: 'temperatureC',
    version: `v-${runId}`,
    event: 'evaluated',
    at: T0 + hour * HOUR_MS,
    family: 'ridge',
    reasons: [],
    metrics: [metric('candidate', 2), metric('persistence', 3), metric('recentred-climatology', 2.2)],
    artefact: { uri: `file:${runId}`, sha256: runId, bytes: 1000 },
    evaluation: null,
    dataFrom: null,
    dataTo: null,
    rows: 1,
    seed: 0,
    featureSet: 'f',
    codeVersion: 't',
    fitSeconds: 1,
    requestReason: 'drift',
    causedBy: `request-${runId}`,
    actor: 'training',
    changePoints: [],
    waitsFor: [],
    comparison: null,
    ...over,
  }
}

/** Errors of an hour: `size` in degrees, its sign and course changing as weather does. */
export function verification(
  runId: string,
  role: Verification['role'],
  hour: number,
  size: number,
  stationId = 'jfk',
): Verification {
  const error = LEADS.map((lead) => size * (Math.sin((hour * Math.PI) / 12) + 0.4 * Math.cos(lead + hour / 2)))
  return {
    verificationId: `verification/${runId}/${role}/${hour}`,
    stationId,
    variable: 'temperatureC',
    observedAt: T0 + hour * HOUR_MS,
    observed: 20,
    modelVersion: `v-${runId}`,
    role,
    leadHours: LEADS,
    forecastIds: LEADS.map((lead) => `f-${runId}-${hour - lead}`),
    error,
    crps: error.map((e) => 0.7 * Math.abs(e)),
    pit: LEADS.map(() => 0.5),
    expectedScale: LEADS.map(() => 1),
    covered80: LEADS.map((lead) => (lead + hour) % 5 !== 0),
    covered95: LEADS.map((lead) => (lead + hour) % 20 !== 0),
    persistenceError: error,
    recentredClimatologyError: error,
    knownAt: T0 + hour * HOUR_MS,
    fallback: null,
  }
}

/** One partition per topic; a consumer group that commits; an archive of the verification topic. */
export function createWorld({ isCanary = () => false }: { isCanary?: (stationId: string) => boolean } = {}) {
  const log: Record<PromotionInput, InboundEvent[]> = { 'model.lifecycle.v1': [], 'weather.verification.v1': [], 'audit.v1': [] }
  const controls: Array<{ key: string; value: Control; offset: number }> = []
  const committed: Record<PromotionInput, number> = { 'model.lifecycle.v1': 0, 'weather.verification.v1': 0, 'audit.v1': 0 }
  const reports = new Map<string, string>()
  /** Publishes that still succeed before the process dies; infinite when it lives. */
  let publishesLeft = Number.POSITIVE_INFINITY

  function append(event: OutboundEvent): void {
    if (event.topic === 'model.control.v1') {
      controls.push({ key: event.key, value: event.value, offset: controls.length })
      return
    }
    const topic = event.topic as PromotionInput
    const position = { partition: 0, offset: log[topic].length, headers: {}, timestampMs: 0 }
    log[topic].push({ ...event, ...position })
  }

  function start() {
    const fold = createLifecycleFold()
    for (const { value, offset } of log['model.lifecycle.v1']) {
      if (offset >= committed['model.lifecycle.v1']) break
      const change = fold.apply(value as Lifecycle)
      if (change.kind === 'candidate') enterCandidate(change.state, value as Lifecycle)
    }
    const latest = (key: string): Control | undefined => controls.findLast((control) => control.key === key)?.value
    const { step } = createPromotionStep({
      fold: () => fold,
      controlOfModel: latest,
      isCanary,
      artifacts: {
        put: async (key, bytes) => {
          const text = new TextDecoder().decode(bytes)
          if (reports.has(key) && reports.get(key) !== text) throw new Error(`another report under the name ${key}`)
          reports.set(key, text)
          return { uri: `file:${key}`, sha256: 'x', bytes: bytes.length }
        },
      },
      loadScored: async ({ versions, since, before }) =>
        log['weather.verification.v1']
          .filter(({ offset }) => offset < before)
          .map(({ value }) => value as Verification)
          .filter(({ modelVersion, observedAt }) => versions.includes(modelVersion) && observedAt > since),
      observeEventTime: () => undefined,
      now: () => T0,
    })
    return { step, fold }
  }

  let running = start()
  /** Handles what is there, topic by topic, until nothing is left. False when the process died on the way. */
  async function settle(): Promise<boolean> {
    for (;;) {
      const topic = (Object.keys(log) as PromotionInput[]).find((name) => committed[name] < log[name].length)
      if (!topic) return true
      const event = log[topic][committed[topic]] as InboundEvent<PromotionInput>
      const [outcome] = await running.step([event], {
        topic,
        partition: 0,
        caughtUp: true,
        heartbeat: async () => undefined,
      })
      for (const made of outcome?.kind === 'emit' ? outcome.events : []) {
        if (publishesLeft-- <= 0) return false
        append(made)
      }
      committed[topic]++
    }
  }

  return {
    append,
    settle,
    restart: () => (running = start()),
    dieAfterPublishes: (n: number) => (publishesLeft = n),
    controls,
    reports,
    lifecycle: () => log['model.lifecycle.v1'].map(({ value }) => value as Lifecycle),
    audits: () => log['audit.v1'].map(({ value }) => value as Audit),
    state: () => running.fold.of(KEY),
  }
}
export type World = ReturnType<typeof createWorld>

export const publish = (world: World, value: Lifecycle | Verification | Audit): void =>
  world.append(
    'auditId' in value
      ? { topic: 'audit.v1', key: 'op', value }
      : 'verificationId' in value
        ? { topic: 'weather.verification.v1', key: value.stationId, value }
        : { topic: 'model.lifecycle.v1', key: modelKey(value.stationId, value.variable), value },
  )
export const decisions = (world: World): string[] =>
  world
    .lifecycle()
    .filter(({ actor }) => actor !== 'training')
    .map(({ runId, event }) => `${runId} ${event}`)
export const serving = (world: World, model = KEY): Control | undefined =>
  world.controls.findLast(({ key }) => key === model)?.value
