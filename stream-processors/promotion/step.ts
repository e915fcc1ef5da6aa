/**
 * lifecycle × verification × operator action → decisions (model.lifecycle.v1) and what replicas must serve (model.control.v1). The only
 * writer of model.control.v1, so run one process. At least once.
 *
 * Decisions are written to the lifecycle log first and carried out when they are read back (ledger.ts). A control event carries the offset
 * of its decision: a decision that is read again after a crash is not carried out again if that or a later one already has been.
 */
import { decideRelease, type GateReport } from '../../forecasting/promotion/index.ts'
import type { ArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import {
  type BatchStep,
  emit,
  type InboundEvent,
  type OutboundEvent,
  type Outcome,
  skip,
} from '../../infra/runtime/kafka/types.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import type { Artefact, Audit, Control, Lifecycle, Verification } from '../../schemas/generated/types.ts'
import { controlOf, enterCandidate, type LifecycleFold, type ModelState, waitOf } from './ledger.ts'
import { createScoredHours, type ScoredHour, type ScoredHours } from './scored-hours.ts'
import { countSettled, look, type Watch, watchesOf } from './watches.ts'

export type PromotionInput = 'model.lifecycle.v1' | 'weather.verification.v1' | 'audit.v1'
export type SkipReason = 'no-decision-needed' | 'already-carried-out' | 'not-compared' | 'not-decided' | 'not-an-order'

export type Deps = {
  readonly fold: () => LifecycleFold
  /** Newest control event of a model, as the topic has it. */
  readonly controlOfModel: (key: string) => Control | undefined
  readonly isCanary: (stationId: string) => boolean
  readonly artifacts: Pick<ArtifactStore, 'put'>
  /** Scores already archived from messages before `before` of the partition; throws transient `archive-behind` until all are. */
  readonly loadScored: (query: {
    readonly stationId: string
    readonly variable: string
    readonly versions: readonly string[]
    readonly since: number
    readonly partition: number
    readonly before: number
  }) => Promise<readonly ScoredHour[]>
  readonly observeEventTime: (epochMs: number) => void
  readonly now: () => number
}

const ACTOR = 'promotion'
/** Runs asked for within this span of event time for the same reason are one wave. */
const WAVE_MS = 21 * 24 * 3_600_000
/** Outcomes kept for a batch that is handed in again: state has moved on since. */
const REMEMBERED_OUTCOMES = 4000

type Comparison = { readonly hours: ScoredHours; watches: Watch[] }

export function createPromotionStep(deps: Deps): {
  readonly step: BatchStep<PromotionInput>
  /** Drops what was gathered, so that it is restored from the archive. Called on (re)assignment, after the fold was restored. */
  readonly forget: () => void
} {
  const comparisons = new Map<string, Comparison>()
  const outcomes = new Map<string, Outcome>()

  return {
    forget() {
      comparisons.clear()
      outcomes.clear()
    },
    step: async (events) => {
      const results: Outcome[] = []
      for (const event of events) {
        const id = `${event.topic}/${event.partition}/${event.offset}`
        const outcome = outcomes.get(id) ?? (await decide(event))
        if (outcome.kind === 'emit') remember(id, outcome)
        results.push(outcome)
      }
      return results
    },
  }

  function remember(id: string, outcome: Outcome): void {
    outcomes.set(id, outcome)
    const oldest = outcomes.size > REMEMBERED_OUTCOMES ? outcomes.keys().next().value : undefined
    if (oldest !== undefined) outcomes.delete(oldest)
  }

  async function decide(event: InboundEvent<PromotionInput>): Promise<Outcome> {
    switch (event.topic) {
      case 'model.lifecycle.v1':
        return onLifecycle(event.key, event.value, event.offset)
      case 'weather.verification.v1':
        deps.observeEventTime(event.value.observedAt)
        return onVerification(event.value, event.partition, event.offset)
      case 'audit.v1':
        return onAudit(event.value)
    }
  }

  function onLifecycle(key: string, event: Lifecycle, offset: number): Outcome {
    const change = deps.fold().apply(event)
    if (change.kind === 'nothing') return skip('no-decision-needed' satisfies SkipReason)
    if (change.kind === 'served') {
      return emit([
        ...(change.passedOver ? [rejectionOf(change.state, change.passedOver.runId, event, ['champion-changed'])] : []),
        ...orders(key, change.state, event, offset, event.reasons.join('; ')),
        ...(event.event === 'accepted'
          ? [decision(event, 'promoted', event.reasons, { eventId: event.eventId.replace('/accepted', '/promoted') })]
          : []),
      ])
    }
    const verdict = enterCandidate(change.state, event)
    if (verdict.kind !== 'try') {
      return emit([decision(event, verdict.kind === 'accept' ? 'accepted' : 'rejected', verdict.reasons, {})])
    }
    return emit([
      ...(verdict.superseded
        ? [rejectionOf(change.state, verdict.superseded.runId, event, [`superseded: by ${event.version}`])]
        : []),
      ...orders(key, change.state, event, offset, `challenger ${event.version}: ${event.requestReason}`),
    ])
  }

  /** The control event of a state, unless the topic already has it or a later one. */
  function orders(key: string, state: ModelState, cause: Lifecycle, offset: number, reason: string): OutboundEvent[] {
    const control = controlOf(state, {
      eventId: `control/${cause.eventId}`,
      changedBy: cause.event === 'evaluated' ? ACTOR : cause.actor,
      reason,
      causedBy: cause.eventId,
      decisionOffset: offset,
    })
    if (control === null || (deps.controlOfModel(key)?.decisionOffset ?? -1) >= offset) return []
    return [{ topic: 'model.control.v1', key, value: control }]
  }

  async function onVerification(event: Verification, partition: number, offset: number): Promise<Outcome> {
    const key = modelKey(event.stationId, event.variable)
    const state = deps.fold().of(key)
    if (!state) return skip('not-compared' satisfies SkipReason)
    const compared = await compare(key, state, event, partition, offset)
    // Last, because what it returns is not made again: nothing after it may fail.
    const made = [...(compared ?? []), ...endWait(state, event.observedAt)]
    if (made.length > 0) return emit(made)
    return skip((compared === null ? 'not-compared' : 'not-decided') satisfies SkipReason)
  }

  /** Decisions of the comparisons that this hour belongs to; null when it belongs to none. */
  async function compare(
    key: string,
    state: ModelState,
    event: Verification,
    partition: number,
    offset: number,
  ): Promise<OutboundEvent[] | null> {
    const wanted = watchesOf(state)
    if (wanted.length === 0) {
      comparisons.delete(key)
      return null
    }
    const comparison = await comparisonOf(key, state, wanted, partition, offset)
    if (!comparison.watches.some(({ incumbent, rival }) => event.modelVersion === incumbent || event.modelVersion === rival))
      return null
    comparison.hours.add(event)
    const made: OutboundEvent[] = []
    for (const watch of comparison.watches) {
      const report = look(watch, comparison.hours, event.variable)
      if (report && report.decision !== 'continue') made.push(...(await conclude(key, state, watch, report, event)))
    }
    return made
  }

  /** The comparison of a model as it stands; scores from before this process knew of it come from the archive. */
  async function comparisonOf(
    key: string,
    state: ModelState,
    wanted: Watch[],
    partition: number,
    offset: number,
  ): Promise<Comparison> {
    const known = comparisons.get(key)
    const ids = new Set(known?.watches.map(({ id }) => id))
    if (known && wanted.every(({ id }) => ids.has(id))) {
      if (known.watches.length !== wanted.length)
        known.watches = known.watches.filter(({ id }) => wanted.some((watch) => watch.id === id))
      return known
    }
    const hours = createScoredHours()
    const scored = await deps.loadScored({
      stationId: state.stationId,
      variable: state.variable,
      versions: [...new Set(wanted.flatMap(({ incumbent, rival }) => [incumbent, rival]))],
      since: Math.min(...wanted.map(({ since }) => since)),
      partition,
      before: offset,
    })
    for (const hour of scored) hours.add(hour)
    for (const watch of wanted) watch.counted = countSettled(watch, hours)
    const comparison = { hours, watches: wanted }
    comparisons.set(key, comparison)
    return comparison
  }

  async function conclude(
    key: string,
    state: ModelState,
    watch: Watch,
    report: GateReport,
    event: Verification,
  ): Promise<OutboundEvent[]> {
    const run = runOf(state, watch.runId)
    if (watch.kind === 'probation' && report.decision === 'reject') {
      watch.isDecided = true
      const reasons = [`kept: ${report.hours} verified hours`, ...report.reasons]
      return [decision(run, 'probation-passed', reasons, { ...again(run, 'probation-passed', event), metrics: [] })]
    }
    const evaluation = await storeReport(key, watch, report)
    watch.isDecided = true
    const about = { at: event.observedAt, metrics: [...report.metrics], evaluation, causedBy: event.verificationId }
    if (watch.kind === 'probation') {
      const reasons = [`regression: ${report.reasons.join('; ')}`, `previous ${watch.rival} serves again`]
      return [decision(run, 'rolled-back', reasons, { ...about, ...again(run, 'rolled-back', event) })]
    }
    if (report.decision === 'reject') return [decision(run, 'rejected', report.reasons, about)]
    const waitsFor = canariesOf(state, run, event.observedAt)
    const release = decideRelease(deps.fold().canaries(waitsFor), { acceptedAt: event.observedAt, now: event.observedAt })
    return [
      release.decision === 'refuse'
        ? decision(run, 'rejected', [...release.reasons, ...report.reasons], about)
        : decision(run, 'accepted', [...report.reasons, ...release.reasons], {
            ...about,
            waitsFor: release.decision === 'wait' ? waitsFor : [],
          }),
    ]
  }

  /** Runs at canary stations of the wave that a run belongs to; none for a canary itself. */
  function canariesOf({ stationId }: ModelState, run: Lifecycle, at: number): string[] {
    return deps.isCanary(stationId) ? [] : deps.fold().runsOf({ ...run, since: at - WAVE_MS }, deps.isCanary)
  }

  /**
   * The decision on an accepted model that waited, as soon as an hour of its own station is verified after what decides it. The instant
   * it carries is that of the cause: taken again after a crash, it is the same event.
   */
  function endWait(state: ModelState, now: number): OutboundEvent[] {
    const wait = waitOf(state)
    if (wait === null || wait.isDecided) return []
    const { accepted } = wait
    const end = decideRelease(deps.fold().canaries(accepted.waitsFor), { acceptedAt: accepted.at, now })
    if (end.decision === 'wait') return []
    wait.isDecided = true
    const what = end.decision === 'release' ? 'promoted' : 'rejected'
    return [decision(accepted, what, [...end.reasons, ...accepted.reasons], { at: end.at, waitsFor: [] })]
  }

  async function storeReport(key: string, watch: Watch, report: GateReport): Promise<Artefact> {
    const { kind, incumbent, rival, since, runId } = watch
    const body = {
      kind,
      model: key,
      runId,
      champion: incumbent,
      challenger: rival,
      since: new Date(since).toISOString(),
      ...report,
    }
    const bytes = new TextEncoder().encode(`${JSON.stringify(body, null, 1)}\n`)
    // The look is part of the name, and so is what it saw: a repeat on the same rows is the same report.
    const name = `${kind}-${rival}-${report.hours}h-${report.rows}`
    return deps.artifacts.put(`evaluations/${key}/${name}.json`, bytes)
  }

  function onAudit(order: Audit): Outcome {
    if (order.outcome !== 'accepted') return skip('not-an-order' satisfies SkipReason)
    if (order.action !== 'model.promote' && order.action !== 'model.rollback') return skip('not-an-order' satisfies SkipReason)
    const state = deps.fold().of(order.subject)
    if (!state?.champion) return emit([refusal(order, `${order.subject} has no champion`)])
    const at = Math.max(state.changedAt, deps.now())
    const reasons = ['operator', ...(order.reason === null ? [] : [order.reason])]
    const by = { at, actor: order.actor, causedBy: `audit/${order.auditId}`, metrics: [] }
    if (order.action === 'model.rollback') {
      if (state.previous === null) return emit([refusal(order, 'there is no previous model to go back to')])
      const run = runOf(state, state.champion.runId)
      const eventId = `lifecycle/${run.runId}/rolled-back/${order.auditId}`
      return emit([
        decision(run, 'rolled-back', [...reasons, `previous ${state.previous.version} serves again`], { ...by, eventId }),
      ])
    }
    const version = order.details['version'] ?? state.challenger?.version
    const run = [...state.runs.values()].findLast((known) => known.version === version)
    if (version === undefined) return emit([refusal(order, 'no challenger to promote; name a version')])
    if (!run || run.artefact === null) return emit([refusal(order, `version ${version} is not known`)])
    if (run.runId === state.champion.runId) return emit([refusal(order, `version ${version} is champion already`)])
    return emit([decision(run, 'accepted', reasons, { ...by, eventId: `lifecycle/${run.runId}/accepted/${order.auditId}` })])
  }
}

/** The evaluated run; what is known of a model whose evaluation is no longer kept comes from what is served. */
function runOf(state: ModelState, runId: string): Lifecycle {
  const run = state.runs.get(runId)
  if (run) return run
  const served = [state.champion, state.previous, state.challenger, state.shadow].find((model) => model?.runId === runId)
  if (!served) throw new Error(`no model of ${modelKey(state.stationId, state.variable)} comes from run ${runId}`)
  const { version, family, featureSet, artefact, since, changePoints } = served
  return {
    eventId: `lifecycle/${runId}/evaluated`,
    runId,
    stationId: state.stationId,
    variable: state.variable,
    version,
    event: 'evaluated',
    at: since,
    family,
    reasons: [],
    metrics: [],
    artefact,
    evaluation: null,
    dataFrom: null,
    dataTo: null,
    rows: 0,
    seed: 0,
    featureSet,
    codeVersion: '',
    fitSeconds: 0,
    requestReason: '',
    causedBy: null,
    actor: ACTOR,
    changePoints,
    waitsFor: [],
    comparison: null,
  }
}

function rejectionOf(state: ModelState, runId: string, cause: Lifecycle, reasons: string[]): OutboundEvent {
  return decision(runOf(state, runId), 'rejected', reasons, { at: cause.at, causedBy: cause.eventId })
}

function decision(
  run: Lifecycle,
  event: Lifecycle['event'],
  reasons: readonly string[],
  more: Partial<Lifecycle>,
): OutboundEvent {
  return {
    topic: 'model.lifecycle.v1',
    key: modelKey(run.stationId, run.variable),
    value: {
      ...run,
      // Told once, by the run: it is no part of any decision.
      comparison: null,
      eventId: `lifecycle/${run.runId}/${event}`,
      causedBy: run.eventId,
      actor: ACTOR,
      ...more,
      event,
      reasons: [...reasons],
    },
  }
}

/** A model can be promoted, and so be on probation, more than once: the hour that decides is part of the id. */
function again(run: Lifecycle, what: 'probation-passed' | 'rolled-back', { observedAt, verificationId }: Verification) {
  const eventId = `lifecycle/${run.runId}/${what}/${new Date(observedAt).toISOString()}`
  return { eventId, at: observedAt, causedBy: verificationId }
}

/** An order that cannot be carried out is answered where it was recorded. */
function refusal(order: Audit, why: string): OutboundEvent {
  return {
    topic: 'audit.v1',
    key: order.actor,
    value: { ...order, auditId: `${order.auditId}/refused`, reason: why, outcome: 'refused' },
  }
}
