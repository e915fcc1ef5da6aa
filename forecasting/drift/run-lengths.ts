/**
 * Threshold (long-run standard deviations) → days between false alarms, by block bootstrap of real weather: 300,000 days of each chart,
 * three months at a time from the first halves of the clean stretches of four stations (bench/drift/calibration.ts;
 * `npm run bench -- drift-calibration` repeats it). Their tails, regimes of weeks, and what a chart learns of its own are in them.
 */
import type { RunLengths } from './charts.ts'

export const RUN_LENGTHS: RunLengths = {
  'mean 1-3': [
    [4, 316],
    [5, 726],
    [6, 1698],
    [7, 3536],
    [8, 7331],
    [9, 11561],
    [10, 20038],
    [12, 60115],
  ],
  'mean 4-6': [
    [4, 316],
    [5, 989],
    [6, 2505],
    [7, 6679],
    [8, 12023],
    [9, 18786],
    [10, 27325],
    [12, 100191],
  ],
  'mean 7-24': [
    [4, 371],
    [5, 911],
    [6, 2132],
    [7, 4927],
    [8, 13662],
    [9, 23121],
    [10, 30057],
    [12, 100191],
  ],
  'spread 1-3': [
    [2, 222],
    [3, 942],
    [4, 3232],
    [5, 8349],
    [6, 14313],
    [7, 42939],
  ],
  'cosine 1-3': [
    [4, 312],
    [5, 763],
    [6, 1634],
    [7, 3099],
    [8, 4624],
    [9, 9108],
    [10, 17681],
    [12, 75143],
  ],
  'sine 1-3': [
    [4, 426],
    [5, 1015],
    [6, 2348],
    [7, 4696],
    [8, 12023],
    [9, 23121],
    [10, 75143],
    [12, 300573],
  ],
  missing: null,
}
