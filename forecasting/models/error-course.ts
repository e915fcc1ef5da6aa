/**
 * How the size of errors runs through the year: by lead group, a·cos φ + b·sin φ, and with a year of record and more a second pair, added to the
 * log of the spread; φ is the annual angle of the hour of issue. Least squares on log |residual|, drawn to what is usual for the variable
 * (normal prior, as empirical Bayes would have it) the more the shorter the record: nearly all of it in part of a year, which cannot have shown
 * the seasons ahead. Weighting residuals by the season alone, as before, sees seven tenths of a course and runs after it in part of a year
 * (docs/forecasting/experiments.md).
 */
import type { ForecastVariable } from '../../schemas/quantities.ts'
import { COLUMN } from '../features/index.ts'
import { annualAngle, type Climatology, harmonics } from './climatology.ts'
import { LEAD_GROUPS } from './lead-groups.ts'
import { cholesky, solveColumns } from './linear.ts'

const G = LEAD_GROUPS.length
const PAIRS = 2
/** Lead groups × (cos φ, sin φ, cos 2φ, sin 2φ). */
export const COURSE_LENGTH = G * 2 * PAIRS
/** Zero everywhere: errors are as large all year. */
export const noCourse = (): Float64Array => new Float64Array(COURSE_LENGTH)

/**
 * First pair of a northern station with a full annual cycle, near the mean of Tokyo, Beijing, Szeged and Minneapolis before their last years: errors
 * are largest in February and March.
 */
const USUAL: Readonly<Record<ForecastVariable, readonly [cosine: number, sine: number]>> = {
  temperatureC: [0.1, 0.06],
  dewPointC: [0.3, 0.1],
  relativeHumidityPct: [0.05, 0.05],
  pressureHpa: [0.3, 0.05],
  windSpeedMps: [0.14, 0.07],
  precipitationProbabilityPct: [0, 0],
}
/** Of stations about the usual, first pair; the second has half of it about nothing. */
const DEVIATION = 0.15
/**
 * Of temperature in part of a year: at the first lead group as above, at the last this. Days ahead what is left is the weather itself, which is
 * wilder in winter. Stations differ by more than the deviation says, but half a year tells weather from season too badly to be believed more. Both
 * chosen on windows of half a year (docs/forecasting/experiments.md).
 */
const TEMPERATURE_IN_PART = { first: USUAL.temperatureC, last: [0.2, 0.06], deviation: 0.1 } as const
/** Days whose errors say as much about their size as one independent draw. */
const DAYS_PER_DRAW = 10
/** From this amplitude of the annual cycle of temperature on a station has the seasons of the usual course, °C. */
const FULL_AMPLITUDE_C = 5

type Pair = readonly [cosine: number, sine: number]

/** What is known of the first pair before any error. */
export type UsualCourse = {
  /** By lead group. */
  readonly pairs: readonly Pair[]
  /** Of stations about it. */
  readonly deviation: number
}

/** Turned by half a year in the south, fading to none where the year has no seasons. */
export function usualCourse(
  variable: ForecastVariable,
  climatologies: ReadonlyArray<Climatology | null>,
  knowsSeasons: boolean,
): UsualCourse {
  const share = seasonality(climatologies[COLUMN.temperatureC] ?? null)
  const { first, last, deviation } =
    variable === 'temperatureC' && !knowsSeasons
      ? TEMPERATURE_IN_PART
      : { first: USUAL[variable], last: USUAL[variable], deviation: DEVIATION }
  const between = (i: 0 | 1, g: number): number => share * (first[i] + ((last[i] - first[i]) * g) / (G - 1))
  return { pairs: LEAD_GROUPS.map((_, g): Pair => [between(0, g), between(1, g)]), deviation }
}

/** 1 with the seasons of the north, −1 with those of the south, 0 without. */
function seasonality(temperature: Climatology | null): number {
  if (!temperature) return 0
  // The first annual cosine is below 0 where the year is coldest in January.
  const annual = temperature.coefficients[1 + 2 * temperature.diurnalPairs]!
  return Math.max(-1, Math.min(1, -annual / FULL_AMPLITUDE_C))
}

export type CourseOptions = {
  readonly usual: UsualCourse
  /** A second pair. */
  readonly knowsSeasons: boolean
}

/** `logs`: rows × lead groups, log |residual| of rows issued at `hours` (ascending), NaN where none was observed. */
export function fitCourse(logs: Float64Array, hours: Float64Array, { usual, knowsSeasons }: CourseOptions): Float64Array {
  const n = hours.length
  const terms = 1 + 2 * (knowsSeasons ? PAIRS : 1)
  const basis = new Float64Array(n * terms)
  for (let r = 0; r < n; r++) harmonics(annualAngle(hours[r]!), basis.subarray(r * terms, (r + 1) * terms))
  const draws = Math.max(1, (hours[n - 1]! - hours[0]!) / 24 / DAYS_PER_DRAW)
  const course = noCourse()
  const solved = new Float64Array(terms)
  for (let g = 0; g < G; g++) {
    const gram = new Float64Array(terms * terms)
    const cross = new Float64Array(terms)
    let count = 0
    let sum = 0
    let squares = 0
    for (let r = 0; r < n; r++) {
      const log = logs[r * G + g]!
      if (log !== log) continue
      count++
      sum += log
      squares += log * log
      for (let i = 0; i < terms; i++) {
        const own = basis[r * terms + i]!
        cross[i] = cross[i]! + own * log
        for (let j = 0; j <= i; j++) gram[i * terms + j] = gram[i * terms + j]! + own * basis[r * terms + j]!
      }
    }
    if (count === 0) continue
    for (let i = 0; i < terms; i++) for (let j = 0; j < i; j++) gram[j * terms + i] = gram[i * terms + j]!
    // Rows of a draw say together what one independent row says.
    const variance = ((squares / count - (sum / count) ** 2) * count) / draws
    const precision = (term: number): number =>
      term === 0 ? 1e-9 * count : variance / (usual.deviation / Math.ceil(term / 2)) ** 2 + 1e-9 * count
    for (let i = 0; i < 2; i++) cross[1 + i] = cross[1 + i]! + precision(1 + i) * usual.pairs[g]![i]!
    solveColumns(cholesky(gram, terms, precision), cross, 1, 0, 1, solved)
    course.set(solved.subarray(1), g * 2 * PAIRS)
  }
  return course
}

const terms = new Float64Array(1 + 2 * PAIRS)

/** Adds the course at an hour of issue to the log scale of every lead group, out[at…]. */
export function addCourse(course: ArrayLike<number>, hour: number, out: Float64Array, at: number): void {
  harmonics(annualAngle(hour), terms)
  for (let g = 0, k = 0; g < G; g++, k += 2 * PAIRS)
    out[at + g]! += course[k]! * terms[1]! + course[k + 1]! * terms[2]! + course[k + 2]! * terms[3]! + course[k + 3]! * terms[4]!
}
