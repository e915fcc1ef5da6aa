import { expect, it } from 'vitest'
import { COLUMN, COLUMN_COUNT } from '../features/index.ts'
import { usualShare } from './usual.ts'

it('pressure hardly fades within hours and is half gone after two days; an hour of wind has a good deal of its own', () => {
  const after = (column: number): number[] => [1, 6, 24, 48].map((hours) => Number(usualShare(column, hours).toFixed(2)))
  expect(after(COLUMN.pressureHpa)).toEqual([1, 0.94, 0.66, 0.42])
  expect(after(COLUMN.windSpeedMps)[0]!).toBeLessThan(0.85)
})

it('is a share, and less the longer ago', () => {
  for (let column = 0; column < COLUMN_COUNT; column++)
    for (let hours = 1; hours <= 168; hours++) {
      const share = usualShare(column, hours)
      expect(share > 0 && share <= 1).toBe(true)
      expect(usualShare(column, hours + 1)).toBeLessThan(share)
    }
})
