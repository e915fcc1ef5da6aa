/** Weighted least squares on row-major matrices: Gram matrices and Cholesky solves with many right-hand sides. */

/**
 * Adds XᵀWX (upper triangle, p×p) of the rows from…to (exclusive) to `gram`, and XᵀWY (p×q) to `cross`. Four rows at a time: the
 * sums stay in cache and each is read and written once for four products.
 */
export function accumulate(
  x: Float64Array,
  p: number,
  y: Float64Array,
  q: number,
  weights: Float64Array,
  from: number,
  to: number,
  gram: Float64Array,
  cross: Float64Array,
): void {
  addProducts(x, p, x, p, weights, from, to, gram, true)
  addProducts(x, p, y, q, weights, from, to, cross, false)
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
): void {
  let row = from
  for (; row + 3 < to; row += 4) {
    const x0 = row * p
    const x1 = x0 + p
    const x2 = x1 + p
    const x3 = x2 + p
    const y0 = row * q
    const y1 = y0 + q
    const y2 = y1 + q
    const y3 = y2 + q
    const w0 = weights[row]!
    const w1 = weights[row + 1]!
    const w2 = weights[row + 2]!
    const w3 = weights[row + 3]!
    for (let i = 0; i < p; i++) {
      const a = x[x0 + i]! * w0
      const b = x[x1 + i]! * w1
      const c = x[x2 + i]! * w2
      const d = x[x3 + i]! * w3
      const k = i * q
      for (let j = isSymmetric ? i : 0; j < q; j++)
        out[k + j] = out[k + j]! + a * y[y0 + j]! + b * y[y1 + j]! + c * y[y2 + j]! + d * y[y3 + j]!
    }
  }
  for (; row < to; row++) {
    for (let i = 0; i < p; i++) {
      const a = x[row * p + i]! * weights[row]!
      const k = i * q
      for (let j = isSymmetric ? i : 0; j < q; j++) out[k + j] = out[k + j]! + a * y[row * q + j]!
    }
  }
}

/** Lower Cholesky factor of the upper-stored gram (its leading p×p block; rows are `stride` apart) + diag(penalty). Tiny pivots are floored. */
export function cholesky(gram: Float64Array, p: number, penalty: (index: number) => number, stride: number = p): Float64Array {
  const factor = new Float64Array(p * p)
  for (let i = 0; i < p; i++) {
    const io = i * p
    for (let j = 0; j <= i; j++) {
      const jo = j * p
      let sum = gram[j * stride + i]!
      if (i === j) sum += penalty(i)
      let k = 0
      for (; k + 3 < j; k += 4)
        sum -=
          factor[io + k]! * factor[jo + k]! +
          factor[io + k + 1]! * factor[jo + k + 1]! +
          factor[io + k + 2]! * factor[jo + k + 2]! +
          factor[io + k + 3]! * factor[jo + k + 3]!
      for (; k < j; k++) sum -= factor[io + k]! * factor[jo + k]!
      factor[io + j] = i === j ? Math.sqrt(Math.max(sum, 1e-9)) : sum / factor[jo + j]!
    }
  }
  return factor
}

/** Solves L Lᵀ B = cross for the columns from…to (exclusive) of p×q; writes them into `out`. */
export function solveColumns(
  factor: Float64Array,
  p: number,
  cross: Float64Array,
  q: number,
  from: number,
  to: number,
  out: Float64Array,
): void {
  for (let i = 0; i < p; i++) {
    for (let c = from; c < to; c++) out[i * q + c] = cross[i * q + c]!
    for (let k = 0; k < i; k++) {
      const l = factor[i * p + k]!
      for (let c = from; c < to; c++) out[i * q + c]! -= l * out[k * q + c]!
    }
    const d = 1 / factor[i * p + i]!
    for (let c = from; c < to; c++) out[i * q + c]! *= d
  }
  for (let i = p - 1; i >= 0; i--) {
    for (let k = i + 1; k < p; k++) {
      const l = factor[k * p + i]!
      for (let c = from; c < to; c++) out[i * q + c]! -= l * out[k * q + c]!
    }
    const d = 1 / factor[i * p + i]!
    for (let c = from; c < to; c++) out[i * q + c]! *= d
  }
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
