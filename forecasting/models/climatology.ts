/**
 * Harmonic climatology: annual pairs × diurnal pairs. Three of each with a year of data or more (49 terms), one and two with less (15).
 * Little data: the annual terms are penalised, because part of a year extrapolates nonsense into the rest of it.
 */
import { cholesky, solveColumns } from './linear.ts'

const HOURS_PER_YEAR = 8765.82
/** From this length on the annual cycle counts as known, hours. */
export const FULL_YEAR_HOURS = 330 * 24
/** More rows than this say nothing more about harmonics; a stride that visits every hour of the day thins them. */
const MAX_ROWS = 2 * 8766
const THINNING = [1, 5, 7, 11, 13, 17, 19, 23, 25]
/** Fewest values to fit from, hours. */
const MIN_HOURS = 24
/** Relative penalties. Annual order k of a full record of y years: full·k²/y. Part of a year: partial, in the phase of the sun hardly any. */
const PENALTY = { mean: 0, diurnal: 1e-4, full: 0.002, partial: 0.5, solar: 0.003 }

/**
 * Zero of the annual angle: 21 January 1970, a month after the winter solstice, when the northern year is coldest. With it the first
 * annual term (cosine) is the cycle that the sun drives, its sign the hemisphere; the second (sine) is the deviation from its phase.
 * Part of a year cannot tell amplitude from phase, but where the sun drives the cycle its phase is known (docs/adr/007-less-than-a-year.md).
 */
const COLDEST_HOUR = 20 * 24

export type Climatology = {
  readonly annualPairs: number
  readonly diurnalPairs: number
  /** (1 + 2·annualPairs) × (1 + 2·diurnalPairs), annual-major. */
  readonly coefficients: Float64Array
}

const FULL = { annualPairs: 3, diurnalPairs: 3 }
const PARTIAL = { annualPairs: 1, diurnalPairs: 2 }

/**
 * From an hourly series (NaN = not observed) that begins at `startHour` (hours since 1970). `isSolar`: the variable follows the sun's
 * annual cycle. Null with fewer than 24 values.
 */
export function fitClimatology(startHour: number, series: Float64Array, isSolar: boolean): Climatology | null {
  return fitLeavingOut(startHour, series, isSolar, [])?.whole ?? null
}

/** Hours of the series, counted from its first. */
export type HourRange = { readonly from: number; readonly to: number }

/**
 * The climatology of all, and for each range the one that never saw the hours in it (`to` exclusive). A departure from a climatology that was
 * fitted on it is too small by what the climatology took for normal; one from the climatology of other years is like the departures to come.
 */
export function fitLeavingOut(
  startHour: number,
  series: Float64Array,
  isSolar: boolean,
  ranges: readonly HourRange[],
): { readonly whole: Climatology; readonly without: readonly Climatology[] } | null {
  let observed = 0
  for (const value of series) if (value === value) observed++
  if (observed < MIN_HOURS) return null
  const years = spanOf(series) / HOURS_PER_YEAR
  const shape = spanOf(series) >= FULL_YEAR_HOURS ? FULL : PARTIAL
  const terms = (1 + 2 * shape.annualPairs) * (1 + 2 * shape.diurnalPairs)
  const stride = THINNING.find((s) => observed / s <= MAX_ROWS) ?? 25
  const cuts = [
    ...new Set([0, series.length, ...ranges.flatMap(({ from, to }) => [from, Math.min(to, series.length)])]),
  ].toSorted((a, b) => a - b)
  const whole = emptySums(terms)
  const left = ranges.map(() => emptySums(terms))
  for (let s = 0; s + 1 < cuts.length; s++) {
    const part = emptySums(terms)
    accumulateHarmonics(startHour, series, { from: cuts[s]!, to: cuts[s + 1]! }, stride, shape, part)
    addSums(whole, part)
    ranges.forEach(({ from, to }, k) => {
      if (from > cuts[s]! || to < cuts[s + 1]!) addSums(left[k]!, part)
    })
  }
  const solve = (sums: Sums): Climatology => solveHarmonics(sums, shape, isSolar, years)
  return { whole: solve(whole), without: left.map(solve) }
}

type Shape = { readonly annualPairs: number; readonly diurnalPairs: number }
type Sums = { rows: number; readonly gram: Float64Array; readonly cross: Float64Array }

function emptySums(terms: number): Sums {
  return { rows: 0, gram: new Float64Array(terms * terms), cross: new Float64Array(terms) }
}

function addSums(into: Sums, what: Sums): void {
  into.rows += what.rows
  for (let i = 0; i < into.gram.length; i++) into.gram[i] = into.gram[i]! + what.gram[i]!
  for (let i = 0; i < into.cross.length; i++) into.cross[i] = into.cross[i]! + what.cross[i]!
}

