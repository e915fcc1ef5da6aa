import { expect, it } from 'vitest'
import { createClock } from '../../infra/runtime/clock.ts'
import { createSettledClock } from './settled-clock.ts'

it('follows event time three seconds of wall time behind, and catches up when nothing comes', () => {
  const clock = createClock('stream')
  let wall = 0
  const settled = createSettledClock(clock, () => wall)
  const reach = (event: number): void => {
    clock.observe(event)
    settled.note()
  }
  reach(1000)
  expect(settled.now()).toBe(1000)
  for (let second = 1; second <= 10; second++) {
    wall = second * 1000
    reach(1000 + second)
  }
  expect(settled.now()).toBe(1007)
  wall = 12_999
  expect(settled.now()).toBe(1009)
  wall = 13_000
  expect(settled.now()).toBe(1010)
  // A burst within a tenth of a second is one entry, settled with its newest.
  reach(2000)
  wall = 13_050
  reach(3000)
  wall = 16_000
  expect(settled.now()).toBe(3000)
})

it('is the system clock where that is the clock', () => {
  const clock = createClock('system')
  expect(Math.abs(createSettledClock(clock, () => 0).now() - Date.now())).toBeLessThan(1000)
})
