/** Harmonic climatology: two diurnal pairs, one annual pair and their products, 15 terms. */
import { cholesky, solveColumns } from './linear.ts'

export const TERMS = 15
const HOURS_PER_YEAR = 8765.82
/** From this length on the annual cycle counts as known, hours. */
export const FULL_YEAR_HOURS = 330 * 24
/** Relative penalty on the annual terms: hardly any with a year of data; with less they could extrapolate nonsense, so they are halved and more. */
const ANNUAL_PENALTY = { full: 0.002, partial: 0.5 }

export function basis(epochHour: number, out: Float64Array): void {
  const year = (2 * Math.PI * epochHour) / HOURS_PER_YEAR
  const day = (2 * Math.PI * epochHour) / 24
  const annual = [1, Math.sin(year), Math.cos(year)]
  const diurnal = [1, Math.sin(day), Math.cos(day), Math.sin(2 * day), Math.cos(2 * day)]
  for (let a = 0; a < 3; a++) for (let d = 0; d < 5; d++) out[a * 5 + d] = annual[a]! * diurnal[d]!
}

/** Coefficients from an hourly series (NaN = not observed). Null with fewer than 240 values. */
export function fitClimatology(startHour: number, series: Float64Array): Float64Array | null {
  const b = new Float64Array(TERMS)
  const gram = new Float64Array(TERMS * TERMS)
  const cross = new Float64Array(TERMS)
  let n = 0
  for (let i = 0; i < series.length; i++) {
    const y = series[i]!
    if (Number.isNaN(y)) continue
    n++
    basis(startHour + i, b)
    for (let r = 0; r < TERMS; r++) {
      for (let c = r; c < TERMS; c++) gram[r * TERMS + c]! += b[r]! * b[c]!
      cross[r]! += b[r]! * y
    }
  }
  if (n < 240) return null
  const annual = n * (series.length >= FULL_YEAR_HOURS ? ANNUAL_PENALTY.full : ANNUAL_PENALTY.partial)
  const out = new Float64Array(TERMS)
  // The mean is not penalised, the diurnal cycle hardly.
  solveColumns(
    cholesky(gram, TERMS, (i) => (i === 0 ? 0 : i < 5 ? n * 1e-4 : annual)),
    TERMS,
    cross,
    1,
    0,
    1,
    out,
  )
  return out
}

export function climatologyAt(coefficients: Float64Array, epochHour: number, scratch: Float64Array): number {
  basis(epochHour, scratch)
  let sum = 0
  for (let i = 0; i < TERMS; i++) sum += coefficients[i]! * scratch[i]!
  return sum
}
