import { expect, it } from 'vitest'
import { compareRuns, type Run } from './compare-runs.ts'

const score = (model: string, leadBucket: string, crps: number) => ({
  model,
  leadBucket,
  n: 10,
  crps,
  mae: crps,
  rmse: crps,
  bias: 0,
  coverage80: 0.8,
  coverage95: 0.95,
})
const run = (version: string, metrics: Run['metrics']): Run => ({
  runId: `run-${version}`,
  version,
  state: 'promoted',
  family: 'ridge',
  requestReason: 'drift',
  causedBy: null,
  dataFrom: null,
  dataTo: null,
  rows: 100,
  fitSeconds: 1,
  codeVersion: '0.1.0',
  metrics,
})

it('puts every model of every run beside the others, leads in their order, all of them last', () => {
  const { columns, scores, facts } = compareRuns([
    run('a', [score('candidate', 'all', 2), score('candidate', '7-24', 1.5), score('persistence', '7-24', 3)]),
    run('b', [score('candidate', '1-6', 0.5), score('candidate', '7-24', 1.2)]),
  ])
  expect(columns).toEqual(['a candidate', 'a persistence', 'b candidate'])
  const crps = scores.filter((row) => row.score === 'crps')
  expect(crps.map(({ leadBucket, values }) => [leadBucket, ...values])).toEqual([
    ['1-6', null, null, 0.5],
    ['7-24', 1.5, 3, 1.2],
    ['all', 2, null, null],
  ])
  expect(facts.find(({ fact }) => fact === 'rows')?.values).toEqual([100, 100])
})
