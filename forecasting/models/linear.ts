/** Weighted least squares on row-major matrices: Gram matrices and Cholesky solves with many right-hand sides. */

/** Adds XᵀX (upper triangle, p×p) and XᵀY (p×q) of the rows from…to (exclusive) to `gram` and `cross`. */
export function accumulate(
  x: Float64Array,
  p: number,
  y: Float64Array,
  q: number,
  from: number,
  to: number,
  gram: Float64Array,
  cross: Float64Array,
): void {
  for (let row = from; row < to; row++) {
    const xo = row * p
    const yo = row * q
    for (let i = 0; i < p; i++) {
      const a = x[xo + i]!
      if (a === 0) continue
      const g = i * p
      for (let j = i; j < p; j++) gram[g + j]! += a * x[xo + j]!
      const c = i * q
      for (let j = 0; j < q; j++) cross[c + j]! += a * y[yo + j]!
    }
  }
}

/** Lower Cholesky factor of the upper-stored gram + diag(penalty). Penalties must make it positive definite; tiny pivots are floored. */
export function cholesky(gram: Float64Array, p: number, penalty: (index: number) => number): Float64Array {
  const factor = new Float64Array(p * p)
  for (let i = 0; i < p; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = gram[j * p + i]!
      if (i === j) sum += penalty(i)
      for (let k = 0; k < j; k++) sum -= factor[i * p + k]! * factor[j * p + k]!
      factor[i * p + j] = i === j ? Math.sqrt(Math.max(sum, 1e-9)) : sum / factor[j * p + j]!
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
