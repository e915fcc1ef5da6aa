/** Reference stations with their models: clean series, and the same with a fault injected. */
import { hourOf } from '../../forecasting/features/index.ts'
import { type Fitted, randomFeatureRidge, type TrainingSet } from '../../forecasting/models/index.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'
import type { Clean, Injection } from './compare.ts'
import { FOUND_WITHIN_DAYS } from './compare.ts'
import { type Day, daysOf } from './days.ts'
import { type Errors, LEADS, verifiedErrors } from './errors.ts'
import type { Fault } from './faults.ts'
import { knownUntil } from './known-until.ts'
import { readReference, type Station } from '../shared/reference.ts'
import { checkHours, FEATURE_REACH_HOURS } from './series.ts'

const HOURS_PER_YEAR = 8766
const TRAINED_YEARS = 2
const WATCHED_YEARS = 3
/** Before the first injection, so that a detector knows what is usual; after the last, so that there is something left. */
const MARGIN_HOURS = 90 * 24
const AFTER_HOURS = (FOUND_WITHIN_DAYS + 1) * 24
/** A fault may borrow what is reported later (faults.ts). */
const BORROWED_HOURS = 30 * 24
/** Until the longest lead verifies. */
const LEAD_DAYS = Math.ceil(Math.max(...LEADS) / 24)

/** Stations whose weather calibrates the charts, and one that does not. */
export const CALIBRATION_FILES = [
  'tokyo_2019_2024.csv.gz',
  'szeged_2006_2016_unclean.csv.gz',
  'beijing_changping_2013_2017.csv.gz',
  'garanhuns_2020_2024.csv.gz',
] as const
export const REFERENCE_FILES: readonly string[] = [...CALIBRATION_FILES, 'recife_2020_2024.csv.gz']

export type Watched = { readonly clean: Clean; readonly inject: (faults: readonly Fault[], count: number) => Injection[] }

/**
 * A station of a reference file and a model of its first two years, watched for the three years after them as far as the file goes.
 * Null: two years are not enough to train on.
 */
export function watchStation(file: string, variable: ForecastVariable): Watched | null {
  const station = readReference(file)[0] as Station
  const hours = station.observations.map(({ observedAt }) => hourOf(observedAt))
  const startHour = hours[0] as number
  const trainedUntil = startHour + TRAINED_YEARS * HOURS_PER_YEAR
  const endHour = Math.min(hours.at(-1) as number, trainedUntil + WATCHED_YEARS * HOURS_PER_YEAR)
  const { training } = checkHours(station, startHour, endHour, (observation) => observation)
  const trained = fit(training, trainedUntil, variable)
  if (trained === null) return null
  const fitted = trained
  const errors = verifiedErrors({ training, fitted }, trainedUntil, endHour)
  const days = daysOf(errors, new Set(hours))
  return { clean: { station: station.stationId, variable, days }, inject }

  function inject(faults: readonly Fault[], count: number): Injection[] {
    const rmse = rootMeanSquare(errors)
    const byHour = new Map(station.observations.map((observation) => [hourOf(observation.observedAt), observation]))
    const from = trainedUntil + MARGIN_HOURS
    const until = endHour - AFTER_HOURS - BORROWED_HOURS
    return faults.flatMap(({ name, at }) =>
      Array.from({ length: count }, (_, k): Injection => {
        // Another hour of the day each time.
        const hour = Math.round(from + ((until - from) * (k + 0.5)) / count) + 7 * k
        const sign = k % 2 === 0 ? 1 : -1
        const alter = at(hour, sign, { rmse, byHour })
        const firstDay = Math.floor(hour / 24) - LEAD_DAYS - 1
        const after = checkHours(station, firstDay * 24 - FEATURE_REACH_HOURS, hour + AFTER_HOURS, alter)
        const altered = verifiedErrors({ training: after.training, fitted }, firstDay * 24, hour + AFTER_HOURS)
        const reported = new Set(after.checked.map(({ observedAt }) => hourOf(observedAt)))
        const changedOn = Math.floor(hour / 24)
        return {
          station: station.stationId,
          variable,
          fault: name,
          hour,
          sign,
          days: [...before(days, changedOn), ...daysOf(altered, reported).filter(({ day }) => day >= changedOn)],
        }
      }),
    )
  }
}

const before = (days: readonly Day[], changedOn: number): Day[] => days.filter(({ day }) => day < changedOn)

function fit(training: TrainingSet, trainedUntil: number, variable: ForecastVariable): Fitted | null {
  const result = randomFeatureRidge.fit(knownUntil(training, trainedUntil), { variable })
  return result.ok ? result.fitted : null
}

/** Of the errors at 7–24 h. */
function rootMeanSquare({ hours, error }: Errors): number {
  let sum = 0
  let n = 0
  for (let h = 0; h < hours; h++) {
    LEADS.forEach((lead, column) => {
      const e = error[h * LEADS.length + column] as number
      if (lead < 7 || lead > 24 || Number.isNaN(e)) return
      sum += e * e
      n++
    })
  }
  return Math.sqrt(sum / n)
}
