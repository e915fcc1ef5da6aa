/** What is kept of a piece: scores by model, season and lead bucket, and scores of each origin for paired tests. */
import {
  type BucketScore,
  bucketOf,
  createBucketScores,
  pitHistogram,
  sharpness,
  verifyLead,
} from '../../forecasting/verification/index.ts'
import {
  type ForecastVariable,
  HORIZON_HOURS,
  LEAD_BUCKETS,
  type LeadBucketName,
  QUANTILE_LEVELS,
} from '../../schemas/quantities.ts'
import type { OriginResult } from '../../cli/evaluate/origins.ts'

const Q = QUANTILE_LEVELS.length
const HOUR_MS = 3_600_000

export const BUCKETS: readonly LeadBucketName[] = [...LEAD_BUCKETS.map(({ name }) => name), 'all']
/** Summer: April to September, in the south October to March; of the hour forecast. */
export const SEASONS = ['year', 'summer', 'winter'] as const
export type Season = (typeof SEASONS)[number]

/** Unit of the variable; coverages and PIT densities as in forecasting/verification. */
export type Cell = Omit<BucketScore, 'leadBucket'> & {
  readonly model: string
  readonly season: Season
  readonly bucket: LeadBucketName
  readonly width80: number
  readonly width95: number
  readonly pit: readonly number[]
}

/** Mean |error| and CRPS of each origin, by bucket; null where nothing was observed. */
export type OriginScores = {
  readonly mae: ReadonlyArray<number | null>
  readonly crps: ReadonlyArray<number | null>
}

export type PieceSummary = {
  readonly label: string
  readonly network: string
  readonly variable: ForecastVariable
  /** See engineOf. */
  readonly engine: string
  readonly everyHours: number
  readonly refitHours: number
  readonly historyDays: number
  readonly origins: readonly number[]
  readonly refused: Readonly<Record<string, { count: number; first: string }>>
  readonly cells: readonly Cell[]
  readonly byOrigin: Readonly<Record<string, Readonly<Record<string, OriginScores>>>>
}

/** `common`: origins that every model of `models` answered, in order. */
export function summarise(
  models: readonly string[],
  common: readonly OriginResult[],
  variable: ForecastVariable,
  isSouthern: boolean,
): Pick<PieceSummary, 'cells' | 'byOrigin'> {
  const isSummer = Array.from({ length: 12 }, (_, month) => (month >= 3 && month <= 8) !== isSouthern)
  const cells: Cell[] = []
  const byOrigin: Record<string, Record<string, OriginScores>> = {}
  for (const model of models) {
    const groups = new Map<string, { scores: ReturnType<typeof createBucketScores>; pits: number[]; quantiles: Float32Array[] }>()
    const series = new Map(
      BUCKETS.map((bucket) => [bucket, { mae: [] as Array<number | null>, crps: [] as Array<number | null> }]),
    )
    for (const { origin, answers, observed } of common) {
      const answer = answers[model]
      if (!answer?.ok) throw new Error(`${model} has no answer at an origin of common support`)
      const own = createBucketScores()
      for (let h = 0; h < HORIZON_HOURS; h++) {
        if (Number.isNaN(observed[h]!)) continue
        const quantiles = answer.quantiles.subarray(h * Q, (h + 1) * Q)
        const score = verifyLead(quantiles, observed[h]!, variable)
        own.add(h + 1, score)
        const season = isSummer[new Date((origin + h + 1) * HOUR_MS).getUTCMonth()] ? 'summer' : 'winter'
        for (const name of ['year', season] as const)
          for (const bucket of [bucketOf(h + 1)!, 'all'] as const) {
            const key = `${name} ${bucket}`
            const group = groups.get(key) ?? { scores: createBucketScores(), pits: [], quantiles: [] }
            groups.set(key, group)
            group.scores.add(h + 1, score)
            group.pits.push(score.pit)
            group.quantiles.push(quantiles)
          }
      }
      const result = own.result()
      for (const [bucket, { mae, crps }] of series) {
        const score = result.find(({ leadBucket }) => leadBucket === bucket)
        mae.push(score ? rounded(score.mae) : null)
        crps.push(score ? rounded(score.crps) : null)
      }
    }
    for (const season of SEASONS)
      for (const bucket of BUCKETS) {
        const group = groups.get(`${season} ${bucket}`)
        const score = group?.scores.result().find(({ leadBucket }) => leadBucket === bucket)
        if (!group || !score) continue
        const { leadBucket: _, ...sums } = score
        const { meanWidth80: width80, meanWidth95: width95 } = sharpness(group.quantiles)
        cells.push({ model, season, bucket, ...sums, width80, width95, pit: pitHistogram(group.pits).density })
      }
    byOrigin[model] = Object.fromEntries(series)
  }
  return { cells, byOrigin }
}

function rounded(value: number): number {
  return Number(value.toPrecision(6))
}
