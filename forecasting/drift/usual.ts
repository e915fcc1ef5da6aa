/**
 * Charts while nothing changes: centre, standard deviation of a day, long-run standard deviation of days (cusum.ts). Measured on the first
 * halves of the clean stretches of four real stations (Tokyo, Szeged, Beijing, Garanhuns; 25.4 variable-years), models of two years; apart: every
 * second of 25 Irish stations, half of 70.8 variable-years;
 * `npm run bench -- drift-calibration` repeats it.
 */
import type { ForecastVariable } from '../../schemas/quantities.ts'
import type { ChartName, Usual } from './charts.ts'

/** Null: a fixed rule. */
export const USUAL: Readonly<Record<ChartName, Readonly<Record<ForecastVariable, Usual>> | null>> = {
  'mean 1-6': {
    temperatureC: { centre: 0.02, sd: 0.34, longRunSd: 0.37 },
    dewPointC: { centre: 0.05, sd: 0.38, longRunSd: 0.44 },
    relativeHumidityPct: { centre: 0, sd: 0.37, longRunSd: 0.41 },
    pressureHpa: { centre: 0, sd: 0.45, longRunSd: 0.53 },
    windSpeedMps: { centre: -0.03, sd: 0.34, longRunSd: 0.43 },
    precipitationProbabilityPct: { centre: -0.02, sd: 0.3, longRunSd: 0.38 },
  },
  'spread 1-3': {
    temperatureC: { centre: -0.17, sd: 0.42, longRunSd: 0.46 },
    dewPointC: { centre: -0.24, sd: 0.63, longRunSd: 0.73 },
    relativeHumidityPct: { centre: -0.1, sd: 0.5, longRunSd: 0.59 },
    pressureHpa: { centre: -0.4, sd: 0.56, longRunSd: 0.67 },
    windSpeedMps: { centre: -0.21, sd: 0.42, longRunSd: 0.45 },
    precipitationProbabilityPct: { centre: -1.15, sd: 1.04, longRunSd: 1.24 },
  },
  'clock 13-24': {
    temperatureC: { centre: 0.03, sd: 0.25, longRunSd: 0.22 },
    dewPointC: { centre: 0.02, sd: 0.26, longRunSd: 0.24 },
    relativeHumidityPct: { centre: 0.04, sd: 0.27, longRunSd: 0.24 },
    pressureHpa: { centre: 0.01, sd: 0.19, longRunSd: 0.13 },
    windSpeedMps: { centre: 0.04, sd: 0.25, longRunSd: 0.25 },
    precipitationProbabilityPct: { centre: -0.01, sd: 0.3, longRunSd: 0.27 },
  },
  reference: {
    temperatureC: { centre: 0, sd: 0.85, longRunSd: 1.63 },
    dewPointC: { centre: 0.04, sd: 0.88, longRunSd: 1.5 },
    relativeHumidityPct: { centre: -0.06, sd: 0.82, longRunSd: 1.41 },
    pressureHpa: { centre: 0.01, sd: 0.92, longRunSd: 1.72 },
    windSpeedMps: { centre: 0.03, sd: 0.65, longRunSd: 0.96 },
    precipitationProbabilityPct: { centre: -0.03, sd: 0.55, longRunSd: 0.78 },
  },
  apart: {
    temperatureC: { centre: -0.02, sd: 0.23, longRunSd: 0.29 },
    dewPointC: { centre: -0.01, sd: 0.21, longRunSd: 0.25 },
    relativeHumidityPct: { centre: 0.02, sd: 0.32, longRunSd: 0.42 },
    pressureHpa: { centre: -0.01, sd: 0.11, longRunSd: 0.16 },
    windSpeedMps: { centre: -0.03, sd: 0.35, longRunSd: 0.45 },
    precipitationProbabilityPct: { centre: -0.03, sd: 0.31, longRunSd: 0.38 },
  },
  missing: null,
  late: null,
  silent: null,
}
