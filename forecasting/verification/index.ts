/** Scores of quantile forecasts. Names follow the WMO verification guidance (WWRP 2009-1). */
import { type ForecastVariable, LEAD_BUCKETS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'

export type LeadScore = {
  /** Median minus observed, unit of the variable. */
  readonly error: number
  /** See `crpsOf`; for a probability: |p − o| in per cent squared over 100, i.e. 100 × Brier. */
  readonly crps: number
  readonly pit: number
  readonly expectedScale: number
  readonly covered80: boolean
  readonly covered95: boolean
}

const MEDIAN = 3
const Q10 = 1
const Q90 = 5
/** q90 − q10 of a standard normal. */
const NORMAL_80_WIDTH = 2.563103131

/** Scores one forecast (7 ascending quantiles at QUANTILE_LEVELS) against what was observed. */
export function verifyLead(quantiles: ArrayLike<number>, observed: number, variable: ForecastVariable): LeadScore {
  const error = (quantiles[MEDIAN] as number) - observed
  if (variable === 'precipitationProbabilityPct') {
    const brier = (error / 100) ** 2
    const p = (quantiles[MEDIAN] as number) / 100
    return { error, crps: 100 * brier, pit: observed > 0 ? 1 - p / 2 : (1 - p) / 2, expectedScale: 100 * Math.sqrt(Math.max(p * (1 - p), 0.0025)), covered80: true, covered95: true }
  }
  return {
    error,
    crps: crpsOf(quantiles, observed),
    pit: pitOf(quantiles, observed),
    expectedScale: ((quantiles[Q90] as number) - (quantiles[Q10] as number)) / NORMAL_80_WIDTH,
    covered80: observed >= (quantiles[Q10] as number) && observed <= (quantiles[Q90] as number),
    covered95: observed >= (quantiles[0] as number) && observed <= (quantiles[6] as number),
  }
}

/**
 * CRPS as twice the integral of the pinball loss over all levels (Gneiting & Ranjan 2011, eq. 12), with the quantile function linear
 * between the published levels and constant beyond them; exact for that function. Unit of the variable; |error| for a point forecast.
 */
export function crpsOf(quantiles: ArrayLike<number>, observed: number): number {
  const last = QUANTILE_LEVELS.length - 1
  let integral = pinballIntegral(0, QUANTILE_LEVELS[0], quantiles[0] as number, quantiles[0] as number, observed)
  for (let i = 0; i < last; i++) {
    const [from, to] = [QUANTILE_LEVELS[i] as number, QUANTILE_LEVELS[i + 1] as number]
    const [low, high] = [quantiles[i] as number, quantiles[i + 1] as number]
    if (observed > low && observed < high) {
      const at = from + ((observed - low) / (high - low)) * (to - from)
      integral += pinballIntegral(from, at, low, observed, observed) + pinballIntegral(at, to, observed, high, observed)
    } else {
      integral += pinballIntegral(from, to, low, high, observed)
    }
  }
  integral += pinballIntegral(QUANTILE_LEVELS[last] as number, 1, quantiles[last] as number, quantiles[last] as number, observed)
  return 2 * integral
}

/** Pinball loss over levels from…to, the quantile going linearly low…high on one side of the observation; Simpson is exact there. */
function pinballIntegral(from: number, to: number, low: number, high: number, observed: number): number {
  const isBelow = (low + high) / 2 <= observed
  const loss = (level: number, quantile: number): number => (isBelow ? level * (observed - quantile) : (1 - level) * (quantile - observed))
  return ((to - from) / 6) * (loss(from, low) + 4 * loss((from + to) / 2, (low + high) / 2) + loss(to, high))
}

/** Probability integral transform by linear interpolation between the levels; half the outer level beyond the outermost quantile. */
export function pitOf(quantiles: ArrayLike<number>, observed: number): number {
  const last = QUANTILE_LEVELS.length - 1
  if (observed < (quantiles[0] as number)) return QUANTILE_LEVELS[0] / 2
  if (observed > (quantiles[last] as number)) return 1 - (1 - (QUANTILE_LEVELS[last] as number)) / 2
  for (let i = 0; i < last; i++) {
    const low = quantiles[i] as number
    const high = quantiles[i + 1] as number
    if (observed > high) continue
    const share = high > low ? (observed - low) / (high - low) : 0.5
    return (QUANTILE_LEVELS[i] as number) + share * ((QUANTILE_LEVELS[i + 1] as number) - (QUANTILE_LEVELS[i] as number))
  }
  return QUANTILE_LEVELS[last] as number
}

export type BucketScore = {
  readonly leadBucket: string
  readonly n: number
  readonly mae: number
  readonly rmse: number
  readonly bias: number
  readonly crps: number
  readonly coverage80: number
  readonly coverage95: number
}

/** Adds up scores by lead bucket and over all leads. */
export function createBucketScores() {
  const sums = new Map<string, { n: number; absolute: number; squared: number; error: number; crps: number; in80: number; in95: number }>()
  return {
    add(leadHours: number, score: LeadScore): void {
      const bucket = LEAD_BUCKETS.find(({ from, to }) => leadHours >= from && leadHours <= to)?.name
      for (const name of bucket ? [bucket, 'all'] : ['all']) {
        const sum = sums.get(name) ?? { n: 0, absolute: 0, squared: 0, error: 0, crps: 0, in80: 0, in95: 0 }
        sums.set(name, sum)
        sum.n++
        sum.absolute += Math.abs(score.error)
        sum.squared += score.error ** 2
        sum.error += score.error
        sum.crps += score.crps
        sum.in80 += score.covered80 ? 1 : 0
        sum.in95 += score.covered95 ? 1 : 0
      }
    },
    result(): BucketScore[] {
      return [...LEAD_BUCKETS.map(({ name }) => name as string), 'all'].flatMap((leadBucket) => {
        const sum = sums.get(leadBucket)
        if (!sum) return []
        const { n } = sum
        return [{ leadBucket, n, mae: sum.absolute / n, rmse: Math.sqrt(sum.squared / n), bias: sum.error / n, crps: sum.crps / n, coverage80: sum.in80 / n, coverage95: sum.in95 / n }]
      })
    },
  }
}