/** Every `stride`th hour of a range, counted from the start of the series. */
function accumulateHarmonics(
  startHour: number,
  series: Float64Array,
  { from, to }: HourRange,
  stride: number,
  { annualPairs, diurnalPairs }: Shape,
  sums: Sums,
): void {
  const { gram, cross } = sums
  const terms = cross.length
  const perDay = 1 + 2 * diurnalPairs
  const row = new Float64Array(terms)
  const annual = new Float64Array(1 + 2 * annualPairs)
  const diurnal = new Float64Array(perDay)
  for (let i = Math.ceil(from / stride) * stride; i < to; i += stride) {
    const y = series[i]!
    if (y !== y) continue
    sums.rows++
    harmonics(annualAngle(startHour + i), annual)
    harmonics(dayAngle(startHour + i), diurnal)
    for (let a = 0, k = 0; a < annual.length; a++) for (let d = 0; d < perDay; d++) row[k++] = annual[a]! * diurnal[d]!
    for (let r = 0; r < terms; r++) {
      const x = row[r]!
      for (let c = r; c < terms; c++) gram[r * terms + c]! += x * row[c]!
      cross[r]! += x * y
    }
  }
}

function solveHarmonics({ rows, gram, cross }: Sums, shape: Shape, isSolar: boolean, years: number): Climatology {
  const terms = cross.length
  const perDay = 1 + 2 * shape.diurnalPairs
  const penalty = (i: number): number => {
    const order = Math.ceil(Math.floor(i / perDay) / 2)
    if (order === 0) return rows * (i === 0 ? PENALTY.mean : PENALTY.diurnal)
    if (shape === FULL) return (rows * PENALTY.full * order * order) / Math.max(1, years)
    return rows * (isSolar && i === perDay ? PENALTY.solar : PENALTY.partial)
  }
  const coefficients = new Float64Array(terms)
  solveColumns(cholesky(gram, terms, penalty), terms, cross, 1, 0, 1, coefficients)
  return { ...shape, coefficients }
}

/** Hours between the first and the last observed one. */
export function spanOf(series: Float64Array): number {
  let first = 0
  let last = series.length - 1
  while (first <= last && Number.isNaN(series[first]!)) first++
  while (last >= first && Number.isNaN(series[last]!)) last--
  return last - first + 1
}

const annualScratch = new Float64Array(7)
const diurnalScratch = new Float64Array(7)

/** Climatological value of an hour since 1970. */
function climatologyAt({ annualPairs, diurnalPairs, coefficients }: Climatology, epochHour: number): number {
  harmonics(annualAngle(epochHour), annualScratch, annualPairs)
  harmonics(dayAngle(epochHour), diurnalScratch, diurnalPairs)
  let sum = 0
  for (let a = 0, k = 0; a <= 2 * annualPairs; a++) {
    let part = 0
    for (let d = 0; d <= 2 * diurnalPairs; d++) part += coefficients[k++]! * diurnalScratch[d]!
    sum += part * annualScratch[a]!
  }
  return sum
}

/** The same without the time of day: what whole days around that hour have as their mean. */
function dailyClimatologyAt({ annualPairs, diurnalPairs, coefficients }: Climatology, epochHour: number): number {
  harmonics(annualAngle(epochHour), annualScratch, annualPairs)
  const perDay = 1 + 2 * diurnalPairs
  let sum = 0
  for (let a = 0; a <= 2 * annualPairs; a++) sum += coefficients[a * perDay]! * annualScratch[a]!
  return sum
}

/** A climatology by hour: computed when asked for, or looked up. */
export type ClimatologyLookup = { readonly at: (epochHour: number) => number; readonly dailyAt: (epochHour: number) => number }

export function directLookup(climatology: Climatology): ClimatologyLookup {
  return { at: (hour) => climatologyAt(climatology, hour), dailyAt: (hour) => dailyClimatologyAt(climatology, hour) }
}

/** The same values for whole hours from…to (inclusive), computed once; half hours only of whole days. Other hours are computed. */
export function tabulate(climatology: Climatology, from: number, to: number): ClimatologyLookup {
  const hourly = new Float64Array(to - from + 1)
  const daily = new Float64Array(2 * hourly.length)
  for (let i = 0; i < hourly.length; i++) {
    hourly[i] = climatologyAt(climatology, from + i)
    daily[2 * i] = dailyClimatologyAt(climatology, from + i)
    daily[2 * i + 1] = dailyClimatologyAt(climatology, from + i + 0.5)
  }
  return {
    at: (hour) => hourly[hour - from] ?? climatologyAt(climatology, hour),
    dailyAt: (hour) => daily[2 * (hour - from)] ?? dailyClimatologyAt(climatology, hour),
  }
}

/** Angle of the year, radians, 0 at the end of January. */
export function annualAngle(epochHour: number): number {
  return (2 * Math.PI * (epochHour - COLDEST_HOUR)) / HOURS_PER_YEAR
}

function dayAngle(epochHour: number): number {
  return (2 * Math.PI * (epochHour % 24)) / 24
}

/** 1, cos x, sin x, cos 2x, sin 2x, … */
function harmonics(angle: number, out: Float64Array, pairs: number = (out.length - 1) / 2): void {
  out[0] = 1
  for (let k = 1; k <= pairs; k++) {
    out[2 * k - 1] = Math.cos(k * angle)
    out[2 * k] = Math.sin(k * angle)
  }
}
