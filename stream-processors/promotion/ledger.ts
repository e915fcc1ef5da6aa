/**
 * Who serves, who is tried and who is watched, as a fold over model.lifecycle.v1. The lifecycle log is the truth: a decision is first
 * written there, and only when it comes back is it carried out in model.control.v1. So the two cannot disagree: a crash in between is
 * made good when the decision is read again, in the order in which decisions were written.
 */
import { modelKey } from '../../schemas/event-ids.ts'
import type { Control, Lifecycle, ServedModel } from '../../schemas/generated/types.ts'
import { provisionalReason } from '../../forecasting/models/index.ts'
import { judgeFirstModel } from './first-model.ts'

/** What a replica will load at most. */
const MAX_ARTEFACT_BYTES = 16 * 1024 * 1024

export type ModelState = {
  readonly stationId: string
  readonly variable: Lifecycle['variable']
  champion: ServedModel | null
  previous: ServedModel | null
  /** In trial: at most one at a time. */
  challenger: ServedModel | null
  /** Former champion still scored beside its successor; null when there is no probation. */
  shadow: ServedModel | null
  /** A first model has been accepted and comes back with its 'accepted' event. */
  isFirstPending: boolean
  /** Evaluated runs that decisions may still be about, newest last. */
  readonly runs: Map<string, Lifecycle>
  /** Event time of the newest change. */
  changedAt: number
}

/** Runs kept beside those that serve: what an operator can promote. */
const KEPT_RUNS = 10

export type LifecycleFold = {
  readonly of: (key: string) => ModelState | undefined
  readonly states: () => Iterable<[string, ModelState]>
  /** Takes an event in; what it changed. Repeated events change nothing. */
  readonly apply: (event: Lifecycle) => Change
  /** What the control topic knows and the lifecycle does not say: whether a probation has ended. */
  readonly adopt: (control: Control) => void
}

export type Change =
  | { readonly kind: 'nothing' }
  /** An evaluated run that awaits a decision. */
  | { readonly kind: 'candidate'; readonly state: ModelState }
  /** What is to be served has changed; `passedOver` had not been decided and cannot be any more. */
  | { readonly kind: 'served'; readonly state: ModelState; readonly passedOver: ServedModel | null }

const NOTHING: Change = { kind: 'nothing' }

export function createLifecycleFold(): LifecycleFold {
  const states = new Map<string, ModelState>()

  function stateOf({ stationId, variable }: Pick<Lifecycle, 'stationId' | 'variable'>): ModelState {
    const key = modelKey(stationId, variable)
    const state = states.get(key) ?? {
      stationId,
      variable,
      champion: null,
      previous: null,
      challenger: null,
      shadow: null,
      isFirstPending: false,
      runs: new Map<string, Lifecycle>(),
      changedAt: 0,
    }
    states.set(key, state)
    return state
  }

  return {
    of: (key) => states.get(key),
    states: () => states.entries(),
    adopt({ stationId, variable, champion, shadows }) {
      const state = states.get(modelKey(stationId, variable))
      if (state?.champion?.runId === champion.runId && shadows.length === 0) state.shadow = null
    },
    apply(event) {
      const state = stateOf(event)
      switch (event.event) {
        case 'evaluated':
          if (state.runs.has(event.runId)) return NOTHING
          remember(state, event)
          return { kind: 'candidate', state }
        case 'accepted': {
          const run = state.runs.get(event.runId) ?? event
          if (run.artefact === null || state.champion?.runId === event.runId) return NOTHING
          // A model tried beside a first one that was only just accepted goes on being tried.
          const keeps = state.champion === null && state.challenger?.runId !== event.runId
          const passedOver = keeps || state.challenger?.runId === event.runId ? null : state.challenger
          state.previous = state.champion
          // A provisional model is no measure of its successor.
          state.shadow = state.champion && isProvisional(state.champion) ? null : state.champion
          state.champion = servedModel({ ...run, artefact: run.artefact }, event.at)
          if (!keeps) state.challenger = null
          state.isFirstPending = false
          state.changedAt = event.at
          return { kind: 'served', state, passedOver }
        }
        case 'rejected':
          if (state.challenger?.runId !== event.runId) return NOTHING
          state.challenger = null
          state.changedAt = event.at
          return { kind: 'served', state, passedOver: null }
        case 'rolled-back': {
          if (state.champion?.runId !== event.runId || state.previous === null) return NOTHING
          const passedOver = state.challenger
          state.champion = { ...state.previous, since: event.at }
          // Not the other way round again by mistake: what was rolled back is served only if somebody promotes it.
          state.previous = null
          state.shadow = null
          state.challenger = null
          state.changedAt = event.at
          return { kind: 'served', state, passedOver }
        }
        case 'training-started':
        case 'trained':
        case 'promoted':
        case 'failed':
          return NOTHING
      }
    },
  }
}

