/**
 * The models a replica serves. A control event becomes effective in one assignment, after everything that could refuse it has passed:
 * artefact bytes and SHA-256, feature set, golden vectors, a warm-up prediction. Until then, and on any refusal, the old models serve.
 */
import { ArtefactError, deserialiseModel, type Fitted, verifyGoldenVectors } from '../../forecasting/models/index.ts'
import { FEATURE_SET } from '../../forecasting/features/index.ts'
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

export function createModelTable(store: Pick<ArtifactStore, 'get'>, wallNowMs: () => number): ModelTable {
  const byStation = new Map<string, Map<string, ActiveModels>>()

  async function load(served: ServedModel, current: ActiveModels | undefined): Promise<LoadedModel> {
    const warm = [current?.champion, current?.previous, ...(current?.challengers ?? [])]
    const already = warm.find((model) => model?.served.artefact.sha256 === served.artefact.sha256)
    if (already) return { served, fitted: already.fitted }
    if (served.featureSet !== FEATURE_SET) {
      throw refusal('feature-set-mismatch', `model needs ${served.featureSet}, this replica builds ${FEATURE_SET}`)
    }
    const bytes = await store.get(served.artefact)
    const fitted = deserialise(bytes)
    const golden = verifyGoldenVectors(bytes)
    if (!golden.ok) throw refusal('golden-vectors', golden.detail)
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
      if (current && controlOffset <= current.controlOffset) {
        return report('serving', current.champion.served.version, null)
      }
      try {
        const next: ActiveModels = {
          champion: await load(control.champion, current),
          previous: control.previous ? await loadOrNull(() => load(control.previous as ServedModel, current)) : null,
          challengers: await Promise.all(control.challengers.map((challenger) => load(challenger, current))),
          controlOffset,
        }
        const models = byStation.get(stationId) ?? new Map<string, ActiveModels>()
        models.set(variable, next)
        byStation.set(stationId, models)
        return report('serving', control.champion.version, null)
      } catch (error) {
        if (error instanceof AppError && error.retry === 'permanent') {
          return report('rejected', current?.champion.served.version ?? null, `${error.code}: ${error.message}`)
        }
        throw error
      }
    },
  }
}

function refusal(code: string, detail: string): AppError {
  return new AppError(detail, { code, retry: 'permanent' })
}

/** A previous model that can no longer be loaded must not keep a good champion from serving: rollback will then load it, or refuse. */
async function loadOrNull(load: () => Promise<LoadedModel>): Promise<LoadedModel | null> {
  try {
    return await load()
  } catch (error) {
    if (error instanceof AppError && error.retry === 'permanent') return null
    throw error
  }
}

function deserialise(bytes: Uint8Array): Fitted {
  try {
    return deserialiseModel(bytes)
  } catch (error) {
    if (error instanceof ArtefactError) throw refusal(error.code, error.message)
    throw error
  }
}
