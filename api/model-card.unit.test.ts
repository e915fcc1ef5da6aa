import { describe, expect, it } from 'vitest'
import type { Lifecycle } from '../schemas/generated/types.ts'
import { modelCard } from './model-card.ts'

const at = Date.UTC(2013, 6, 17)
const score = (model: string, leadBucket: string, crps: number) => ({
  model,
  leadBucket,
  n: 10,
  mae: 1,
  rmse: 1.5,
  bias: -0.25,
  crps,
  coverage80: 0.8,
  coverage95: 0.95,
})
const event = (name: Lifecycle['event'], hour: number, more: Partial<Lifecycle> = {}): Lifecycle => ({
  eventId: `lifecycle/run/${name}`,
  runId: 'run',
  stationId: 'jfk',
  variable: 'temperatureC',
  version: '2013071700-run',
  event: name,
  at: at + hour * 3_600_000,
  family: '',
  reasons: [],
  metrics: [],
  artefact: null,
  evaluation: null,
  dataFrom: at - 1000,
  dataTo: at,
  rows: 0,
  seed: 7,
  featureSet: 'abc',
  codeVersion: '0.1.0',
  fitSeconds: 0,
  requestReason: 'drift',
  causedBy: null,
  actor: 'training',
  changePoints: [],
  waitsFor: [],
  comparison: null,
  ...more,
})
const artefact = { uri: 'file:x', sha256: 'f00', bytes: 1234 }
const life = [
  event('accepted', 200, {
    actor: 'promotion',
    reasons: ['better: 14 % | 2 to 26'],
    metrics: [score('candidate', '1-6', 0.4), score('champion', '1-6', 0.5)],
    evaluation: artefact,
    artefact,
  }),
  event('evaluated', 0, {
    family: 'ridge',
    artefact,
    rows: 6074,
    fitSeconds: 1.257,
    metrics: [score('candidate', 'all', 2), score('persistence', 'all', 3), score('candidate', '1-6', 0.6)],
    changePoints: [{ variable: 'temperatureC', at, offset: 2.5 }],
  }),
  event('training-started', 0, { causedBy: 'drift/jfk/1', changePoints: [{ variable: 'temperatureC', at, offset: 2.5 }] }),
]

describe('model card', () => {
  const card = modelCard(life)
  it('says what the model is made of and what caused it', () => {
    expect(card).toMatch(/^# jfk\/temperatureC 2013071700-run\n/)
    for (const fact of [
      'drift, drift/jfk/1',
      '6074',
      '1.26 s',
      '1234 bytes, SHA-256 f00',
      '| Seed | 7 |',
      '| Feature set | abc |',
    ])
      expect(card).toContain(fact)
  })
  it('keeps the scores of the training run and those beside the champion apart, buckets in their order', () => {
    const rows = card.split('\n').filter((row) => /candidate|champion|persistence/.test(row) && row.startsWith('|'))
    expect(rows.map((row) => row.split(' | ').slice(0, 2).join())).toEqual([
      '| 1-6,candidate',
      '| all,candidate',
      '| all,persistence',
      '| 1-6,candidate',
      '| 1-6,champion',
    ])
    expect(rows[0]).toContain('0.600')
    expect(rows[3]).toContain('0.400')
  })
  it('puts other families beside it in a table of their own, and says who has no scores; or why there is none', () => {
    const comparison = {
      notComparedBecause: null,
      firstOriginAt: at - 28 * 86_400_000,
      lastOriginAt: at,
      originHour: 4,
      origins: 28,
      families: [
        { family: 'ridge', refused: null, seconds: 1, metrics: [score('ridge', '1-6', 0.7)] },
        { family: 'sarimax', refused: 'too-slow: no model within 300 s', seconds: 0, metrics: [] },
      ],
    }
    const [accepted, evaluated, started] = life
    const titled = '## Families side by side'
    const of = (more: Lifecycle['comparison']) => modelCard([accepted!, { ...evaluated!, comparison: more }, started!])
    const side = of(comparison).slice(of(comparison).indexOf(titled), of(comparison).indexOf('## Scores beside the champion'))
    expect(side).toMatch(/^\| 1-6 \| ridge \| 10 \| .* 0\.700 /m)
    expect(side).toContain('| sarimax | – | too-slow: no model within 300 s |')
    expect(side).toContain('28 origins at 4:00 UTC, 2013-06-19T00:00:00.000Z to 2013-07-17T00:00:00.000Z')
    expect(side).not.toContain('candidate')
    expect(of({ ...comparison, notComparedBecause: 'cold-start: later', families: [] })).toContain(
      'Not compared. cold-start: later',
    )
    expect(card).not.toContain(titled)
  })
  it('tells what happened, oldest first; a bar in a reason ends no cell', () => {
    const told = card.slice(card.indexOf('## What happened'))
    expect(told.indexOf('training-started')).toBeLessThan(told.indexOf('accepted'))
    expect(told).toContain('better: 14 % \\| 2 to 26')
  })
  it('of a failed run says so', () => {
    expect(modelCard([event('failed', 1, { reasons: ['no-history'] }), event('training-started', 0)])).toMatch(
      /none: the run failed/,
    )
  })
})
