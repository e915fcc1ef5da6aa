/** From bytes to a model of whichever family they hold. */
import { FEATURE_SET } from '../features/index.ts'
import { ArtefactError, unpack } from './container.ts'
import { decode, FAMILY, goldenOutputs } from './random-feature-state.ts'
import type { Fitted } from './types.ts'

const GOLDEN_TOLERANCE = 1e-3

/** Throws ArtefactError for anything but an artefact of this format, a known family and this feature set. */
export function deserialiseModel(bytes: Uint8Array): Fitted {
  const { header, arrays } = unpack(bytes)
  if (header.family !== FAMILY) throw new ArtefactError('artefact-format', `unknown model family ${header.family}`)
  if (header.featureSet !== FEATURE_SET)
    throw new ArtefactError('feature-set-mismatch', `made for ${header.featureSet}, this is ${FEATURE_SET}`)
  return decode(header, arrays)
}

/** Predicts the recorded inputs again; differences mean other code or other numbers than when the model was made. */
export function verifyGoldenVectors(bytes: Uint8Array): { ok: true } | { ok: false; detail: string } {
  const recorded = unpack(bytes).header.golden
  const given = goldenOutputs(deserialiseModel(bytes))
  for (const [i, now] of given.entries()) {
    const then = recorded[i] ?? []
    const off = now.findIndex((value, k) => !(Math.abs(value - (then[k] ?? Number.NaN)) <= GOLDEN_TOLERANCE))
    if (off >= 0) return { ok: false, detail: `golden vector ${i}: value ${off} is ${now[off]}, recorded ${then[off]}` }
  }
  return { ok: true }
}
