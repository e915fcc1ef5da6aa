/**
 * The one inner loop of the linear algebra, in WebAssembly SIMD (two Float64 lanes): products of matrices in tiles of 4 × 4 whose sums stay
 * in registers. The module is written here, instruction by instruction: 200 bytes need no compiler in the build. Only operations whose
 * results the standard fixes are used (no fused or relaxed ones), and every sum runs in the order of its index: the same bits everywhere.
 */

// The part of the WebAssembly API used here; the library types that declare it are those of browsers.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: Readonly<Record<string, unknown>> }
}

type Memory = { readonly buffer: ArrayBuffer; grow(pages: number): number }
/**
 * Offsets and steps in bytes. `a`: panel of depth × 4. `b`: panels of depth × 4, `bSkip` bytes between them. Adds Aᵀ·B to the 4 × 4 tiles at
 * `c`, whose rows are `cRow` and which are `cTile` apart: one tile for each of `count` panels of b.
 */
type AddTiles = (
  a: number,
  b: number,
  c: number,
  depth: number,
  count: number,
  cRow: number,
  cTile: number,
  bSkip: number,
) => void

const PAGE_BYTES = 65_536
export const TILE = 4

let opened: { readonly memory: Memory; readonly addTiles: AddTiles; values: Float64Array } | null = null

/** The kernel and its memory as Float64 values, at least `values` of them. What was in it before may be anything. */
export function openTiles(values: number): { readonly addTiles: AddTiles; readonly values: Float64Array } {
  if (!opened) {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()))
    const memory = exports['m'] as Memory
    opened = { memory, addTiles: exports['f'] as AddTiles, values: new Float64Array(memory.buffer) }
  }
  const missing = values * Float64Array.BYTES_PER_ELEMENT - opened.memory.buffer.byteLength
  if (missing > 0) {
    opened.memory.grow(Math.ceil(missing / PAGE_BYTES))
    opened.values = new Float64Array(opened.memory.buffer)
  }
  return opened
}

/** Binary format: WebAssembly core specification 2.0, chapter 5 (sections, LEB128, opcodes). */
function moduleBytes(): Uint8Array {
  // Parameters and locals, by number.
  const [a, b, c, depth, count, cRow, cTile, bSkip] = [0, 1, 2, 3, 4, 5, 6, 7]
  const [panel, remaining, row1, row2, row3] = [8, 9, 10, 11, 12]
  const FIRST_SUM = 13
  const SUMS = 8
  const [low, high, scalar] = [FIRST_SUM + SUMS, FIRST_SUM + SUMS + 1, FIRST_SUM + SUMS + 2]
  const [I32, V128] = [0x7f, 0x7b]
  const get = (local: number): number[] => [0x20, local]
  const set = (local: number): number[] => [0x21, local]
  const constant = (value: number): number[] => [0x41, ...signed(value)]
  const add = (local: number, what: number[]): number[] => [...get(local), ...what, 0x6a, ...set(local)]
  const simd = (operation: number, ...rest: number[]): number[] => [0xfd, ...unsigned(operation), ...rest]
  // Alignment 2³: all the reader may rely on.
  const load = (address: number, offset: number): number[] => [...get(address), ...simd(0x00, 3, ...unsigned(offset))]
  const loadSplat = (address: number, offset: number): number[] => [...get(address), ...simd(0x0a, 3, ...unsigned(offset))]
  const store = (address: number, offset: number, value: number): number[] => [
    ...get(address),
    ...get(value),
    ...simd(0x0b, 3, ...unsigned(offset)),
  ]
  const addProduct = (sum: number, x: number, y: number): number[] =>
    [get(sum), get(x), get(y), simd(0xf2), simd(0xf0), set(sum)].flat()
  const rows = [c, row1, row2, row3]
  /** Left and right half of the sums of a row of the tile. */
  const halves = (row: number): [number, number] => [FIRST_SUM + 2 * row, FIRST_SUM + 2 * row + 1]
  const loop = (body: number[], counter: number): number[] =>
    [[0x03, 0x40], body, get(counter), constant(1), [0x6b, 0x22, counter, 0x0d, 0, 0x0b]].flat()
  const step = [
    [load(b, 0), set(low), load(b, 16), set(high)].flat(),
    rows.flatMap((_, row) => {
      const [left, right] = halves(row)
      return [loadSplat(panel, 8 * row), set(scalar), addProduct(left, scalar, low), addProduct(right, scalar, high)].flat()
    }),
    add(panel, constant(8 * TILE)),
    add(b, constant(8 * TILE)),
  ].flat()
  const tile = [
    [row1, row2, row3].flatMap((row, i) => [...get(rows[i]!), ...get(cRow), 0x6a, ...set(row)]),
    rows.flatMap((address, row) => {
      const [left, right] = halves(row)
      return [load(address, 0), set(left), load(address, 16), set(right)].flat()
    }),
    [get(a), set(panel), get(depth), set(remaining)].flat(),
    loop(step, remaining),
    rows.flatMap((address, row) => {
      const [left, right] = halves(row)
      return [...store(address, 0, left), ...store(address, 16, right)]
    }),
    add(c, get(cTile)),
    add(b, get(bSkip)),
  ].flat()
  // Nothing to add up: both loops run at least once.
  const returnIfEmpty = [get(depth), [0x45], get(count), [0x45, 0x72, 0x04, 0x40, 0x0f, 0x0b]].flat()
  const locals = [2, 5, I32, SUMS + 3, V128]
  const code = [locals, returnIfEmpty, loop(tile, count), [0x0b]].flat()
  const section = (id: number, content: number[]): number[] => [id, ...unsigned(content.length), ...content]
  return Uint8Array.from(
    [
      [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      section(1, [1, 0x60, 8, I32, I32, I32, I32, I32, I32, I32, I32, 0]),
      section(3, [1, 0]),
      section(5, [1, 0x00, 1]),
      section(7, [2, 1, 0x6d, 2, 0, 1, 0x66, 0, 0]),
      section(10, [1, ...unsigned(code.length), ...code]),
    ].flat(),
  )
}

function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

function signed(value: number): number[] {
  return value < 0x40 && value >= -0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)]
}
