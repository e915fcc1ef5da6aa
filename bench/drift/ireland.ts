/**
 * A network that did not change: how far the values of each of the 25 Irish stations of 2017 were from those of its neighbours, all against
 * what is usual, with models of the first half of the year in the second. Half a year shows half the seasons: a hard test.
 */
import { apartFrom, CHARTS, REFERENCE_CHART } from '../../forecasting/drift/index.ts'
import { hourOf } from '../../forecasting/features/index.ts'
import { randomFeatureRidge } from '../../forecasting/models/index.ts'
import { distanceKm } from '../../stream-processors/drift/neighbours.ts'
import { FORECAST_VARIABLES } from '../../schemas/quantities.ts'
import { readPlaces, readReference, type Station } from '../shared/reference.ts'
import type { Clean } from './compare.ts'
import { daysOf } from './days.ts'
import { verifiedErrors } from './errors.ts'
import { knownUntil } from './known-until.ts'
import { checkHours } from './series.ts'

export const IRISH_FILES = ['ireland_network_2017.csv.gz', 'ireland_stations.csv'] as const
/** As DRIFT_NEIGHBOUR_KM has it. */
const NEIGHBOUR_KM = 150
export const APART_CHART = CHARTS.findIndex(({ measure }) => measure === 'apart')

type Place = { readonly latitude: number; readonly longitude: number }
type Departures = Pick<Clean, 'station' | 'variable'> & { readonly byDay: ReadonlyMap<number, number | null> }

/** Series that know of the charts only those of values. Every second station calibrates, the others are held out. */
export function irishSeries(stations = Number.POSITIVE_INFINITY): { readonly calibration: Clean[]; readonly heldOut: Clean[] } {
  const places = readPlaces(IRISH_FILES[1])
  const read = readReference(IRISH_FILES[0]).slice(0, stations)
  const departures = read.flatMap(departuresOf)
  const seriesOf = (one: Station): Clean[] => {
    const here = places.get(one.stationId) as Place
    const near = new Set(
      read
        .filter(({ stationId }) => stationId !== one.stationId)
        .filter(({ stationId }) => distanceKm(here, places.get(stationId) as Place) <= NEIGHBOUR_KM)
        .map(({ stationId }) => stationId),
    )
    return departures.filter(({ station }) => station === one.stationId).map((own) => compared(own, departures, near))
  }
  return {
    calibration: read.filter((_, i) => i % 2 === 0).flatMap(seriesOf),
    heldOut: read.filter((_, i) => i % 2 === 1).flatMap(seriesOf),
  }
}

function compared({ station, variable, byDay }: Departures, all: readonly Departures[], near: ReadonlySet<string>): Clean {
  const theirs = all.filter((other) => other.variable === variable && near.has(other.station))
  const days = [...byDay].map(([day, departure]) => {
    const known = theirs.map((other) => other.byDay.get(day) ?? null).filter((one) => one !== null)
    const charts = CHARTS.map((_, i) =>
      i === APART_CHART ? apartFrom(departure, known) : i === REFERENCE_CHART ? departure : null,
    )
    return { day, charts, level: [], observed: [] }
  })
  return { station, variable, days }
}

function departuresOf(station: Station): Departures[] {
  const hours = station.observations.map(({ observedAt }) => hourOf(observedAt))
  const [first, last] = [hours[0] as number, hours.at(-1) as number]
  const trainedUntil = Math.floor((first + last) / 2)
  const { training } = checkHours(station, first, last, (observation) => observation)
  return FORECAST_VARIABLES.flatMap((variable) => {
    const result = randomFeatureRidge.fit(knownUntil(training, trainedUntil), { variable })
    if (!result.ok) return []
    const days = daysOf(verifiedErrors({ training, fitted: result.fitted }, trainedUntil, last), new Set(hours))
    const byDay = new Map(days.map(({ day, charts }) => [day, charts[REFERENCE_CHART] ?? null]))
    return [{ station: station.stationId, variable, byDay }]
  })
}
