/** Runs of one model side by side: what went into each, and its scores by lead bucket beside the baselines. Pure. */
import { LEAD_BUCKETS } from '../schemas/quantities.ts'

export type Run = {
  readonly runId: string
  readonly version: string
  readonly state: string
  readonly family: string
  readonly requestReason: string
  readonly causedBy: string | null
  readonly dataFrom: string | null
  readonly dataTo: string | null
  readonly rows: number
  readonly fitSeconds: number
  readonly codeVersion: string
  readonly metrics: readonly Score[]
  /** Other families on the newest weeks; null when the run is not evaluated, or from before there were comparisons. */
  readonly comparison: {
    readonly notComparedBecause: string | null
    readonly firstOriginAt: string | null
    readonly lastOriginAt: string | null
    readonly origins: number
    readonly families: ReadonlyArray<{
      readonly family: string
      readonly refused: string | null
      readonly metrics: readonly Score[]
    }>
  } | null
}
type Score = { readonly model: string; readonly leadBucket: string } & Readonly<Record<string, unknown>>
export type Comparison = {
  readonly facts: ReadonlyArray<{ readonly fact: string; readonly values: readonly unknown[] }>
  /** What each value of a row of scores is of: version, then model of its run. */
  readonly columns: readonly string[]
  readonly scores: ReadonlyArray<{ readonly leadBucket: string; readonly score: string; readonly values: readonly unknown[] }>
  /** Families of each run side by side. Runs have other weeks: rows of one version compare with each other, not with those of another. */
  readonly families: ReadonlyArray<
    { readonly version: string; readonly family: string; readonly refused: string | null } & Partial<Score>
  >
}

const FACTS = ['state', 'family', 'requestReason', 'causedBy', 'dataFrom', 'dataTo', 'rows', 'fitSeconds', 'codeVersion'] as const
export const SCORES = ['n', 'crps', 'mae', 'rmse', 'bias', 'coverage80', 'coverage95'] as const

export function compareRuns(runs: readonly Run[]): Comparison {
  const columns = runs.flatMap((run) =>
    [...new Set(run.metrics.map(({ model }) => model))].map((model) => ({ run, model, title: `${run.version} ${model}` })),
  )
  const buckets = bucketsOf(runs.flatMap(({ metrics }) => metrics))
  return {
    facts: [
      ...FACTS.map((fact) => ({ fact, values: runs.map((run) => run[fact]) })),
      { fact: 'familiesComparedOn', values: runs.map(comparedOn) },
    ],
    columns: columns.map(({ title }) => title),
    scores: buckets.flatMap((leadBucket) =>
      SCORES.map((score) => ({
        leadBucket,
        score,
        values: columns.map(
          ({ run, model }) => run.metrics.find((one) => one.model === model && one.leadBucket === leadBucket)?.[score] ?? null,
        ),
      })),
    ),
    families: runs.flatMap(familiesOf),
  }
}

function comparedOn({ comparison }: Run): string | null {
  if (comparison === null) return null
  const { notComparedBecause, firstOriginAt, lastOriginAt, origins } = comparison
  return notComparedBecause ?? `${origins} origins, ${firstOriginAt} to ${lastOriginAt}`
}

/** By lead, in the order of the record; what has no scores last. */
function familiesOf({ version, comparison }: Run): Comparison['families'] {
  const all = comparison?.families ?? []
  return [
    ...bucketsOf(all.flatMap(({ metrics }) => metrics)).flatMap((bucket) =>
      all.flatMap(({ family, refused, metrics }) =>
        metrics.filter(({ leadBucket }) => leadBucket === bucket).map((score) => ({ version, family, refused, ...score })),
      ),
    ),
    ...all.filter(({ metrics }) => metrics.length === 0).map(({ family, refused }) => ({ version, family, refused })),
  ]
}

/** By lead, all leads last. */
function bucketsOf(scores: readonly Score[]): string[] {
  const present = new Set(scores.map(({ leadBucket }) => leadBucket))
  return [...LEAD_BUCKETS.map(({ name }) => name as string), 'all'].filter((name) => present.has(name))
}
