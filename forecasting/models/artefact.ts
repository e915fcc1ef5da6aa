/**
 * Model artefacts: data, never code. Layout: 'ISOBAR1\n', header length (uint32, little-endian), JSON header, then the Float64 arrays the
 * header lists, in order. Golden vectors ride along: inputs and what they gave when the model was made.
 */
import { FEATURE_COUNT, FEATURE_SET, HOUR_MS } from '../features/index.ts'
import { createFitted, recentredRidge, type RidgeState } from './recentred-ridge.ts'
import type { Fitted } from './types.ts'

const MAGIC = 'ISOBAR1\n'
const ARRAYS = ['climatology', 'scale', 'beta', 'residuals'] as const
const GOLDEN_HOURS = [368_184, 376_944]
const GOLDEN_TOLERANCE = 1e-3

type Header = {
  family: string
  variable: RidgeState['variable']
  featureSet: string
  recentre: number
  card: RidgeState['card']
  arrays: Array<{ name: (typeof ARRAYS)[number]; length: number }>
  golden: number[][]
}

/** Bytes that are not an artefact of this version, or that do not behave as recorded. */
export class ArtefactError extends Error {
  override name = 'ArtefactError'
  readonly code: 'artefact-format' | 'feature-set-mismatch'
  constructor(code: ArtefactError['code'], message: string) {
    super(message)
    this.code = code
  }
}

export function encodeArtefact(state: RidgeState): Uint8Array {
  const fitted = createFitted(state)
  const header: Header = {
    family: recentredRidge.name,
    variable: state.variable,
    featureSet: FEATURE_SET,
    recentre: state.recentre,
    card: state.card,
    arrays: ARRAYS.map((name) => ({ name, length: state[name].length })),
    golden: GOLDEN_HOURS.map((hour) => goldenOutput(fitted, hour)),
  }
  const head = new TextEncoder().encode(JSON.stringify(header))
  const size = MAGIC.length + 4 + head.length + 8 * ARRAYS.reduce((sum, name) => sum + state[name].length, 0)
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  bytes.set(new TextEncoder().encode(MAGIC))
  view.setUint32(MAGIC.length, head.length, true)
  bytes.set(head, MAGIC.length + 4)
  let at = MAGIC.length + 4 + head.length
  for (const name of ARRAYS) {
    for (const value of state[name]) {
      view.setFloat64(at, value, true)
      at += 8
    }
  }
  return bytes
}

/** Throws ArtefactError for anything but an artefact of this format and feature set. */
export function deserialiseModel(bytes: Uint8Array): Fitted {
  return createFitted(decode(bytes).state)
}

/** Predicts the recorded inputs again; differences mean other code or other numbers than when the model was made. */
export function verifyGoldenVectors(bytes: Uint8Array): { ok: true } | { ok: false; detail: string } {
  const { state, header } = decode(bytes)
  const fitted = createFitted(state)
  for (const [i, hour] of GOLDEN_HOURS.entries()) {
    const now = goldenOutput(fitted, hour)
    const then = header.golden[i] ?? []
    const off = now.findIndex((value, k) => !(Math.abs(value - (then[k] ?? Number.NaN)) <= GOLDEN_TOLERANCE))
    if (off >= 0) return { ok: false, detail: `golden vector ${i}: value ${off} is ${now[off]}, recorded ${then[off]}` }
  }
  return { ok: true }
}

function decode(bytes: Uint8Array): { state: RidgeState; header: Header } {
  const start = new TextDecoder().decode(bytes.subarray(0, MAGIC.length))
  if (start !== MAGIC) throw new ArtefactError('artefact-format', 'not an Isobar model artefact')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const headLength = view.getUint32(MAGIC.length, true)
  let header: Header
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(MAGIC.length + 4, MAGIC.length + 4 + headLength))) as Header
  } catch (error) {
    throw new ArtefactError('artefact-format', `the header is not JSON: ${(error as Error).message}`)
  }
  if (header.family !== recentredRidge.name) throw new ArtefactError('artefact-format', `unknown model family ${header.family}`)
  if (header.featureSet !== FEATURE_SET)
    throw new ArtefactError('feature-set-mismatch', `made for ${header.featureSet}, this is ${FEATURE_SET}`)
  const arrays: Record<string, Float64Array> = {}
  let at = MAGIC.length + 4 + headLength
  for (const { name, length } of header.arrays) {
    if (at + 8 * length > bytes.length) throw new ArtefactError('artefact-format', 'the artefact is cut short')
    arrays[name] = Float64Array.from({ length }, (_, i) => view.getFloat64(at + 8 * i, true))
    at += 8 * length
  }
  const [climatology, scale, beta, residuals] = ARRAYS.map((name) => arrays[name])
  if (!climatology || !scale || !beta || !residuals) throw new ArtefactError('artefact-format', 'an array is missing')
  return {
    header,
    state: { variable: header.variable, climatology, recentre: header.recentre, scale, beta, residuals, card: header.card },
  }
}

/** Medians and outer quantiles at a lead of every lead group for a made-up but fixed input. */
function goldenOutput(fitted: Fitted, hour: number): number[] {
  const features = Float32Array.from({ length: FEATURE_COUNT }, (_, i) => Math.fround(5 + 3 * Math.sin(i + hour)))
  const { quantiles } = fitted.predict({ validAtMs: hour * HOUR_MS, features })
  return [0, 2, 4, 6, 9, 13, 18, 24, 36, 54, 80, 120, 167].flatMap((lead) =>
    [0, 3, 6].map((q) => Number(quantiles[lead * 7 + q]!.toFixed(4))),
  )
}
