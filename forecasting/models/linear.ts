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
    let i = 0
    for (; i + 1 < p; i += 2) {
      const a = x[x0 + i]! * w0
      const b = x[x1 + i]! * w1
      const c = x[x2 + i]! * w2
      const d = x[x3 + i]! * w3
      const e = x[x0 + i + 1]! * w0
      const f = x[x1 + i + 1]! * w1
      const g = x[x2 + i + 1]! * w2
      const h = x[x3 + i + 1]! * w3
      const k = i * q
      const l = k + q
      // The second row's entry left of the diagonal is written too; nobody reads the lower triangle.
      for (let j = isSymmetric ? i : 0; j < q; j++) {
        const v0 = y[y0 + j]!
        const v1 = y[y1 + j]!
        const v2 = y[y2 + j]!
        const v3 = y[y3 + j]!
        out[k + j] = out[k + j]! + a * v0 + b * v1 + c * v2 + d * v3
        out[l + j] = out[l + j]! + e * v0 + f * v1 + g * v2 + h * v3
      }
    }
    for (; i < p; i++) {
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
  const inverse = new Float64Array(p)
  for (let i = 0; i < p; i++) {
    const io = i * p
    let j = 0
    // Four columns at once: four sums that do not wait for each other, one read of row i.
    for (; j + 3 < i; j += 4) {
      const o0 = j * p
      const o1 = o0 + p
      const o2 = o1 + p
      const o3 = o2 + p
      let s0 = 0
      let s1 = 0
      let s2 = 0
      let s3 = 0
      for (let k = 0; k < j; k++) {
        const l = factor[io + k]!
        s0 += l * factor[o0 + k]!
        s1 += l * factor[o1 + k]!
        s2 += l * factor[o2 + k]!
        s3 += l * factor[o3 + k]!
      }
      const l0 = (gram[j * stride + i]! - s0) * inverse[j]!
      const l1 = (gram[(j + 1) * stride + i]! - s1 - l0 * factor[o1 + j]!) * inverse[j + 1]!
      const l2 = (gram[(j + 2) * stride + i]! - s2 - l0 * factor[o2 + j]! - l1 * factor[o2 + j + 1]!) * inverse[j + 2]!
      factor[io + j] = l0
      factor[io + j + 1] = l1
      factor[io + j + 2] = l2
      factor[io + j + 3] =
        (gram[(j + 3) * stride + i]! - s3 - l0 * factor[o3 + j]! - l1 * factor[o3 + j + 1]! - l2 * factor[o3 + j + 2]!) *
        inverse[j + 3]!
    }
    for (; j <= i; j++) {
      const jo = j * p
      let sum = gram[j * stride + i]! + (i === j ? penalty(i) : 0)
      for (let k = 0; k < j; k++) sum -= factor[io + k]! * factor[jo + k]!
      if (i === j) {
        factor[io + i] = Math.sqrt(Math.max(sum, 1e-9))
        inverse[i] = 1 / factor[io + i]!
      } else factor[io + j] = sum * inverse[j]!
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

/** Rows from…to (exclusive) of x (n×p) times beta (p×q) into the same rows of out (n×q): four rows share what they read of beta. */
export function applyRows(
  x: Float64Array,
  from: number,
  to: number,
  p: number,
  beta: Float64Array,
  q: number,
  out: Float64Array,
): void {
  let row = from
  for (; row + 3 < to; row += 4) {
    const o0 = row * q
    const o1 = o0 + q
    const o2 = o1 + q
    const o3 = o2 + q
    out.fill(0, o0, o0 + 4 * q)
    const x0 = row * p
    const x1 = x0 + p
    const x2 = x1 + p
    const x3 = x2 + p
    let i = 0
    for (; i + 1 < p; i += 2) {
      const a0 = x[x0 + i]!
      const a1 = x[x1 + i]!
      const a2 = x[x2 + i]!
      const a3 = x[x3 + i]!
      const c0 = x[x0 + i + 1]!
      const c1 = x[x1 + i + 1]!
      const c2 = x[x2 + i + 1]!
      const c3 = x[x3 + i + 1]!
      const k = i * q
      for (let j = 0; j < q; j++) {
        const b = beta[k + j]!
        const d = beta[k + q + j]!
        out[o0 + j] = out[o0 + j]! + a0 * b + c0 * d
        out[o1 + j] = out[o1 + j]! + a1 * b + c1 * d
        out[o2 + j] = out[o2 + j]! + a2 * b + c2 * d
        out[o3 + j] = out[o3 + j]! + a3 * b + c3 * d
      }
    }
    for (; i < p; i++) {
      for (let j = 0; j < q; j++) {
        const b = beta[i * q + j]!
        out[o0 + j] = out[o0 + j]! + x[x0 + i]! * b
        out[o1 + j] = out[o1 + j]! + x[x1 + i]! * b
        out[o2 + j] = out[o2 + j]! + x[x2 + i]! * b
        out[o3 + j] = out[o3 + j]! + x[x3 + i]! * b
      }
    }
  }
  for (; row < to; row++) applyRow(x, row, p, beta, q, out, row * q)
}
