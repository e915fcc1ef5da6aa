import { describe, expect, it } from 'vitest'
import { createReading } from './reading.ts'

const BREAK_MS = 3000

function createWorld() {
  let now = 0
  const reading = createReading(BREAK_MS, () => now)
  return {
    reading,
    /** Polls each second for so long. */
    listen: (ms: number): void => {
      for (const end = now + ms; now < end;) {
        now += 1000
        reading.polled()
      }
    },
    pause: (ms: number): void => {
      now += ms
    },
  }
}

describe('how long a partition has been listened to', () => {
  it('is as long as polls have come back, once it has been read to its end', () => {
    const { reading, listen } = createWorld()
    listen(5000)
    reading.begun('a|0')
    expect(reading.listeningMs('a|0')).toBe(0)
    reading.reachedEnd('a|0')
    listen(4000)
    expect([reading.listeningMs('a|0'), reading.listeningMs('a|1')]).toEqual([8000, 0])
  })
  it('is nothing before the partition has been read to its end', () => {
    const { reading, listen } = createWorld()
    listen(60_000)
    expect(reading.listeningMs('a|0')).toBe(0)
    reading.reachedEnd('a|0')
    reading.begun('a|0')
    listen(20_000)
    expect(reading.listeningMs('a|0')).toBe(0)
  })
  it('begins anew after a pause of the reader, and is nothing during it', () => {
    const { reading, listen, pause } = createWorld()
    listen(1000)
    reading.reachedEnd('a|0')
    listen(20_000)
    pause(12_000)
    expect(reading.listeningMs('a|0')).toBe(0)
    listen(1000)
    expect(reading.listeningMs('a|0')).toBe(0)
    listen(9000)
    expect(reading.listeningMs('a|0')).toBe(9000)
  })
  it('is nothing of what was assigned before', () => {
    const { reading, listen } = createWorld()
    listen(1000)
    reading.reachedEnd('a|0')
    listen(20_000)
    reading.assigned()
    listen(20_000)
    expect(reading.listeningMs('a|0')).toBe(0)
  })
})
