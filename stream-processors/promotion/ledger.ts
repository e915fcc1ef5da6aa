/**
 * Who serves, who is tried and who is watched, as a fold over model.lifecycle.v1. The lifecycle log is the truth: a decision is first
 * written there, and only when it comes back is it carried out in model.control.v1. So the two cannot disagree: a crash in between is
 * made good when the decision is read again, in the order in which decisions were written.
 */
import { provisionalReason } from '../../forecasting/models/index.ts'
import type { Canary } from '../../forecasting/promotion/index.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import type { Control, Lifecycle, ServedModel } from '../../schemas/generated/types.ts'
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
  /** What an accepted model waits for before it serves. Of the challenger alone: another one does not wait (`waitOf`). */
  wait: Wait | null
  /** A first model has been accepted and comes back with its 'accepted' event. */
  isFirstPending: boolean
  /** Evaluated runs that decisions may still be about, newest last. */
  readonly runs: Map<string, Lifecycle>
  /** Of these, which have passed their probation or were rolled back, and when. */
  readonly outcomes: Map<string, { readonly state: 'passed' | 'rolled-back'; readonly at: number }>
  /** Event time of the newest change. */
  changedAt: number
}

/** An accepted model that serves only when the runs at canary stations which its event names have ended well. */
export type Wait = {
  readonly accepted: Lifecycle
  /** The decision that ends it has been made and will come back. */
  isDecided: boolean
}

/** Models that are tried together: of one variable, trained for the same reason by the same code, not before `since`. */
export type Wave = Pick<Lifecycle, 'variable' | 'requestReason' | 'codeVersion'> & { readonly since: number }

/** Runs kept beside those that serve: what an operator can promote. */
const KEPT_RUNS = 10

export type LifecycleFold = {
  readonly of: (key: string) => ModelState | undefined
  readonly states: () => Iterable<[string, ModelState]>
  /** Takes an event in; what it changed. Repeated events change nothing. */
  readonly apply: (event: Lifecycle) => Change
  /** Runs of a wave at stations of a kind that are in trial or have been served. */
  readonly runsOf: (wave: Wave, isOfKind: (stationId: string) => boolean) => string[]
  /** How runs at canary stations do; those that were refused, replaced or forgotten are no canaries any more. */
  readonly canaries: (runIds: readonly string[]) => Canary[]
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
  const stateOfRun = new Map<string, ModelState>()

  function stateOf({ stationId, variable }: Pick<Lifecycle, 'stationId' | 'variable'>): ModelState {
    const key = modelKey(stationId, variable)
    const state = states.get(key) ?? {
      stationId,
      variable,
      champion: null,
      previous: null,
      challenger: null,
      shadow: null,
      wait: null,
      isFirstPending: false,
      runs: new Map<string, Lifecycle>(),
      outcomes: new Map(),
      changedAt: 0,
    }
    states.set(key, state)
    return state
  }

  return {
    of: (key) => states.get(key),
    states: () => states.entries(),
    runsOf(wave, isOfKind) {
      return [...states.values()].flatMap((state) =>
        state.variable === wave.variable && isOfKind(state.stationId)
          ? [...state.runs.values()]
              .filter(
                (run) => run.requestReason === wave.requestReason && run.codeVersion === wave.codeVersion && run.at >= wave.since,
              )
              .map(({ runId }) => runId)
              .filter((runId) => canaryOf(state, runId) !== null)
          : [],
      )
    },
    canaries(runIds) {
      return runIds.flatMap((runId) => {
        const state = stateOfRun.get(runId)
        const canary = state ? canaryOf(state, runId) : null
        return canary ? [canary] : []
      })
    },
    apply(event) {
      const state = stateOf(event)
      switch (event.event) {
        case 'evaluated':
          if (state.runs.has(event.runId)) return NOTHING
          remember(state, event)
          return { kind: 'candidate', state }
        case 'accepted':
          if (event.waitsFor.length === 0) return put(state, event)
          if (state.challenger?.runId === event.runId) state.wait = { accepted: event, isDecided: false }
          return NOTHING
        case 'promoted':
          // Of a model that had to wait this is the decision; of any other it tells what has been done.
          return waitOf(state)?.accepted.runId === event.runId ? put(state, event) : NOTHING
        case 'rejected':
          if (state.challenger?.runId !== event.runId) return NOTHING
          state.challenger = null
          state.changedAt = event.at
          return { kind: 'served', state, passedOver: null }
        case 'probation-passed':
          if (state.champion?.runId !== event.runId || state.shadow === null) return NOTHING
          state.shadow = null
          state.outcomes.set(event.runId, { state: 'passed', at: event.at })
          state.changedAt = event.at
          return { kind: 'served', state, passedOver: null }
        case 'rolled-back': {
          if (state.champion?.runId !== event.runId || state.previous === null) return NOTHING
          const passedOver = state.challenger
          state.outcomes.set(event.runId, { state: 'rolled-back', at: event.at })
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
        case 'failed':
          return NOTHING
      }
    },
  }

  function remember(state: ModelState, event: Lifecycle): void {
    state.runs.set(event.runId, event)
    stateOfRun.set(event.runId, state)
    const inUse = new Set([state.champion, state.previous, state.challenger, state.shadow].map((model) => model?.runId))
    for (const runId of state.runs.keys()) {
      if (state.runs.size <= KEPT_RUNS) return
      if (inUse.has(runId) || runId === event.runId) continue
      state.runs.delete(runId)
      state.outcomes.delete(runId)
      stateOfRun.delete(runId)
    }
  }

  /** An accepted model takes the champion's place. */
  function put(state: ModelState, event: Lifecycle): Change {
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

/** What the challenger waits for; null while it is in trial, or when there is none. */
export function waitOf({ challenger, wait }: Pick<ModelState, 'challenger' | 'wait'>): Wait | null {
  return wait !== null && wait.accepted.runId === challenger?.runId ? wait : null
}

/** A run as a canary; null for one that is neither tried nor served, or never had anybody to be compared with. */
function canaryOf(state: ModelState, runId: string): Canary | null {
  const model = modelKey(state.stationId, state.variable)
  const outcome = state.outcomes.get(runId)
  if (outcome) return { model, ...outcome }
  const isOnProbation = state.champion?.runId === runId && state.shadow !== null
  return isOnProbation || state.challenger?.runId === runId ? { model, state: 'open' } : null
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
