import { expect, it } from 'vitest'
import { createExclusive } from './exclusive.ts'

it('makes one call at a time, in order, and goes on after one that failed', async () => {
  const exclusive = createExclusive()
  const log: string[] = []
  const call = (name: string) => async () => {
    log.push(`${name} begins`)
    await Promise.resolve()
    log.push(`${name} ends`)
    if (name === 'b') throw new Error('b failed')
    return name
  }
  const [a, b, c] = await Promise.allSettled(['a', 'b', 'c'].map((name) => exclusive(call(name))))
  expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  expect([a?.status, b?.status, c]).toEqual(['fulfilled', 'rejected', { status: 'fulfilled', value: 'c' }])
})
