/** Harmonic climatology: two diurnal pairs, one annual pair and their products, 15 terms. */
import { cholesky, solveColumns } from './linear.ts'

export const TERMS = 15
const HOURS_PER_YEAR = 8765.82
/** From this length on the annual cycle counts as known, hours. */
export const FULL_YEAR_HOURS = 330 * 24
/** Relative penalty on the annual terms: hardly any with a year of data; with less they could extrapolate nonsense, so they are halved and more. */
const ANNUAL_PENALTY = { full: 0.002, partial: 0.5, solar: 0.003 }
/**
 * The annual cycle in the phase of the sun. Part of a year cannot tell amplitude from phase, but where the sun drives the cycle its phase
 * is known, and then half a year is enough for the amplitude.
 */
const SOLAR_TERM = 5

/**
 * Zero of the annual angle: 21 January 1970, a month after the winter solstice, when the northern year is coldest. With it the first
 * annual term (cosine) is the cycle that the sun drives, its sign the hemisphere; the second (sine) is the deviation from its phase.
 */
const COLDEST_HOUR = 20 * 24

export function basis(epochHour: number, out: Float64Array): void {
  const year = (2 * Math.PI * (epochHour - COLDEST_HOUR)) / HOURS_PER_YEAR
  const day = (2 * Math.PI * epochHour) / 24
  const annual = [1, Math.cos(year), Math.sin(year)]
  const diurnal = [1, Math.sin(day), Math.cos(day), Math.sin(2 * day), Math.cos(2 * day)]
  for (let a = 0; a < 3; a++) for (let d = 0; d < 5; d++) out[a * 5 + d] = annual[a]! * diurnal[d]!
}

/**
 * Coefficients from an hourly series (NaN = not observed). `isSolar`: the variable follows the sun's annual cycle. Null with fewer than
 * 240 values.
 */
export function fitClimatology(startHour: number, series: Float64Array, isSolar: boolean): Float64Array | null {
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
  const isFull = series.length >= FULL_YEAR_HOURS
  const annual = (i: number): number =>
    n * (isFull ? ANNUAL_PENALTY.full : isSolar && i === SOLAR_TERM ? ANNUAL_PENALTY.solar : ANNUAL_PENALTY.partial)
  const out = new Float64Array(TERMS)
  // The mean is not penalised, the diurnal cycle hardly.
  solveColumns(
    cholesky(gram, TERMS, (i) => (i === 0 ? 0 : i < 5 ? n * 1e-4 : annual(i))),
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
