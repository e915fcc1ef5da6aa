/**
 * Harmonic climatology: annual pairs × diurnal pairs. Three of each with a year of data or more (49 terms), one and two with less (15).
 * Little data: the annual terms are penalised, because part of a year extrapolates nonsense into the rest of it.
 */
import { addCross, addGram, cholesky, solveColumns } from './linear.ts'

const HOURS_PER_YEAR = 8765.82
/** From this length on the annual cycle counts as known, hours. */
export const FULL_YEAR_HOURS = 330 * 24
/** More rows than this say nothing more about harmonics; a stride that visits every hour of the day thins them. */
const MAX_ROWS = 2 * 8766
const THINNING = [1, 5, 7, 11, 13, 17, 19, 23, 25]
/** Fewest values to fit from, hours. */
const MIN_HOURS = 24
/** Fewest hours of a day that show its cycle, and how far one day alone is believed. */
const MIN_DAY_HOURS = 20
const TRUST_IN_ONE_DAY = 0.5
/** Doubt fades from this length on: a weak cycle that two months show is one. */
const DOUBT_DAYS = 7
/** What comes or goes with the weather is taken out of a record of less than this before its cycle of the day is looked for: see withoutTrend, days. */
const TREND_DAYS = 7
/** Fewest pairs of hours a day apart that show it. */
const MIN_PAIRS = 24
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

/** What is known of a quantity beforehand. */
export type Traits = {
  /** Follows the sun's annual cycle. */
  readonly isSolar: boolean
  /** How little a short record is believed that shows a cycle of the day; 1: as little as its days differ. See trustInDay. */
  readonly dayDoubt: number
  /** Errors are skewed by a bound that some seasons are near to: the less of the year was seen, the less their median says of days to come. */
  readonly isBounded: boolean
}

/**
 * From an hourly series (NaN = not observed) that begins at `startHour` (hours since 1970). Null with fewer than 24 values.
 */
export function fitClimatology(startHour: number, series: Float64Array, traits: Traits): Climatology | null {
  return fitLeavingOut(startHour, series, traits, [])?.whole ?? null
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
  traits: Traits,
  ranges: readonly HourRange[],
  calendar: Calendar = createCalendar(startHour, startHour + series.length),
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
    accumulateHarmonics(calendar, startHour, series, { from: cuts[s]!, to: cuts[s + 1]! }, stride, shape, part)
    addSums(whole, part)
    ranges.forEach(({ from, to }, k) => {
      if (from > cuts[s]! || to < cuts[s + 1]!) addSums(left[k]!, part)
    })
  }
  const still = spanOf(series) < TREND_DAYS * 24 ? withoutTrend(series) : series
  const trust = shape === PARTIAL ? trustInDay(startHour, still, shape.diurnalPairs, traits.dayDoubt) : null
  const solve = (sums: Sums): Climatology => solveHarmonics(sums, shape, traits.isSolar, years, trust)
  const fitted = { whole: solve(whole), without: left.map(solve) }
  if (still === series) return fitted
  const sums = emptySums(terms)
  accumulateHarmonics(calendar, startHour, still, { from: 0, to: still.length }, stride, shape, sums)
  return { ...fitted, whole: withCycleOf(fitted.whole, solve(sums)) }
}

/** The level of one climatology through the year, and the cycle of the day of another. */
function withCycleOf(level: Climatology, cycle: Climatology): Climatology {
  const perDay = 1 + 2 * level.diurnalPairs
  return { ...level, coefficients: level.coefficients.map((own, i) => (i % perDay === 0 ? own : cycle.coefficients[i]!)) }
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
  { from: first, annual, diurnal }: Calendar,
  startHour: number,
  series: Float64Array,
  { from, to }: HourRange,
  stride: number,
  { annualPairs, diurnalPairs }: Shape,
  sums: Sums,
): void {
  const terms = sums.cross.length
  const perDay = 1 + 2 * diurnalPairs
  const most = Math.ceil((to - from) / stride) + 1
  const x = new Float64Array(most * terms)
  const y = new Float64Array(most)
  let rows = 0
  for (let i = Math.ceil(from / stride) * stride; i < to; i += stride) {
    const value = series[i]!
    if (value !== value) continue
    const year = 2 * (startHour + i - first) * HARMONICS
    const day = hourOfDay(startHour + i) * HARMONICS
    let k = rows * terms
    for (let a = 0; a <= 2 * annualPairs; a++) for (let d = 0; d < perDay; d++) x[k++] = annual[year + a]! * diurnal[day + d]!
    y[rows++] = value
  }
  const weights = new Float64Array(rows).fill(1)
  addGram(x, terms, weights, 0, rows, sums.gram)
  addCross(x, terms, y, 1, weights, 0, rows, sums.cross)
  sums.rows += rows
}