export type CandidateDecision =
  | { readonly kind: 'accept' | 'reject'; readonly reasons: string[] }
  | { readonly kind: 'try'; readonly superseded: ServedModel | null }

/**
 * What becomes of an evaluated run, and the state after it: a first model, and the first that has scores of its own after provisional ones, is
 * judged on its own run; any later one is tried beside the champion, unless it is not worth trying. A newer candidate replaces one in trial: it has seen more.
 */
export function enterCandidate(state: ModelState, run: Lifecycle): CandidateDecision {
  const reject = (...reasons: string[]): CandidateDecision => ({ kind: 'reject', reasons })
  const { artefact } = run
  if (artefact === null) return reject('no-artefact')
  if (artefact.bytes > MAX_ARTEFACT_BYTES) return reject(`artefact-too-large: ${artefact.bytes} of ${MAX_ARTEFACT_BYTES} bytes`)
  const isFirst = state.champion === null && !state.isFirstPending
  // Nothing was left out of so short a history: it serves where nothing better does, and only until something has seen more.
  if (isProvisional(run)) {
    const known = state.champion && isProvisional(state.champion) ? (state.runs.get(state.champion.runId)?.rows ?? 0) : null
    if (!isFirst && (known === null || run.rows <= known)) return reject('not-scored')
    state.isFirstPending ||= isFirst
    return { kind: 'accept', reasons: [`provisional: ${run.family}`, `${run.rows} observed hours`] }
  }
  const verdict = judgeFirstModel(run)
  if (!verdict.accepted) return reject(...verdict.reasons)
  if (isFirst || (state.champion && isProvisional(state.champion))) {
    state.isFirstPending ||= isFirst
    return { kind: 'accept', reasons: verdict.reasons }
  }
  if (state.champion?.artefact.sha256 === artefact.sha256) return reject('identical-to-champion')
  const superseded = state.challenger
  state.challenger = servedModel({ ...run, artefact }, run.at)
  state.changedAt = Math.max(state.changedAt, run.at)
  return { kind: 'try', superseded }
}

const isProvisional = ({ family }: Pick<ServedModel, 'family'>): boolean => provisionalReason(family) !== null

function remember(state: ModelState, event: Lifecycle): void {
  state.runs.set(event.runId, event)
  const inUse = new Set([state.champion, state.previous, state.challenger, state.shadow].map((model) => model?.runId))
  for (const runId of state.runs.keys()) {
    if (state.runs.size <= KEPT_RUNS) return
    if (!inUse.has(runId) && runId !== event.runId) state.runs.delete(runId)
  }
}

function servedModel(run: Lifecycle & { readonly artefact: NonNullable<Lifecycle['artefact']> }, since: number): ServedModel {
  const { version, runId, family, featureSet, artefact, changePoints } = run
  return { version, runId, family, featureSet, artefact, since, changePoints }
}

/** What replicas must serve in this state; null while there is no champion. */
export function controlOf(
  { stationId, variable, champion, previous, challenger, shadow, changedAt }: ModelState,
  why: { eventId: string; changedBy: string; reason: string; causedBy: string | null; decisionOffset: number },
): Control | null {
  if (champion === null) return null
  return {
    stationId,
    variable,
    champion,
    previous,
    challengers: challenger ? [challenger] : [],
    shadows: shadow ? [shadow] : [],
    changedAt,
    ...why,
  }
}
