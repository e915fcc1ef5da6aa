/**
 * The models a replica serves. A control event becomes effective in one assignment, after everything that could refuse it has passed:
 * artefact bytes and SHA-256, feature set, golden vectors, a warm-up prediction. Until then, and on any refusal, the old models serve.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { ArtefactError, checkGoldenVectors, deserialiseModel, type Fitted } from '../../forecasting/models/index.ts'
import { FEATURE_COUNT, FEATURE_SET } from '../../forecasting/features/index.ts'
import type { Control, ReplicaStatus, ServedModel } from '../../schemas/generated/types.ts'
import type { ArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import { AppError } from '../../infra/runtime/errors.ts'

export type LoadedModel = { readonly served: ServedModel; readonly fitted: Fitted }

/** What is served for one station and variable. Immutable: a swap replaces the whole object. */
export type ActiveModels = {
  readonly champion: LoadedModel
  /** Kept warm, so that a rollback needs no load. */
  readonly previous: LoadedModel | null
  readonly challengers: readonly LoadedModel[]
  /** Former champions whose forecasts are still scored. */
  readonly shadows: readonly LoadedModel[]
  readonly controlOffset: number
}

export type SwapResult = Omit<ReplicaStatus, 'replicaId' | 'since'>

export type ModelTable = {
  /**
   * All variables served for a station, read in one go so that one feature event never meets two states. A promise when they have to be
   * read back from the artefact store first; it rejects only on transient trouble.
   */
  readonly ofStation: (
    stationId: string,
  ) => ReadonlyMap<string, ActiveModels> | undefined | Promise<ReadonlyMap<string, ActiveModels> | undefined>
  /** Applies a control event; resolves with what to report. Rejects only on transient trouble (artefact store unreachable). */
  readonly apply: (control: Control, controlOffset: number) => Promise<SwapResult>
  readonly modelCount: () => number
  /** Models in memory, in every role. */
  readonly loadedCount: () => number
}

const MAX_ARTEFACT_BYTES = 16 * 1024 * 1024
/** A forecast takes a fifth of a millisecond. One that takes this long, however often it is tried, would hold up every other station's. */
const MAX_PREDICT_MS = 50
const PREDICT_TRIES = 5

export type Options = {
  readonly maxArtefactBytes?: number
  /** Models in memory at most, in every role; those of the stations longest unused are read back when they are needed. 0: all. */
  readonly maxLoaded?: number
  /** Verified bytes to a model; throws a permanent AppError for what is none. */
  readonly open?: (bytes: Uint8Array) => Fitted | Promise<Fitted>
  /** A model that was served and cannot be read back any more. */
  readonly onLost?: (served: ServedModel, error: AppError) => void
}

type Ordered = {
  readonly champion: ServedModel
  readonly previous: ServedModel | null
  readonly challengers: readonly ServedModel[]
  readonly shadows: readonly ServedModel[]
  readonly controlOffset: number
}
/** What was ordered and verified, by variable, and what of it is in memory. */
type Station = { readonly ordered: Map<string, Ordered>; loaded: Map<string, ActiveModels> }

