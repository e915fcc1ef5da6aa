import { describe, expect, it } from 'vitest'
import { runDisposable } from './disposable.ts'
import type { PeerRequest } from './protocol.ts'

const START = Date.UTC(2023, 0, 1) / 3_600_000
const cycle = (i: number): number => 10 + 5 * Math.sin((2 * Math.PI * (START + i)) / 24) + 0.3 * Math.sin(i * i)
const request = (family: PeerRequest['family'], hours = 20 * 24): PeerRequest => ({
  family,
  startHour: START,
  values: Array.from({ length: hours }, (_, i) => (i % 50 === 7 ? null : cycle(i))),
  steps: 48,
})
const LIMITS = { seconds: 120, megabytes: 1500 }

describe('families in a process of their own', { timeout: 180_000 }, () => {
  it.each(['prophet', 'sarimax'] as const)('%s follows a daily cycle, and says the same when asked again', (family) => {
    const answer = runDisposable(request(family), LIMITS)
    if (!answer.ok) throw new Error(answer.refused)
    expect(answer.mean.length).toBe(48)
    answer.mean.forEach((value, h) => expect(Math.abs(value - cycle(20 * 24 + h))).toBeLessThan(1.5))
    expect(Math.min(...answer.deviation)).toBeGreaterThan(0)
    expect(runDisposable(request(family), LIMITS)).toEqual(answer)
  })

  it('refuse with the reason: out of time, out of memory, too little history', () => {
    expect(runDisposable(request('sarimax'), { seconds: 0.001, megabytes: 1500 })).toEqual({
      ok: false,
      refused: 'sarimax: no answer within 0.001 s',
    })
    expect(runDisposable(request('prophet', 3 * 8766), { seconds: 120, megabytes: 1 })).toEqual({
      ok: false,
      refused: 'prophet: took more than 1 MB of memory',
    })
    expect(runDisposable(request('prophet', 10), LIMITS)).toMatchObject({ ok: false, refused: expect.stringMatching(/needs 48/) })
  })
})
