/**
 * Weighted least squares on row-major matrices: Gram matrices, Cholesky factors, solves with many right-hand sides, rows times coefficients.
 * All of it is packed into panels of four for the one kernel (tile-kernel.ts); what does not divide by four is filled up with zeros.
 */
import { openTiles, TILE } from './tile-kernel.ts'

const BYTES = Float64Array.BYTES_PER_ELEMENT
/** Rows of which a Gram matrix is added up at once: their panels stay in the second-level cache. */
const CHUNK_ROWS = 128

function padded(count: number): number {
  return Math.ceil(count / TILE) * TILE
}

/** Adds XᵀWX (upper triangle, p×p) of the rows from…to (exclusive) to `gram`. Below the diagonal stands whatever is left over. */
export function addGram(x: Float64Array, p: number, weights: Float64Array, from: number, to: number, gram: Float64Array): void {
  addProducts(x, p, x, p, weights, from, to, gram, true)
}

/** Adds XᵀWY (p×q) of the rows from…to (exclusive) to `cross`. Rows of x are `stride` apart; of y and `cross` `width`. */
export function addCross(
  x: Float64Array,
  p: number,
  y: Float64Array,
  q: number,
  weights: Float64Array,
  from: number,
  to: number,
  cross: Float64Array,
  stride: number = p,
  width: number = q,
): void {
  addProducts(x, p, y, q, weights, from, to, cross, false, stride, width)
}

function addProducts(
  x: Float64Array,
  p: number,
  y: Float64Array,
  q: number,
  weights: Float64Array,
  from: number,
  to: number,
  out: Float64Array,
  isSymmetric: boolean,
  stride: number = p,
  width: number = q,
): void {
  const [P, Q] = [padded(p), padded(q)]
  const right = P * CHUNK_ROWS
  const sums = right + Q * CHUNK_ROWS
  const { addTiles, values } = openTiles(sums + P * Q)
  for (let i = 0; i < P; i++) {
    values.fill(0, sums + i * Q, sums + (i + 1) * Q)
    if (i < p) values.set(out.subarray(i * width, i * width + q), sums + i * Q)
  }
  for (let first = from; first < to; first += CHUNK_ROWS) {
    const rows = Math.min(CHUNK_ROWS, to - first)
    packColumns(x, p, first, rows, weights, values, 0, stride)
    packColumns(y, q, first, rows, null, values, right, width)
    for (let i = 0; i < P; i += TILE) {
      const j = isSymmetric ? i : 0
      addTiles(
        i * rows * BYTES,
        (right + j * rows) * BYTES,
        (sums + i * Q + j) * BYTES,
        rows,
        (Q - j) / TILE,
        Q * BYTES,
        TILE * BYTES,
        0,
      )
    }
  }
  for (let i = 0; i < p; i++) out.set(values.subarray(sums + i * Q, sums + i * Q + q), i * width)
}

/** The first p columns of the rows first…first+rows (`stride` apart) as panels of rows × 4, each row times its weight. */
function packColumns(
  x: Float64Array,
  p: number,
  first: number,
  rows: number,
  weights: Float64Array | null,
  values: Float64Array,
  at: number,
  stride: number = p,
): void {
  for (let r = 0; r < rows; r++) {
    const weight = weights ? weights[first + r]! : 1
    let from = (first + r) * stride
    let to = at + r * TILE
    let i = 0
    for (; i + TILE <= p; i += TILE, from += TILE, to += rows * TILE) {
      values[to] = x[from]! * weight
      values[to + 1] = x[from + 1]! * weight
      values[to + 2] = x[from + 2]! * weight
      values[to + 3] = x[from + 3]! * weight
    }
    if (i < p) for (let k = 0; k < TILE; k++) values[to + k] = i + k < p ? x[from + k]! * weight : 0
  }
}

/** Cholesky factor L of a symmetric matrix of p rows, in panels. */
export type Factor = {
  readonly p: number
  /** −L, for each four rows a panel of all columns × 4. */
  readonly below: Float64Array
  /** −Lᵀ, for each four columns a panel of all rows × 4. */
  readonly above: Float64Array
  /** 1 / diagonal. */
  readonly inverse: Float64Array
}