export function createModelTable(
  store: Pick<ArtifactStore, 'get'>,
  wallNowMs: () => number,
  { maxArtefactBytes = MAX_ARTEFACT_BYTES, maxLoaded = 0, open = openModel, onLost = () => undefined }: Options = {},
): ModelTable {
  /** Longest unused first. */
  const stations = new Map<string, Station>()
  let loadedModels = 0

  async function load(served: ServedModel, current: ActiveModels | undefined): Promise<LoadedModel> {
    const warm = current ? modelsIn(current) : []
    const already = warm.find((model) => model.served.artefact.sha256 === served.artefact.sha256)
    if (already) return { served, fitted: already.fitted }
    if (served.featureSet !== FEATURE_SET) {
      throw refusal('feature-set-mismatch', `model needs ${served.featureSet}, this replica builds ${FEATURE_SET}`)
    }
    if (served.artefact.bytes > maxArtefactBytes) {
      throw refusal('artefact-too-large', `${served.artefact.bytes} bytes; this replica loads at most ${maxArtefactBytes}`)
    }
    const fitted = await open(await store.get(served.artefact))
    warmUp(fitted, wallNowMs)
    return { served, fitted }
  }

  /** Each that can be loaded; of the others `onRefused` is told. */
  async function loadSome(
    wanted: readonly ServedModel[],
    current: ActiveModels | undefined,
    onRefused: (served: ServedModel, error: AppError) => void,
  ): Promise<LoadedModel[]> {
    const models = await Promise.all(
      wanted.map(async (served) => {
        try {
          return await load(served, current)
        } catch (error) {
          if (!(error instanceof AppError) || error.retry !== 'permanent') throw error
          onRefused(served, error)
          return null
        }
      }),
    )
    return models.filter((model) => model !== null)
  }

  function keep(stationId: string, variable: string, models: ActiveModels): void {
    const station = stations.get(stationId) ?? { ordered: new Map(), loaded: new Map() }
    const before = station.loaded.get(variable)
    loadedModels += modelsIn(models).length - (before ? modelsIn(before).length : 0)
    station.loaded.set(variable, models)
    use(stationId, station)
    letGo(stationId)
  }

  function use(stationId: string, station: Station): void {
    stations.delete(stationId)
    stations.set(stationId, station)
  }

  /** Lets go of the stations longest unused while too many models are in memory; never of the one in use. */
  function letGo(inUse: string): void {
    if (maxLoaded === 0) return
    for (const [stationId, station] of stations) {
      if (loadedModels <= maxLoaded) return
      if (stationId === inUse || station.loaded.size === 0) continue
      for (const models of station.loaded.values()) loadedModels -= modelsIn(models).length
      // A new map: who reads the old one goes on with it.
      station.loaded = new Map()
    }
  }

  /** All of a station's models. What is read back is in the answer even if another station's models have pushed it out again by then. */
  async function readBack(stationId: string, station: Station): Promise<ReadonlyMap<string, ActiveModels>> {
    const answer = new Map(station.loaded)
    const away = [...station.ordered].filter(([variable]) => !answer.has(variable))
    await Promise.all(
      away.map(async ([variable, ordered]) => {
        const [[champion], [previous], challengers, shadows] = await Promise.all([
          loadSome([ordered.champion], undefined, onLost),
          loadSome(ordered.previous ? [ordered.previous] : [], undefined, onLost),
          loadSome(ordered.challengers, undefined, onLost),
          loadSome(ordered.shadows, undefined, onLost),
        ])
        // Gone for good: left out until another one is ordered.
        if (!champion) return
        const models = { champion, previous: previous ?? null, challengers, shadows, controlOffset: ordered.controlOffset }
        if (station.ordered.get(variable) === ordered) {
          keep(stationId, variable, models)
          answer.set(variable, models)
        } else {
          const newer = station.loaded.get(variable)
          if (newer) answer.set(variable, newer)
        }
      }),
    )
    return answer
  }

  return {
    ofStation(stationId) {
      const station = stations.get(stationId)
      if (!station) return undefined
      if (maxLoaded === 0) return station.loaded
      use(stationId, station)
      return station.loaded.size === station.ordered.size ? station.loaded : readBack(stationId, station)
    },
    modelCount: () => [...stations.values()].reduce((n, { ordered }) => n + ordered.size, 0),
    loadedCount: () => loadedModels,
    apply: async (control, controlOffset) => {
      const startedAt = wallNowMs()
      const { stationId, variable } = control
      const orderedNow = () => stations.get(stationId)?.ordered.get(variable)
      const current = stations.get(stationId)?.loaded.get(variable)
      const report = (state: ReplicaStatus['state'], servingVersion: string | null, error: string | null): SwapResult => ({
        stationId,
        variable,
        version: control.champion.version,
        servingVersion,
        state,
        error,
        controlOffset,
        swapMilliseconds: state === 'serving' ? wallNowMs() - startedAt : null,
      })
      /** Stale or repeated: what is served is newer, and that is what there is to report. */
      const standing = (held: NonNullable<ReturnType<typeof orderedNow>>): SwapResult => ({
        ...report('serving', held.champion.version, null),
        version: held.champion.version,
        controlOffset: held.controlOffset,
        swapMilliseconds: null,
      })
      const before = orderedNow()
      if (before && controlOffset <= before.controlOffset) return standing(before)
      const refusals: string[] = []
      const refused =
        (role: string) =>
        (served: ServedModel, error: AppError): void =>
          void refusals.push(`${role} ${served.version} left out: ${error.code}: ${error.message}`)
      try {
        const next: ActiveModels = {
          champion: await load(control.champion, current),
          // What is not served must not keep a good champion from serving: it is left out and the report says so.
          previous: (await loadSome(control.previous ? [control.previous] : [], current, refused('previous')))[0] ?? null,
          challengers: await loadSome(control.challengers, current, refused('challenger')),
          shadows: await loadSome(control.shadows, current, refused('shadow')),
          controlOffset,
        }
        const meanwhile = orderedNow()
        if (meanwhile && meanwhile.controlOffset > controlOffset) return standing(meanwhile)
        keep(stationId, variable, next)
        stations.get(stationId)?.ordered.set(variable, servedIn(next))
        return report('serving', control.champion.version, refusals.length > 0 ? refusals.join('; ') : null)
      } catch (error) {
        if (error instanceof AppError && error.retry === 'permanent') {
          return report('rejected', orderedNow()?.champion.version ?? null, `${error.code}: ${error.message}`)
        }
        throw error
      }
    },
  }
}

