import { describe, expect, it } from 'vitest'
import type { Control, ReplicaStatus } from '../../schemas/generated/types.ts'
import { fleetOf } from './fleet.ts'

const DAY_MS = 24 * 3_600_000
const NOW = Date.UTC(2026, 0, 31)

const order = (variable: Control['variable'], version: string, offset: number) => ({
  control: { stationId: 'jfk', variable, champion: { version } } as Control,
  offset,
})
const report = (
  replicaId: string,
  variable: Control['variable'],
  servingVersion: string,
  controlOffset: number,
  daysAgo: number,
): ReplicaStatus => ({
  replicaId,
  stationId: 'jfk',
  variable,
  version: servingVersion,
  servingVersion,
  state: 'serving',
  error: null,
  since: NOW - daysAgo * DAY_MS,
  controlOffset,
  swapMilliseconds: 1,
})

/** Reports of one replica: of temperature, and of the dew point 20 days ago. */
const reportsOf = (replicaId: string, version: string, offset: number, daysAgo: number): ReplicaStatus[] => [
  report(replicaId, 'temperatureC', version, offset, daysAgo),
  report(replicaId, 'dewPointC', 'd1', 2, 20),
]

describe('the fleet', () => {
  const orders = [order('temperatureC', 't2', 7), order('dewPointC', 'd1', 2)]

  it('counts the replicas that serve every champion', () => {
    const fleet = fleetOf([...reportsOf('r0', 't2', 7, 1), ...reportsOf('r1', 't1', 3, 20)], orders, NOW)
    expect(fleet).toMatchObject({ replicas: ['r0', 'r1'], gone: [], converged: 1 })
    expect(fleet.models.map(({ version, converged }) => [version, converged])).toEqual([
      ['t2', 1],
      ['d1', 2],
    ])
  })

  it('no longer waits for one that has told nothing for a week while an order of a week ago stands unanswered', () => {
    const fleet = fleetOf([...reportsOf('r0', 't2', 7, 8), ...reportsOf('old-pod', 't1', 3, 20)], orders, NOW)
    expect(fleet).toMatchObject({ replicas: ['r0'], gone: ['old-pod'], converged: 1 })
    expect(fleet.models.map(({ converged }) => converged)).toEqual([1, 1])
  })

  it('keeps one that was asked nothing for long, and one that has just come and has not loaded everything', () => {
    const quiet = [report('r0', 'temperatureC', 't2', 7, 90), report('r0', 'dewPointC', 'd1', 2, 90)]
    expect(fleetOf(quiet, orders, NOW)).toMatchObject({ replicas: ['r0'], gone: [], converged: 1 })
    const coming = [...quiet, report('r9', 'dewPointC', 'd1', 2, 0)]
    expect(fleetOf(coming, orders, NOW)).toMatchObject({ replicas: ['r0', 'r9'], gone: [], converged: 1 })
  })
})
