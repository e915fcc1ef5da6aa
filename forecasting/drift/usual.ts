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
  'level 1-6': {
    temperatureC: { centre: 0.01, sd: 0.21, longRunSd: 0.25 },
    dewPointC: { centre: 0.04, sd: 0.28, longRunSd: 0.21 },
    relativeHumidityPct: { centre: 0.01, sd: 0.24, longRunSd: 0.22 },
    pressureHpa: { centre: 0, sd: 0.47, longRunSd: 0.55 },
    windSpeedMps: { centre: -0.02, sd: 0.2, longRunSd: 0.24 },
    precipitationProbabilityPct: { centre: -0.02, sd: 0.3, longRunSd: 0.38 },
  },
  'spread 1-3': {
    temperatureC: { centre: -0.13, sd: 0.42, longRunSd: 0.47 },
    dewPointC: { centre: -0.13, sd: 0.58, longRunSd: 0.72 },
    relativeHumidityPct: { centre: -0.07, sd: 0.49, longRunSd: 0.59 },
    pressureHpa: { centre: -0.29, sd: 0.56, longRunSd: 0.68 },
    windSpeedMps: { centre: -0.13, sd: 0.4, longRunSd: 0.44 },
    precipitationProbabilityPct: { centre: -1.15, sd: 1.04, longRunSd: 1.24 },
  },
  'clock 13-24': {
    temperatureC: { centre: 0.04, sd: 0.25, longRunSd: 0.23 },
    dewPointC: { centre: 0.02, sd: 0.24, longRunSd: 0.22 },
    relativeHumidityPct: { centre: 0.04, sd: 0.27, longRunSd: 0.24 },
    pressureHpa: { centre: 0.01, sd: 0.2, longRunSd: 0.14 },
    windSpeedMps: { centre: 0.03, sd: 0.26, longRunSd: 0.26 },
    precipitationProbabilityPct: { centre: -0.01, sd: 0.3, longRunSd: 0.27 },
  },
  reference: {
    temperatureC: { centre: 0, sd: 0.87, longRunSd: 1.65 },
    dewPointC: { centre: 0.03, sd: 0.89, longRunSd: 1.55 },
    relativeHumidityPct: { centre: -0.07, sd: 0.84, longRunSd: 1.45 },
    pressureHpa: { centre: 0, sd: 0.95, longRunSd: 1.78 },
    windSpeedMps: { centre: 0.03, sd: 0.67, longRunSd: 0.98 },
    precipitationProbabilityPct: { centre: -0.03, sd: 0.55, longRunSd: 0.78 },
  },
  apart: {
    temperatureC: { centre: -0.02, sd: 0.21, longRunSd: 0.25 },
    dewPointC: { centre: -0.01, sd: 0.21, longRunSd: 0.25 },
    relativeHumidityPct: { centre: 0.03, sd: 0.34, longRunSd: 0.46 },
    pressureHpa: { centre: 0, sd: 0.11, longRunSd: 0.16 },
    windSpeedMps: { centre: -0.03, sd: 0.34, longRunSd: 0.45 },
    precipitationProbabilityPct: { centre: -0.03, sd: 0.31, longRunSd: 0.38 },
  },
  missing: null,
  late: null,
  silent: null,
}
