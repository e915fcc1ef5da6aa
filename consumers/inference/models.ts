/**
 * The models a replica serves. A control event becomes effective in one assignment, after everything that could refuse it has passed:
 * artefact bytes and SHA-256, feature set, golden vectors, a warm-up prediction. Until then, and on any refusal, the old models serve.
 */
import { ArtefactError, deserialiseModel, type Fitted, verifyGoldenVectors } from '../../forecasting/models/index.ts'
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
  /** All variables served for a station, read in one go so that one feature event never meets two states. */
  readonly ofStation: (stationId: string) => ReadonlyMap<string, ActiveModels> | undefined
  /** Applies a control event; resolves with what to report. Rejects only on transient trouble (artefact store unreachable). */
  readonly apply: (control: Control, controlOffset: number) => Promise<SwapResult>
  readonly modelCount: () => number
}

const MAX_ARTEFACT_BYTES = 16 * 1024 * 1024
const WARM_UP_RUNS = 5

export type Options = {
  readonly maxArtefactBytes?: number
  /** Verified bytes to a model; throws a permanent AppError for what is none. */
  readonly open?: (bytes: Uint8Array) => Fitted
}

export function createModelTable(
  store: Pick<ArtifactStore, 'get'>,
  wallNowMs: () => number,
  { maxArtefactBytes = MAX_ARTEFACT_BYTES, open = openModel }: Options = {},
): ModelTable {
  const byStation = new Map<string, Map<string, ActiveModels>>()

  async function load(served: ServedModel, current: ActiveModels | undefined): Promise<LoadedModel> {
    const warm = [current?.champion, current?.previous, ...(current?.challengers ?? []), ...(current?.shadows ?? [])]
    const already = warm.find((model) => model?.served.artefact.sha256 === served.artefact.sha256)
    if (already) return { served, fitted: already.fitted }
    if (served.featureSet !== FEATURE_SET) {
      throw refusal('feature-set-mismatch', `model needs ${served.featureSet}, this replica builds ${FEATURE_SET}`)
    }
    if (served.artefact.bytes > maxArtefactBytes) {
      throw refusal('artefact-too-large', `${served.artefact.bytes} bytes; this replica loads at most ${maxArtefactBytes}`)
    }
    const fitted = open(await store.get(served.artefact))
    warmUp(fitted)
    return { served, fitted }
  }

  return {
    ofStation: (stationId) => byStation.get(stationId),
    modelCount: () => [...byStation.values()].reduce((n, models) => n + models.size, 0),
    apply: async (control, controlOffset) => {
      const startedAt = wallNowMs()
      const { stationId, variable } = control
      const current = byStation.get(stationId)?.get(variable)
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
      const standing = ({ champion, controlOffset: servedSince }: ActiveModels): SwapResult => ({
        ...report('serving', champion.served.version, null),
        version: champion.served.version,
        controlOffset: servedSince,
        swapMilliseconds: null,
      })
      if (current && controlOffset <= current.controlOffset) {
        return standing(current)
      }
      const refusals: string[] = []
      try {
        const next: ActiveModels = {
          champion: await load(control.champion, current),
          // What is not served must not keep a good champion from serving: it is left out and the report says so.
          previous: (await loadSome(control.previous ? [control.previous] : [], 'previous'))[0] ?? null,
          challengers: await loadSome(control.challengers, 'challenger'),
          shadows: await loadSome(control.shadows, 'shadow'),
          controlOffset,
        }
        const meanwhile = byStation.get(stationId)?.get(variable)
        if (meanwhile && meanwhile.controlOffset > controlOffset) {
          return standing(meanwhile)
        }
        const models = byStation.get(stationId) ?? new Map<string, ActiveModels>()
        models.set(variable, next)
        byStation.set(stationId, models)
        return report('serving', control.champion.version, refusals.length > 0 ? refusals.join('; ') : null)
      } catch (error) {
        if (error instanceof AppError && error.retry === 'permanent') {
          return report('rejected', current?.champion.served.version ?? null, `${error.code}: ${error.message}`)
        }
        throw error
      }

      async function loadSome(servedModels: readonly ServedModel[], role: string): Promise<LoadedModel[]> {
        const loaded = await Promise.all(
          servedModels.map(async (served) => {
            try {
              return await load(served, current)
            } catch (error) {
              if (!(error instanceof AppError) || error.retry !== 'permanent') throw error
              refusals.push(`${role} ${served.version} left out: ${error.code}: ${error.message}`)
              return null
            }
          }),
        )
        return loaded.filter((model) => model !== null)
      }
    },
  }
}

/** So that the first forecast is as fast as the next, and a model that cannot predict is refused before it serves. */
function warmUp(fitted: Fitted): void {
  const input = { validAtMs: 0, features: new Float32Array(FEATURE_COUNT).fill(Number.NaN) }
  for (let i = 0; i < WARM_UP_RUNS; i++) {
    const { quantiles } = fitted.predict(input)
    if (quantiles.some((value) => Number.isNaN(value))) throw refusal('not-a-number', 'a forecast from missing inputs holds NaN')
  }
}

function refusal(code: string, detail: string): AppError {
  return new AppError(detail, { code, retry: 'permanent' })
}

/** The model in the bytes, after it has given its golden answers again. */
function openModel(bytes: Uint8Array): Fitted {
  try {
    const fitted = deserialiseModel(bytes)
    const golden = verifyGoldenVectors(bytes)
    if (!golden.ok) throw refusal('golden-vectors', golden.detail)
    return fitted
  } catch (error) {
    if (error instanceof ArtefactError) throw refusal(error.code, error.message)
    throw error
  }
}