/**
 * Less the straight line whose rise an hour is the mean of what hours a day apart differ by, ÷ 24: no cycle of the day has a part in that. Three days
 * that grow colder end every day colder than they began it; a cycle fitted to them says so of every day to come, and its days agree too well for
 * trustInDay to doubt it.
 */
function withoutTrend(series: Float64Array): Float64Array {
  let rise = 0
  let pairs = 0
  for (let i = 24; i < series.length; i++) {
    const difference = series[i]! - series[i - 24]!
    if (difference !== difference) continue
    rise += difference
    pairs++
  }
  if (pairs < MIN_PAIRS) return series
  const anHour = rise / pairs / 24
  const middle = (series.length - 1) / 2
  return series.map((value, i) => value - anHour * (i - middle))
}

/**
 * How far each diurnal pair of a short record is to be believed: (|m|² − doubt·s²/n) / |m|², not below 0, with m the mean and s² the variance over n days of
 * the pair's two coefficients in single days (empirical Bayes: E|m|² = |μ|² + s²/n, doubt 1). A front that passed is no cycle of the day.
 */
function trustInDay(startHour: number, series: Float64Array, pairs: number, doubt: number): Float64Array {
  const sums = new Float64Array(2 * pairs)
  const squares = new Float64Array(pairs)
  let days = 0
  const own = new Float64Array(2 * pairs)
  const first = (24 - hourOfDay(startHour)) % 24
  for (let from = first; from + 24 <= series.length; from += 24) {
    own.fill(0)
    let observed = 0
    let mean = 0
    for (let i = 0; i < 24; i++) {
      const value = series[from + i]!
      if (value !== value) continue
      observed++
      mean += value
    }
    if (observed < MIN_DAY_HOURS) continue
    mean /= observed
    for (let i = 0; i < 24; i++) {
      const value = series[from + i]!
      if (value !== value) continue
      for (let k = 0; k < pairs; k++) {
        own[2 * k] = own[2 * k]! + (value - mean) * DIURNAL[i * HARMONICS + 2 * k + 1]!
        own[2 * k + 1] = own[2 * k + 1]! + (value - mean) * DIURNAL[i * HARMONICS + 2 * k + 2]!
      }
    }
    days++
    for (let k = 0; k < pairs; k++) {
      sums[2 * k] = sums[2 * k]! + own[2 * k]!
      sums[2 * k + 1] = sums[2 * k + 1]! + own[2 * k + 1]!
      squares[k] = squares[k]! + own[2 * k]! ** 2 + own[2 * k + 1]! ** 2
    }
  }
  if (days < 2) return squares.fill(TRUST_IN_ONE_DAY)
  const held = doubt * Math.min(1, DOUBT_DAYS / days)
  return squares.map((sum, k) => {
    const size = (sums[2 * k]! ** 2 + sums[2 * k + 1]! ** 2) / days ** 2
    const variance = (sum / days - size) * (days / (days - 1))
    return size > 0 ? Math.max(0, 1 - (held * variance) / days / size) : 0
  })
}

