import { describe, expect, it } from 'vitest'
import { COLUMN, COLUMN_COUNT, createHourlyGrid, FEATURE_COUNT, FEATURES, HOUR_MS } from '../../forecasting/features/index.ts'
import { rebuildTrainingSet } from './dataset.ts'
import { type DriftChange, type Quarantine, quarantinesOf, withhold } from './quarantine.ts'

const change = (hour: number, state: DriftChange['state'], more: Partial<DriftChange> = {}): DriftChange => ({
  variable: 'temperatureC',
  state,
  cause: state === 'confirmed' ? 'sensor' : 'unknown',
  at: hour * HOUR_MS,
  evidenceFrom: (hour - 24) * HOUR_MS,
  ...more,
})
const hours = (from: number, to: number): Quarantine => ({ variable: 'temperatureC', from: from * HOUR_MS, to: to * HOUR_MS })

describe('quarantine', () => {
  it('lasts from the first day of the evidence until the recovery', () => {
    expect(quarantinesOf([change(100, 'warned'), change(110, 'confirmed'), change(200, 'recovered')], 300 * HOUR_MS)).toEqual([
      hours(86, 200),
    ])
  })
  it('lasts until the cut-off while the fault has not ended, and knows nothing of what came after it', () => {
    const changes = [change(110, 'confirmed'), change(200, 'recovered')]
    expect(quarantinesOf(changes, 150 * HOUR_MS)).toEqual([hours(86, 150)])
    expect(quarantinesOf(changes, 105 * HOUR_MS)).toEqual([])
  })
  it('is for faulty sensors only: of a model that drifted, and of a step that is corrected, the data is good', () => {
    for (const cause of ['model', 'network', 'instrument-change'] as const)
      expect(quarantinesOf([change(110, 'confirmed', { cause })], 150 * HOUR_MS)).toEqual([])
    expect(quarantinesOf([change(110, 'confirmed', { cause: 'feed' })], 150 * HOUR_MS)).toEqual([])
  })
  it('ends without a trace when the same confirmation turns out to have another cause', () => {
    const changes = [change(110, 'confirmed'), change(130, 'confirmed', { cause: 'instrument-change' }), change(200, 'recovered')]
    expect(quarantinesOf(changes, 120 * HOUR_MS)).toEqual([hours(86, 120)])
    expect(quarantinesOf(changes, 300 * HOUR_MS)).toEqual([])
  })
  it('takes one quantity out of the hours and leaves the others', () => {
    const grid = createHourlyGrid(0, 10)
    const row = new Float64Array(COLUMN_COUNT).fill(5)
    for (let hour = 0; hour < 10; hour++) grid.set(hour, row)
    withhold(grid, 0, 10, [hours(3, 5)])
    const column = (name: keyof typeof COLUMN): number[] =>
      Array.from({ length: 10 }, (_, hour) => grid.value(COLUMN[name], hour))
    expect(column('temperatureC')).toEqual([5, 5, 5, Number.NaN, Number.NaN, Number.NaN, 5, 5, 5, 5])
    expect(column('pressureHpa')).toEqual(Array.from({ length: 10 }, () => 5))
  })
  it('keeps what is withheld out of targets and vectors of a training set', () => {
    const rows = Array.from({ length: 10 }, (_, hour) => ({ hour, values: Array.from({ length: COLUMN_COUNT }, () => 7) }))
    const set = rebuildTrainingSet(rows, [], [hours(3, 5)])
    expect([...(set?.targets.temperatureC ?? [])].map(Number.isNaN)).toEqual(rows.map(({ hour }) => hour >= 3 && hour <= 5))
    expect([...(set?.targets.windSpeedMps ?? [])]).toEqual(rows.map(() => 7))
    const temperature = FEATURES.findIndex(
      ({ column, offset, window, kind }) => column === COLUMN.temperatureC && offset === 0 && window === 1 && kind === 'lag',
    )
    const lag = (hour: number): number | undefined => set?.features[hour * FEATURE_COUNT + temperature]
    expect([lag(2), lag(3), lag(5), lag(6)]).toEqual([7, Number.NaN, Number.NaN, 7])
  })
})
