import { expect, it } from 'vitest'
import { createRest } from './rest.ts'

function setUp(times: number) {
  let now = 1000
  const pauses: number[] = []
  const rest = createRest(
    times,
    () => now,
    async (milliseconds) => {
      pauses.push(milliseconds)
      now += milliseconds
    },
  )
  return {
    pauses,
    pass: (milliseconds: number) => void (now += milliseconds),
    work: (milliseconds: number) => rest(async () => void (now += milliseconds)),
  }
}

it('waits after work for as long as it took, and before the first for nothing', async () => {
  const { pauses, work } = setUp(1)
  await work(4000)
  expect(pauses).toEqual([])
  await work(500)
  await work(10)
  expect(pauses).toEqual([4000, 500])
})

it('counts what has passed since, waits a minute at most, and not at all when told so', async () => {
  const one = setUp(1)
  await one.work(4000)
  one.pass(3000)
  await one.work(300_000)
  await one.work(1)
  expect(one.pauses).toEqual([1000, 60_000])
  const none = setUp(0)
  await none.work(4000)
  await none.work(4000)
  expect(none.pauses).toEqual([])
})

it('rests after work that failed as well, and does not begin what may not wait', async () => {
  let now = 0
  let begun = 0
  const rest = createRest(
    2,
    () => now,
    async (milliseconds) => {
      throw new Error(`stopping instead of ${milliseconds}`)
    },
  )
  const failing = async (): Promise<void> => {
    begun++
    now += 50
    throw new Error('failed')
  }
  await expect(rest(failing)).rejects.toThrow('failed')
  await expect(rest(failing)).rejects.toThrow('stopping instead of 100')
  expect(begun).toBe(1)
})
