/**
 * Model artefacts are data, never code. Layout: 'ISOBAR2\n', header length (uint32, little-endian), JSON header, then the arrays the header
 * lists, in order, each of Float64 or Float32, little-endian. The same content gives the same bytes on every machine.
 */
const MAGIC = 'ISOBAR2\n'
const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** Bytes that are not an artefact of this version, or that do not behave as recorded. */
export class ArtefactError extends Error {
  override name = 'ArtefactError'
  readonly code: 'artefact-format' | 'feature-set-mismatch'
  constructor(code: ArtefactError['code'], message: string) {
    super(message)
    this.code = code
  }
}

export type Arrays = Readonly<Record<string, Float64Array | Float32Array>>

/** What every artefact says about itself. */
export type Header = {
  readonly family: string
  readonly variable: string
  readonly featureSet: string
  /** Inputs ride along by rule; these are what they gave when the model was made. */
  readonly golden: number[][]
  readonly [key: string]: unknown
}

type Listed = { name: string; type: 'f64' | 'f32'; length: number }

export function pack(header: Header, arrays: Arrays): Uint8Array {
  const listed: Listed[] = Object.entries(arrays).map(([name, values]) => ({
    name,
    type: values instanceof Float32Array ? 'f32' : 'f64',
    length: values.length,
  }))
  const head = new TextEncoder().encode(JSON.stringify({ ...header, arrays: listed }))
  const bytes = new Uint8Array(
    MAGIC.length + 4 + head.length + listed.reduce((sum, { type, length }) => sum + sizeOf(type) * length, 0),
  )
  const view = new DataView(bytes.buffer)
  bytes.set(new TextEncoder().encode(MAGIC))
  view.setUint32(MAGIC.length, head.length, true)
  bytes.set(head, MAGIC.length + 4)
  let at = MAGIC.length + 4 + head.length
  for (const { name, type } of listed) {
    for (const value of arrays[name]!) {
      if (type === 'f32') view.setFloat32(at, value, true)
      else view.setFloat64(at, value, true)
      at += sizeOf(type)
    }
  }
  return bytes
}

/** Throws ArtefactError for anything but an artefact of this layout. */
export function unpack(bytes: Uint8Array): { header: Header; arrays: Arrays } {
  if (new TextDecoder().decode(bytes.subarray(0, MAGIC.length)) !== MAGIC)
    throw new ArtefactError('artefact-format', 'not an Isobar model artefact of this version')
  if (bytes.length < MAGIC.length + 4) throw new ArtefactError('artefact-format', 'the artefact is cut short')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const headLength = view.getUint32(MAGIC.length, true)
  let header: Header & { arrays: Listed[] }
  try {
    header = JSON.parse(new TextDecoder().decode(bytes.subarray(MAGIC.length + 4, MAGIC.length + 4 + headLength)))
  } catch (error) {
    throw new ArtefactError('artefact-format', `the header is not JSON: ${(error as Error).message}`)
  }
  if (!Array.isArray(header?.arrays)) throw new ArtefactError('artefact-format', 'the header lists no arrays')
  const arrays: Record<string, Float64Array | Float32Array> = {}
  let at = MAGIC.length + 4 + headLength
  for (const { name, type, length } of header.arrays) {
    const size = sizeOf(type) * length
    if (!Number.isInteger(length) || length < 0 || at + size > bytes.length)
      throw new ArtefactError('artefact-format', 'the artefact is cut short')
    // In one go: value by value takes twenty times as long, and a replica reads thousands. A copy of its own is aligned.
    const copy = new Uint8Array(size)
    copy.set(bytes.subarray(at, at + size))
    if (!IS_LITTLE_ENDIAN) reverseEach(copy, sizeOf(type))
    arrays[name] = type === 'f32' ? new Float32Array(copy.buffer) : new Float64Array(copy.buffer)
    at += size
  }
  return { header, arrays }
}

/** Throws ArtefactError when the array is missing or of another length. */
export function takeArray(arrays: Arrays, name: string, length: number): Float64Array | Float32Array {
  const found = arrays[name]
  if (found?.length !== length)
    throw new ArtefactError('artefact-format', `array ${name} has ${found?.length ?? 'no'} values, expected ${length}`)
  return found
}

/** What a machine of the other byte order needs. */
function reverseEach(bytes: Uint8Array, size: number): void {
  for (let at = 0; at < bytes.length; at += size) bytes.subarray(at, at + size).reverse()
}

function sizeOf(type: Listed['type']): number {
  return type === 'f32' ? 4 : 8
}
