import { describe, expect, it } from 'vitest'
import { differences } from './differences.ts'

const START = Date.UTC(2013, 6, 1) / 3_600_000
const rows = (hours: readonly number[], n: number, stationId = 'ewr') =>
  hours.map((hour) => ({ what: 'leads', stationId, hour: START + hour, n, unique: n }))

describe('differences', () => {
  it('are none when the counts are the same, in whatever order', () => {
    expect(differences(rows([0, 1, 2], 6), rows([2, 0, 1], 6))).toEqual([])
  })
  it('name what was lost, doubled or not expected, one line per run of hours', () => {
    const found = [...rows([0, 4], 6), ...rows([3], 2), ...rows([5], 6).map((row) => ({ ...row, n: 12 })), ...rows([9], 6, 'jfk')]
    expect(differences(rows([0, 1, 2, 3, 4, 5], 6), found)).toEqual([
      'leads: 5 of 6 station-hours differ',
      'leads doubled: ewr 2013-07-01T05:00…2013-07-01T05:00 (1 h): 12 rows, 6 different, 6 expected',
      'leads lost: ewr 2013-07-01T01:00…2013-07-01T03:00 (3 h): 2 rows, 2 different, 18 expected',
      'leads not expected: jfk 2013-07-01T09:00…2013-07-01T09:00 (1 h): 6 rows, 6 different, 0 expected',
    ])
  })
  it('fit on a screen', () => {
    expect(
      differences(
        rows(
          Array.from({ length: 90 }, (_, i) => 2 * i),
          1,
        ),
        [],
      ),
    ).toHaveLength(22)
  })
})