const SMALLEST_PIVOT = 1e-9

/** Factor of the upper-stored gram (its leading p×p block; rows are `stride` apart) + diag(penalty). Tiny pivots are floored. */
export function cholesky(gram: Float64Array, p: number, penalty: (index: number) => number, stride: number = p): Factor {
  const P = padded(p)
  const panel = P * TILE
  const own = P * P
  const work = own + panel
  const { addTiles, values } = openTiles(work + P * P)
  for (let i = 0; i < P; i++) {
    values.fill(0, work + i * P, work + (i + 1) * P)
    if (i < p) {
      values.set(gram.subarray(i * stride + i, i * stride + p), work + i * P + i)
      values[work + i * P + i] = gram[i * stride + i]! + penalty(i)
    } else values[work + i * P + i] = 1
  }
  values.fill(0, 0, own)
  const above = new Float64Array(P * P)
  const inverse = new Float64Array(P)
  for (let j = 0; j < P; j += TILE) {
    // The four rows from j on of what is left of the matrix, by what the rows before them explain.
    for (let i = 0; i < j * TILE; i++) values[own + i] = -values[j * P + i]!
    addTiles(
      own * BYTES,
      j * P * BYTES,
      (work + j * P + j) * BYTES,
      j,
      (P - j) / TILE,
      P * BYTES,
      TILE * BYTES,
      (P - j) * TILE * BYTES,
    )
    for (let row = 0; row < TILE; row++) {
      const k = j + row
      const at = work + k * P
      const pivot = 1 / Math.sqrt(Math.max(values[at + k]!, SMALLEST_PIVOT))
      inverse[k] = pivot
      for (let i = k; i < P; i++) values[at + i] = values[at + i]! * pivot
      for (let next = row + 1; next < TILE; next++) {
        const share = values[at + j + next]!
        const to = work + (j + next) * P
        for (let i = j + next; i < P; i++) values[to + i] = values[to + i]! - share * values[at + i]!
      }
      for (let i = k + 1; i < j + TILE; i++) {
        values[j * P + k * TILE + (i - j)] = -values[at + i]!
        above[j * P + i * TILE + row] = -values[at + i]!
      }
      for (let i = j + TILE; i < P; i += TILE) {
        const to = i * P + k * TILE
        const toAbove = j * P + i * TILE + row
        above[toAbove] = values[to] = -values[at + i]!
        above[toAbove + TILE] = values[to + 1] = -values[at + i + 1]!
        above[toAbove + 2 * TILE] = values[to + 2] = -values[at + i + 2]!
        above[toAbove + 3 * TILE] = values[to + 3] = -values[at + i + 3]!
      }
    }
  }
  return { p, below: values.slice(0, own), above, inverse }
}

/** Solves L Lᵀ B = cross for the columns from…to (exclusive) of p×q; writes them into `out`. */
export function solveColumns(factor: Factor, cross: Float64Array, q: number, from: number, to: number, out: Float64Array): void {
  solveTogether(factor, [cross], q, from, to, [out])
}

