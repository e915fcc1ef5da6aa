/** Where the arrays of a grid come from. */
export type Arrays = {
  /** What is in it is left over from before: whoever takes it fills it. */
  readonly take: <T>(type: ArrayType<T>, length: number) => T
  /** Nobody reads it any more: the next of its kind and length may be it. */
  readonly giveBack: (array: Uint16Array | Int32Array) => void
}

type ArrayType<T> = {
  readonly name: string
  readonly BYTES_PER_ELEMENT: number
  new (length: number): T
  new (buffer: ArrayBuffer, byteOffset: number, length: number): T
}

const CHUNK_BYTES = 256 * 1024
/** Of the widest elements: a typed array must begin at a multiple of theirs. */
const ALIGNMENT_BYTES = 8

/** Each in memory of its own. */
export const separateArrays: Arrays = {
  take: (type, length) => new type(length),
  giveBack: () => undefined,
}

/**
 * Cut from large pieces: an array with memory of its own costs 640 bytes beside what it holds, one that is a view costs 220 (resident
 * memory, Node 24), and a station has a dozen. A piece is freed when none of its arrays is used any more.
 */
export function createArrayPool(): Arrays {
  let chunk = new ArrayBuffer(0)
  let used = 0
  const spare = new Map<string, unknown[]>()
  return {
    take<T>(type: ArrayType<T>, length: number): T {
      const left = spare.get(keyOf(type, length))?.pop()
      if (left !== undefined) return left as T
      const bytes = length * type.BYTES_PER_ELEMENT
      if (bytes > CHUNK_BYTES) return new type(length)
      if (used + bytes > chunk.byteLength) {
        chunk = new ArrayBuffer(CHUNK_BYTES)
        used = 0
      }
      const array = new type(chunk, used, length)
      used += Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES
      return array
    },
    giveBack(array) {
      const key = keyOf(array.constructor, array.length)
      const arrays = spare.get(key)
      if (arrays) arrays.push(array)
      else spare.set(key, [array])
    },
  }
}

function keyOf({ name }: { readonly name: string }, length: number): string {
  return `${name} ${length}`
}
