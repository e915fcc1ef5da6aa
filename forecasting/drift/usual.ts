/**
 * Charts while nothing changes: centre, standard deviation of a day, long-run standard deviation of days (cusum.ts). Measured on the first
 * halves of the clean stretches of four real stations (Tokyo, Szeged, Beijing, Garanhuns; 24.7 variable-years), models of two years;
 * `npm run bench -- drift-calibration` repeats it.
 */
import type { ForecastVariable } from '../../schemas/quantities.ts'
import type { ChartName, Usual } from './charts.ts'

/** Null: a fixed rule. */
export const USUAL: Readonly<Record<ChartName, Readonly<Record<ForecastVariable, Usual>> | null>> = {
  'mean 1-3': {
    temperatureC: { centre: 0.01, sd: 0.31, longRunSd: 0.34 },
    dewPointC: { centre: -0.01, sd: 0.33, longRunSd: 0.47 },
    relativeHumidityPct: { centre: -0.02, sd: 0.34, longRunSd: 0.4 },
    pressureHpa: { centre: 0.02, sd: 0.38, longRunSd: 0.54 },
    windSpeedMps: { centre: -0.01, sd: 0.33, longRunSd: 0.42 },
    precipitationProbabilityPct: { centre: -0.01, sd: 0.35, longRunSd: 0.45 },
  },
  'mean 4-6': {
    temperatureC: { centre: 0.02, sd: 0.43, longRunSd: 0.49 },
    dewPointC: { centre: 0.01, sd: 0.46, longRunSd: 0.61 },
    relativeHumidityPct: { centre: -0.04, sd: 0.46, longRunSd: 0.52 },
    pressureHpa: { centre: 0.03, sd: 0.5, longRunSd: 0.65 },
    windSpeedMps: { centre: -0.03, sd: 0.47, longRunSd: 0.6 },
    precipitationProbabilityPct: { centre: -0.03, sd: 0.45, longRunSd: 0.61 },
  },
  'mean 7-24': {
    temperatureC: { centre: 0.02, sd: 0.6, longRunSd: 0.74 },
    dewPointC: { centre: 0.01, sd: 0.66, longRunSd: 0.91 },
    relativeHumidityPct: { centre: -0.08, sd: 0.64, longRunSd: 0.84 },
    pressureHpa: { centre: 0.07, sd: 0.69, longRunSd: 0.94 },
    windSpeedMps: { centre: -0.06, sd: 0.57, longRunSd: 0.75 },
    precipitationProbabilityPct: { centre: -0.04, sd: 0.55, longRunSd: 0.8 },
  },
  'spread 1-3': {
    temperatureC: { centre: -0.17, sd: 0.43, longRunSd: 0.5 },
    dewPointC: { centre: -0.24, sd: 0.59, longRunSd: 0.69 },
    relativeHumidityPct: { centre: -0.13, sd: 0.5, longRunSd: 0.57 },
    pressureHpa: { centre: -0.4, sd: 0.55, longRunSd: 0.69 },
    windSpeedMps: { centre: -0.18, sd: 0.43, longRunSd: 0.47 },
    precipitationProbabilityPct: { centre: -1.01, sd: 1.02, longRunSd: 1.26 },
  },
  'cosine 1-3': {
    temperatureC: { centre: 0, sd: 0.28, longRunSd: 0.3 },
    dewPointC: { centre: 0.03, sd: 0.28, longRunSd: 0.32 },
    relativeHumidityPct: { centre: -0.02, sd: 0.3, longRunSd: 0.32 },
    pressureHpa: { centre: -0.02, sd: 0.28, longRunSd: 0.32 },
    windSpeedMps: { centre: 0.01, sd: 0.25, longRunSd: 0.3 },
    precipitationProbabilityPct: { centre: -0.01, sd: 0.21, longRunSd: 0.23 },
  },
  'sine 1-3': {
    temperatureC: { centre: -0.06, sd: 0.3, longRunSd: 0.35 },
    dewPointC: { centre: 0.02, sd: 0.32, longRunSd: 0.37 },
    relativeHumidityPct: { centre: 0.06, sd: 0.32, longRunSd: 0.35 },
    pressureHpa: { centre: 0, sd: 0.32, longRunSd: 0.32 },
    windSpeedMps: { centre: 0.02, sd: 0.27, longRunSd: 0.28 },
    precipitationProbabilityPct: { centre: 0, sd: 0.25, longRunSd: 0.27 },
  },
  missing: null,
}