/** The same for several right-hand sides, each into its own of `outs`: the factor is read once. */
export function solveTogether(
  { p, below, above, inverse }: Factor,
  crosses: readonly Float64Array[],
  q: number,
  from: number,
  to: number,
  outs: readonly Float64Array[],
): void {
  const P = padded(p)
  const each = to - from
  const columns = crosses.length * each
  const width = padded(columns)
  const transposed = P * P
  const work = 2 * P * P
  const { addTiles, values } = openTiles(work + P * width)
  values.set(below, 0)
  values.set(above, transposed)
  values.fill(0, work, work + P * width)
  crosses.forEach((cross, t) => {
    for (let k = 0; k < p; k++)
      for (let c = 0; c < each; c++) values[work + panelAt(k, t * each + c, P)] = cross[k * q + from + c]!
  })
  for (let i = 0; i < P; i += TILE) {
    addTiles(
      i * P * BYTES,
      work * BYTES,
      (work + i * TILE) * BYTES,
      i,
      width / TILE,
      TILE * BYTES,
      P * TILE * BYTES,
      (P - i) * TILE * BYTES,
    )
    for (let c = 0; c < width; c++)
      for (let row = 0; row < TILE; row++) {
        let sum = values[work + panelAt(i + row, c, P)]!
        for (let k = 0; k < row; k++) sum += values[i * P + (i + k) * TILE + row]! * values[work + panelAt(i + k, c, P)]!
        values[work + panelAt(i + row, c, P)] = sum * inverse[i + row]!
      }
  }
  for (let i = P - TILE; i >= 0; i -= TILE) {
    const next = i + TILE
    addTiles(
      (transposed + i * P + next * TILE) * BYTES,
      (work + next * TILE) * BYTES,
      (work + i * TILE) * BYTES,
      P - next,
      width / TILE,
      TILE * BYTES,
      P * TILE * BYTES,
      next * TILE * BYTES,
    )
    for (let c = 0; c < width; c++)
      for (let row = TILE - 1; row >= 0; row--) {
        let sum = values[work + panelAt(i + row, c, P)]!
        for (let k = row + 1; k < TILE; k++)
          sum += values[transposed + i * P + (i + k) * TILE + row]! * values[work + panelAt(i + k, c, P)]!
        values[work + panelAt(i + row, c, P)] = sum * inverse[i + row]!
      }
  }
  outs.forEach((out, t) => {
    for (let k = 0; k < p; k++) for (let c = 0; c < each; c++) out[k * q + from + c] = values[work + panelAt(k, t * each + c, P)]!
  })
}

/** Position of row k, column c among panels of P rows × 4. */
function panelAt(k: number, c: number, P: number): number {
  return ((c >> 2) * P + k) * TILE + (c & 3)
}

/** Row `row` of x (n×p) times beta (p×q) into out[at … at+q). */
export function applyRow(
  x: Float64Array,
  row: number,
  p: number,
  beta: Float64Array | Float32Array,
  q: number,
  out: Float64Array,
  at: number,
): void {
  out.fill(0, at, at + q)
  const from = row * p
  let i = 0
  for (; i + 3 < p; i += 4) {
    const v0 = x[from + i]!
    const v1 = x[from + i + 1]!
    const v2 = x[from + i + 2]!
    const v3 = x[from + i + 3]!
    const b0 = i * q
    const b1 = b0 + q
    const b2 = b1 + q
    const b3 = b2 + q
    for (let j = 0; j < q; j++)
      out[at + j] = out[at + j]! + v0 * beta[b0 + j]! + v1 * beta[b1 + j]! + v2 * beta[b2 + j]! + v3 * beta[b3 + j]!
  }
  for (; i < p; i++) {
    const v = x[from + i]!
    for (let j = 0; j < q; j++) out[at + j] = out[at + j]! + v * beta[i * q + j]!
  }
}

/** Rows from…to (exclusive) of x (their first p columns; `stride` apart) times beta (p×q; rows `width` apart) into the same rows of out (the same). */
export function applyRows(
  x: Float64Array,
  from: number,
  to: number,
  p: number,
  beta: Float64Array,
  q: number,
  out: Float64Array,
  stride: number = p,
  width: number = q,
): void {
  const Q = padded(q)
  const coefficients = p * TILE
  const sums = coefficients + p * Q
  const { addTiles, values } = openTiles(sums + TILE * Q)
  packColumns(beta, q, 0, p, null, values, coefficients, width)
  for (let first = from; first < to; first += TILE) {
    const rows = Math.min(TILE, to - first)
    for (let row = 0; row < TILE; row++)
      for (let i = 0; i < p; i++) values[i * TILE + row] = row < rows ? x[(first + row) * stride + i]! : 0
    values.fill(0, sums, sums + TILE * Q)
    addTiles(0, coefficients * BYTES, sums * BYTES, p, Q / TILE, Q * BYTES, TILE * BYTES, 0)
    for (let row = 0; row < rows; row++) out.set(values.subarray(sums + row * Q, sums + row * Q + q), (first + row) * width)
  }
}
