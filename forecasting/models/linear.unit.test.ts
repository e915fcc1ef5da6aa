import { describe, expect, it } from 'vitest'
import { createRng } from '../verification/index.ts'
import { addCross, addGram, applyRow, applyRows, cholesky, solveColumns } from './linear.ts'

const random = createRng(5)
const matrix = (n: number, m: number): Float64Array => Float64Array.from({ length: n * m }, () => random() - 0.5)

// Sizes on both sides of every unrolled loop's step and of the chunk of rows.
describe.each([
  [1, 1, 1],
  [3, 2, 1],
  [7, 5, 3],
  [22, 9, 6],
  [41, 16, 8],
  [300, 21, 10],
])('kernels at %i rows, %i inputs, %i outputs', (n, p, q) => {
  const x = matrix(n, p)
  const y = matrix(n, q)
  const weights = Float64Array.from({ length: n }, () => 0.1 + random())
  const gram = new Float64Array(p * p)
  const cross = new Float64Array(p * q)
  addGram(x, p, weights, 0, n, gram)
  addCross(x, p, y, q, weights, 0, n, cross)

  it('add up XᵀWX and XᵀWY, in parts as at once', () => {
    for (let i = 0; i < p; i++) {
      for (let j = i; j < p; j++) {
        let sum = 0
        for (let r = 0; r < n; r++) sum += weights[r]! * x[r * p + i]! * x[r * p + j]!
        expect(gram[i * p + j]).toBeCloseTo(sum, 12)
      }
      for (let j = 0; j < q; j++) {
        let sum = 0
        for (let r = 0; r < n; r++) sum += weights[r]! * x[r * p + i]! * y[r * q + j]!
        expect(cross[i * q + j]).toBeCloseTo(sum, 12)
      }
    }
    const parts = new Float64Array(p * p)
    const half = n >> 1
    addGram(x, p, weights, 0, half, parts)
    addGram(x, p, weights, half, n, parts)
    for (let i = 0; i < p; i++) for (let j = i; j < p; j++) expect(parts[i * p + j]).toBeCloseTo(gram[i * p + j]!, 12)
  })

  it('factorise and solve: (XᵀWX + λ) B = XᵀWY', () => {
    const factor = cholesky(gram, p, () => 0.3)
    const beta = new Float64Array(p * q)
    solveColumns(factor, cross, q, 0, q, beta)
    for (let i = 0; i < p; i++)
      for (let j = 0; j < q; j++) {
        let sum = 0.3 * beta[i * q + j]!
        for (let k = 0; k < p; k++) sum += gram[Math.min(i, k) * p + Math.max(i, k)]! * beta[k * q + j]!
        expect(sum).toBeCloseTo(cross[i * q + j]!, 10)
      }
  })

  it('multiply rows by coefficients, one by one as many at once', () => {
    const beta = matrix(p, q)
    const out = new Float64Array(n * q)
    applyRows(x, 0, n, p, beta, q, out)
    const one = new Float64Array(q)
    for (let r = 0; r < n; r++) {
      applyRow(x, r, p, beta, q, one, 0)
      for (let j = 0; j < q; j++) {
        let sum = 0
        for (let i = 0; i < p; i++) sum += x[r * p + i]! * beta[i * q + j]!
        expect(out[r * q + j]).toBeCloseTo(sum, 12)
        expect(one[j]).toBeCloseTo(sum, 12)
      }
    }
  })

  it('take some columns of wider matrices as they take matrices of these columns, and touch no others', () => {
    const [own, told] = [Math.ceil(p / 2), Math.ceil(q / 2)]
    const columns = (from: Float64Array, rows: number, width: number, count: number): Float64Array =>
      Float64Array.from({ length: rows * count }, (_, i) => from[Math.floor(i / count) * width + (i % count)]!)
    const narrow = new Float64Array(own * told)
    addCross(columns(x, n, p, own), own, columns(y, n, q, told), told, weights, 0, n, narrow)
    const wide = new Float64Array(own * q)
    addCross(x, own, y, told, weights, 0, n, wide, p, q)
    expect(columns(wide, own, q, told)).toEqual(narrow)
    expect(wide.filter((_, i) => i % q >= told).every((value) => value === 0)).toBe(true)
    const beta = matrix(own, q)
    const few = new Float64Array(n * told)
    applyRows(columns(x, n, p, own), 0, n, own, columns(beta, own, q, told), told, few)
    const out = new Float64Array(n * q)
    applyRows(x, 0, n, own, beta, told, out, p, q)
    expect(columns(out, n, q, told)).toEqual(few)
    expect(out.filter((_, i) => i % q >= told).every((value) => value === 0)).toBe(true)
  })
})