function solveHarmonics(
  { rows, gram, cross }: Sums,
  shape: Shape,
  isSolar: boolean,
  years: number,
  trust: Float64Array | null,
): Climatology {
  const terms = cross.length
  const perDay = 1 + 2 * shape.diurnalPairs
  const penalty = (i: number): number => {
    const order = Math.ceil(Math.floor(i / perDay) / 2)
    if (order === 0) return rows * (i === 0 ? PENALTY.mean : PENALTY.diurnal)
    if (shape === FULL) return (rows * PENALTY.full * order * order) / Math.max(1, years)
    return rows * (isSolar && i === perDay ? PENALTY.solar : PENALTY.partial)
  }
  const coefficients = new Float64Array(terms)
  solveColumns(cholesky(gram, terms, penalty), cross, 1, 0, 1, coefficients)
  if (trust)
    for (let i = 0; i < terms; i++) {
      const pair = Math.ceil((i % perDay) / 2)
      if (pair > 0) coefficients[i] = coefficients[i]! * trust[pair - 1]!
    }
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

/** Harmonics of every half hour of a span and of every hour of the day: computed once for all columns. */
export type Calendar = {
  readonly from: number
  readonly to: number
  /** (2·hours) × 7, half hours. */
  readonly annual: Float64Array
  /** 24 × 7. */
  readonly diurnal: Float64Array
}

/** 1 and three pairs. */
const HARMONICS = 7
const DIURNAL = new Float64Array(24 * HARMONICS)
for (let hour = 0; hour < 24; hour++)
  harmonics((2 * Math.PI * hour) / 24, DIURNAL.subarray(hour * HARMONICS, (hour + 1) * HARMONICS))

/** For whole hours from…to (inclusive). */
export function createCalendar(from: number, to: number): Calendar {
  const steps = 2 * (to - from + 1)
  const annual = new Float64Array(steps * HARMONICS)
  const row = new Float64Array(HARMONICS)
  for (let i = 0; i < steps; i++) {
    harmonics(annualAngle(from + i / 2), row)
    annual.set(row, i * HARMONICS)
  }
  return { from, to, annual, diurnal: DIURNAL }
}

/** What each annual term is multiplied with, by hour of the day: 24 × 7. */
function dailyShapes({ annualPairs, diurnalPairs, coefficients }: Climatology): Float64Array {
  const shapes = new Float64Array(24 * HARMONICS)
  for (let hour = 0; hour < 24; hour++)
    for (let a = 0, k = 0; a <= 2 * annualPairs; a++) {
      let part = 0
      for (let d = 0; d <= 2 * diurnalPairs; d++) part += coefficients[k++]! * DIURNAL[hour * HARMONICS + d]!
      shapes[hour * HARMONICS + a] = part
    }
  return shapes
}

/** The same for the mean of a day: 7. */
function dayShape({ annualPairs, diurnalPairs, coefficients }: Climatology): Float64Array {
  const shape = new Float64Array(HARMONICS)
  for (let a = 0; a <= 2 * annualPairs; a++) shape[a] = coefficients[a * (1 + 2 * diurnalPairs)]!
  return shape
}

function sevenTerms(x: Float64Array, i: number, y: Float64Array, k: number): number {
  let sum = x[i]! * y[k]!
  sum += x[i + 1]! * y[k + 1]!
  sum += x[i + 2]! * y[k + 2]!
  sum += x[i + 3]! * y[k + 3]!
  sum += x[i + 4]! * y[k + 4]!
  sum += x[i + 5]! * y[k + 5]!
  return sum + x[i + 6]! * y[k + 6]!
}

/** A climatology by hour since 1970: computed when asked for, or looked up. */
export type ClimatologyLookup = {
  readonly at: (epochHour: number) => number
  /** The same without the time of day: what whole days around that hour have as their mean. */
  readonly dailyAt: (epochHour: number) => number
  /** Values of `count` hours from an hour on into out[0…count). */
  readonly copy: (fromHour: number, count: number, out: Float64Array) => void
}

const annualScratch = new Float64Array(HARMONICS)

export function directLookup(climatology: Climatology): ClimatologyLookup {
  const shapes = dailyShapes(climatology)
  const whole = dayShape(climatology)
  const at = (hour: number): number => {
    harmonics(annualAngle(hour), annualScratch)
    return sevenTerms(shapes, hourOfDay(hour) * HARMONICS, annualScratch, 0)
  }
  const dailyAt = (hour: number): number => {
    harmonics(annualAngle(hour), annualScratch)
    return sevenTerms(whole, 0, annualScratch, 0)
  }
  const copy = (from: number, count: number, out: Float64Array): void => {
    for (let i = 0; i < count; i++) out[i] = at(from + i)
  }
  return { at, dailyAt, copy }
}

/** The same values for whole hours from…to (inclusive, within the calendar), computed once; half hours only of whole days. Others are computed. */
export function tabulate(
  climatology: Climatology,
  from: number,
  to: number,
  calendar: Calendar = createCalendar(from, to),
): ClimatologyLookup {
  const direct = directLookup(climatology)
  const { annual } = calendar
  const shapes = dailyShapes(climatology)
  const whole = dayShape(climatology)
  const hours = to - from + 1
  const hourly = new Float64Array(hours)
  const daily = new Float64Array(2 * hours)
  let year = 2 * (from - calendar.from) * HARMONICS
  let hour = hourOfDay(from)
  for (let i = 0; i < hours; i++) {
    hourly[i] = sevenTerms(shapes, hour * HARMONICS, annual, year)
    daily[2 * i] = sevenTerms(whole, 0, annual, year)
    daily[2 * i + 1] = sevenTerms(whole, 0, annual, year + HARMONICS)
    year += 2 * HARMONICS
    hour = hour === 23 ? 0 : hour + 1
  }
  return {
    at: (hour) => hourly[hour - from] ?? direct.at(hour),
    dailyAt: (hour) => daily[2 * (hour - from)] ?? direct.dailyAt(hour),
    copy: (first, count, out) => {
      if (first < from || first + count > to + 1) direct.copy(first, count, out)
      else for (let i = 0; i < count; i++) out[i] = hourly[first - from + i]!
    },
  }
}

/** Angle of the year, radians, 0 at the end of January. */
export function annualAngle(epochHour: number): number {
  return (2 * Math.PI * (epochHour - COLDEST_HOUR)) / HOURS_PER_YEAR
}

/** UTC, 0 to 23, also of hours before 1970. */
export function hourOfDay(epochHour: number): number {
  return ((epochHour % 24) + 24) % 24
}

/** 1, cos x, sin x, cos 2x, sin 2x, … as far as `out` goes. */
export function harmonics(angle: number, out: Float64Array): void {
  out[0] = 1
  for (let k = 1; k <= (out.length - 1) / 2; k++) {
    out[2 * k - 1] = Math.cos(k * angle)
    out[2 * k] = Math.sin(k * angle)
  }
}
