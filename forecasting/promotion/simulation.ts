/**
 * Trials on made-up but realistic verified hours, to set and to check the gate's error rates.
 *
 * Errors of both models share what nobody could know (the weather) and differ in what the models made of it. Both parts are AR(1) in
 * the verified hour, with the memory measured on two fits of the same family on half a year of the bundled observations (JFK): paired
 * CRPS differences of an hour have an autocorrelation of 0.8, 0.93, 0.97, 0.98 at 1 h and about 0, 0.15, 0.4, 0.5 at 24 h for the
 * buckets 1-6, 7-24, 25-72, 73-168 h, and a standard deviation of 3 % (a window one week shorter) to 15 % (a month shorter) of the CRPS.
 */
import type { Rng } from '../verification/index.ts'
import { emptyHour, type PairedHour, type PairedSample } from './pairing.ts'

export type TrialWorld = {
  /** Challenger's true CRPS ÷ champion's. */
  readonly ratio: number
  /** Correlation of the two models' errors at the same lead. */
  readonly correlation: number
}

const HOUR_MS = 3_600_000
/** Leads simulated for each bucket; neighbouring leads say nearly the same. */
const LEADS = [
  [2, 5],
  [9, 15, 21],
  [32, 48, 64],
  [84, 108, 132, 156],
] as const
/** Error size by bucket, °C, and memory of common and own part, hours. */
const SIZE = [1, 1.9, 2.7, 3.2] as const
const COMMON_MEMORY_HOURS = [6, 24, 60, 90] as const
const OWN_MEMORY_HOURS = [6, 24, 60, 100] as const
/** Mean CRPS ÷ mean absolute error of a calibrated Gaussian forecast: (σ/√π) / (σ·√(2/π)) (Gneiting & Raftery 2007). */
const CRPS_OF_ABSOLUTE = Math.SQRT1_2

/** `hours` verified hours from the moment a challenger starts to issue: lead L verifies for the first time L hours later. */
export function simulateTrial({ ratio, correlation }: TrialWorld, hours: number, rng: Rng): PairedSample {
  const gauss = createGauss(rng)
  const tracks = LEADS.map((leads, b) =>
    leads.map(() => ({
      common: ar1(hours, COMMON_MEMORY_HOURS[b] as number, gauss),
      champion: ar1(hours, OWN_MEMORY_HOURS[b] as number, gauss),
      challenger: ar1(hours, OWN_MEMORY_HOURS[b] as number, gauss),
    })),
  )
  // What differs between two models differs at neighbouring leads alike: half of it is shared by the bucket.
  const shared = LEADS.map((_, b) => ({
    champion: ar1(hours, OWN_MEMORY_HOURS[b] as number, gauss),
    challenger: ar1(hours, OWN_MEMORY_HOURS[b] as number, gauss),
  }))
  const [a, u] = [Math.sqrt(correlation), Math.sqrt(1 - correlation)]
  const half = Math.SQRT1_2
  let rows = 0
  const result: PairedHour[] = []
  for (let t = 0; t < hours; t++) {
    const hour = emptyHour(t * HOUR_MS)
    LEADS.forEach((leads, b) =>
      leads.forEach((lead, l) => {
        if (lead > t + 1) return
        const { common, champion, challenger } = tracks[b]![l]!
        const own = {
          champion: half * (champion[t]! + shared[b]!.champion[t]!),
          challenger: half * (challenger[t]! + shared[b]!.challenger[t]!),
        }
        const bucket = hour.buckets[b]!
        bucket.n++
        rows++
        for (const side of ['champion', 'challenger'] as const) {
          const error = SIZE[b]! * (side === 'challenger' ? ratio : 1) * (a * common[t]! + u * own[side])
          const z = Math.abs(error) / (SIZE[b]! * (side === 'challenger' ? ratio : 1))
          const sums = bucket[side]
          sums.absolute += Math.abs(error)
          sums.error += error
          sums.squared += error * error
          sums.crps += CRPS_OF_ABSOLUTE * Math.abs(error)
          sums.in80 += z <= 1.2816 ? 1 : 0
          sums.in95 += z <= 1.96 ? 1 : 0
        }
      }),
    )
    if (hour.buckets.some(({ n }) => n > 0)) result.push(hour)
  }
  return { hours: result, rows, dropped: { beforeChange: 0, unpaired: 0, observedDiffers: 0 }, impossible: 0 }
}

/** Stationary AR(1) with unit variance and an e-folding memory of `memoryHours`. */
function ar1(length: number, memoryHours: number, gauss: () => number): Float64Array {
  const rho = Math.exp(-1 / memoryHours)
  const innovation = Math.sqrt(1 - rho * rho)
  const series = new Float64Array(length)
  let value = gauss()
  for (let t = 0; t < length; t++) series[t] = value = rho * value + innovation * gauss()
  return series
}

/** Box–Muller. */
function createGauss(rng: Rng): () => number {
  let spare: number | null = null
  return () => {
    if (spare !== null) {
      const value = spare
      spare = null
      return value
    }
    const radius = Math.sqrt(-2 * Math.log(1 - rng()))
    const angle = 2 * Math.PI * rng()
    spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }
}