export const modelsIn = ({ champion, previous, challengers, shadows }: ActiveModels): LoadedModel[] => [
  champion,
  ...(previous ? [previous] : []),
  ...challengers,
  ...shadows,
]

function servedIn({ champion, previous, challengers, shadows, controlOffset }: ActiveModels): Ordered {
  return {
    champion: champion.served,
    previous: previous?.served ?? null,
    challengers: challengers.map(({ served }) => served),
    shadows: shadows.map(({ served }) => served),
    controlOffset,
  }
}

/** From missing inputs, which golden vectors do not have: a model that cannot predict from them, or only slowly, is refused before it serves. */
function warmUp(fitted: Fitted, wallNowMs: () => number): void {
  let tookMs = Number.POSITIVE_INFINITY
  // The machine may be what is slow: the quickest of several counts.
  for (let n = 0; n < PREDICT_TRIES && tookMs > MAX_PREDICT_MS; n++) {
    const startedAt = wallNowMs()
    const { quantiles } = fitted.predict({ validAtMs: 0, features: new Float32Array(FEATURE_COUNT).fill(Number.NaN) })
    tookMs = Math.min(tookMs, wallNowMs() - startedAt)
    if (quantiles.some((value) => Number.isNaN(value))) throw refusal('not-a-number', 'a forecast from missing inputs holds NaN')
  }
  if (tookMs > MAX_PREDICT_MS)
    throw refusal('predicts-too-slowly', `${Math.round(tookMs)} ms for a forecast; this replica allows ${MAX_PREDICT_MS}`)
}

function refusal(code: string, detail: string): AppError {
  return new AppError(detail, { code, retry: 'permanent' })
}

/** The model in the bytes, after it has given its golden answers again. Live features get a turn after each of them. */
async function openModel(bytes: Uint8Array): Promise<Fitted> {
  try {
    const fitted = deserialiseModel(bytes)
    for (const difference of checkGoldenVectors(bytes, fitted)) {
      if (difference !== null) throw refusal('golden-vectors', difference)
      await turn()
    }
    return fitted
  } catch (error) {
    if (error instanceof ArtefactError) throw refusal(error.code, error.message)
    throw error
  }
}
