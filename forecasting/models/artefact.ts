/** From bytes to a model of whichever family they hold. */
import { FEATURE_SET } from '../features/index.ts'
import { decodeAnalogs } from './analogs.ts'
import { decodeBaseline } from './baselines.ts'
import { ArtefactError, unpack } from './container.ts'
import { linearRidge } from './random-feature-ridge.ts'
import { decode, FAMILY, GOLDEN_HOURS, goldenOutput } from './random-feature-state.ts'
import { decodeSarimax } from './sarimax/family.ts'
import type { FamilyFitted, Fitted } from './types.ts'

const GOLDEN_TOLERANCE = 1e-3

/** Of the engine, which alone is served. Throws ArtefactError for anything but an artefact of this format, that family and this feature set. */
export function deserialiseModel(bytes: Uint8Array): Fitted {
  const { header, arrays } = unpacked(bytes)
  if (header.family !== FAMILY) throw new ArtefactError('artefact-format', `unknown model family ${header.family}`)
  return decode(header, arrays)
}

/** Of any family of FAMILIES. Throws ArtefactError for anything but an artefact of this format, one of them and this feature set. */
export function deserialiseFamily(bytes: Uint8Array): FamilyFitted {
  const { header, arrays } = unpacked(bytes)
  if (header.family === FAMILY || header.family === linearRidge.name) return decode(header, arrays)
  const fitted = decodeBaseline(header, arrays) ?? decodeAnalogs(header, arrays) ?? decodeSarimax(header, arrays)
  if (!fitted) throw new ArtefactError('artefact-format', `unknown model family ${header.family}`)
  return fitted
}

function unpacked(bytes: Uint8Array): ReturnType<typeof unpack> {
  const content = unpack(bytes)
  const { featureSet } = content.header
  if (featureSet !== FEATURE_SET)
    throw new ArtefactError('feature-set-mismatch', `made for ${featureSet}, this is ${FEATURE_SET}`)
  return content
}

/**
 * Predicts the recorded inputs again, one a step, so that a caller who must not stall can do other things in between. Yields what differs,
 * or null: differences mean other code or other numbers than when the model was made.
 */
export function* checkGoldenVectors(bytes: Uint8Array, fitted: Fitted): Generator<string | null> {
  const recorded = unpack(bytes).header.golden
  for (const [i, hour] of GOLDEN_HOURS.entries()) {
    const now = goldenOutput(fitted, hour)
    const then = recorded[i] ?? []
    const off = now.findIndex((value, k) => !(Math.abs(value - (then[k] ?? Number.NaN)) <= GOLDEN_TOLERANCE))
    yield off < 0 ? null : `golden vector ${i}: value ${off} is ${now[off]}, recorded ${then[off]}`
  }
}
