/**
 * Threshold (long-run standard deviations) → days between false alarms, by block bootstrap of real weather: 300,000 days of each chart,
 * three months at a time from the first halves of the clean stretches of four stations (apart: a network; bench/drift/calibration.ts;
 * `npm run bench -- drift-calibration` repeats it). Their tails, regimes of weeks, and what a chart learns of its own are in them.
 */
import type { RunLengths } from './charts.ts'

export const RUN_LENGTHS: RunLengths = {
  'mean 1-6': [
    [4, 394],
    [5, 1222],
    [6, 3805],
    [7, 9696],
    [8, 15029],
    [9, 27325],
    [10, 75143],
  ],
  'spread 1-3': [
    [1.5, 685],
    [2, 2526],
    [2.5, 6831],
    [3, 17681],
    [3.5, 150287],
  ],
  'clock 13-24': [
    [4, 592],
    [5, 1161],
    [6, 3099],
    [7, 6990],
    [8, 15029],
    [9, 30057],
    [10, 75143],
  ],
  reference: [
    [4, 659],
    [5, 1296],
    [6, 2708],
    [7, 5094],
    [8, 8349],
    [9, 10735],
    [10, 11561],
    [12, 33397],
  ],
  apart: [
    [4, 1033],
    [5, 2684],
    [6, 4486],
    [7, 18786],
    [8, 37572],
    [9, 75143],
  ],
  missing: null,
  late: null,
  silent: null,
}
