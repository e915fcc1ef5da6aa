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
  readonly metrics: ReadonlyArray<{ readonly model: string; readonly leadBucket: string } & Readonly<Record<string, unknown>>>
}
export type Comparison = {
  readonly facts: ReadonlyArray<{ readonly fact: string; readonly values: readonly unknown[] }>
  /** What each value of a row of scores is of: version, then model of its run. */
  readonly columns: readonly string[]
  readonly scores: ReadonlyArray<{ readonly leadBucket: string; readonly score: string; readonly values: readonly unknown[] }>
}

const FACTS = ['state', 'family', 'requestReason', 'causedBy', 'dataFrom', 'dataTo', 'rows', 'fitSeconds', 'codeVersion'] as const
const SCORES = ['n', 'crps', 'mae', 'rmse', 'bias', 'coverage80', 'coverage95'] as const

export function compareRuns(runs: readonly Run[]): Comparison {
  const columns = runs.flatMap((run) =>
    [...new Set(run.metrics.map(({ model }) => model))].map((model) => ({ run, model, title: `${run.version} ${model}` })),
  )
  const present = new Set(runs.flatMap(({ metrics }) => metrics.map(({ leadBucket }) => leadBucket)))
  const buckets = [
    ...LEAD_BUCKETS.map(({ name }) => name as string).filter((name) => present.has(name)),
    ...(present.has('all') ? ['all'] : []),
  ]
  return {
    facts: FACTS.map((fact) => ({ fact, values: runs.map((run) => run[fact]) })),
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
  }
}
