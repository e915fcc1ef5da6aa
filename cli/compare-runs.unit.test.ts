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
  comparison: null,
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

it('puts the families of a run side by side, by lead, and says who has no scores and what they were compared on', () => {
  const comparison: Run['comparison'] = {
    notComparedBecause: null,
    firstOriginAt: '2013-06-01T04:00:00.000Z',
    lastOriginAt: '2013-06-28T04:00:00.000Z',
    origins: 28,
    families: [
      { family: 'sarimax', refused: 'too-slow', metrics: [] },
      { family: 'ridge', refused: null, metrics: [score('ridge', '1-6', 0.5), score('ridge', 'all', 2)] },
      { family: 'persistence', refused: null, metrics: [score('persistence', '1-6', 1), score('persistence', 'all', 3)] },
    ],
  }
  const why = { notComparedBecause: 'cold-start', firstOriginAt: null, lastOriginAt: null, origins: 0, families: [] }
  const { families, facts } = compareRuns([
    { ...run('a', []), comparison },
    { ...run('b', []), comparison: why },
    { ...run('c', []), comparison: null },
  ])
  expect(families.map(({ version, leadBucket, family, crps, refused }) => [version, leadBucket, family, crps, refused])).toEqual([
    ['a', '1-6', 'ridge', 0.5, null],
    ['a', '1-6', 'persistence', 1, null],
    ['a', 'all', 'ridge', 2, null],
    ['a', 'all', 'persistence', 3, null],
    ['a', undefined, 'sarimax', undefined, 'too-slow'],
  ])
  expect(facts.find(({ fact }) => fact === 'familiesComparedOn')?.values).toEqual([
    '28 origins, 2013-06-01T04:00:00.000Z to 2013-06-28T04:00:00.000Z',
    'cold-start',
    null,
  ])
})
