import { describe, expect, it } from 'vitest'
import { MIN_ERROR_ROWS, probabilityInWindow } from '../../forecasting/products/window-probability.ts'
import { createRng } from '../../forecasting/verification/index.ts'
import { aControl, aForecast, aVerification, createTestApp, HOUR_MS, NOON } from '../testing/app.ts'

type Answer = {
  probability: number | null
  probabilityReason: string | null
  low: number
  high: number
  rows: number
  missingHours: number
  status: string
  hourly: { time: string[]; probability: number[] }
}
const PATH = '/v1/stations/jfk/probability'

/** A forecast, and errors of 60 past ones that fade slowly from hour to hour. */
function withForecast(options: { publicRead?: boolean } = {}) {
  const test = createTestApp(options)
  const rng = createRng(4)
  test.control(aControl())
  test.snapshot.applyForecast(aForecast())
  test.world.pastErrors = Array.from({ length: 60 }, () => {
    let error = 0
    return Array.from({ length: 168 }, () => (error = 0.9 * error + rng() - 0.5))
  })
  const ask = async (query: string): Promise<Answer> => (await (await test.get(`${PATH}?${query}`)).json()) as Answer
  const refused = async (query: string) => {
    const response = await test.get(`${PATH}?${query}`)
    const body = (await response.json()) as { code: string; detail: string; errors?: Array<{ code: string; parameter?: string }> }
    return { status: response.status, ...body }
  }
  return { ...test, ask, refused }
}

describe('probability of a threshold within the coming hours', () => {
  it('is that of the newest forecast and the past errors at the hours that are ahead', async () => {
    const { ask, world } = withForecast()
    world.now = NOON + 1.5 * HOUR_MS
    const { quantiles } = aForecast()
    for (const side of ['at-most', 'at-least'] as const) {
      for (const hours of ['any', 'all'] as const) {
        const name = side === 'at-most' ? 'atMost' : 'atLeast'
        const answer = await ask(`variable=temperatureC&${name}=20.9&withinHours=12&hours=${hours}`)
        // Lead 1 has passed: leads 2 to 13.
        const expected = probabilityInWindow(
          quantiles.slice(1, 13),
          world.pastErrors.map((row) => row.slice(1, 13)),
          { threshold: 20.9, side, hours },
        )
        expect(expected.low).toBeLessThan(expected.probability!)
        expect(answer).toEqual({
          stationId: 'jfk',
          variable: 'temperatureC',
          unit: '°C',
          side,
          threshold: 20.9,
          hours,
          from: '2013-07-01T14:00:00Z',
          to: '2013-07-02T01:00:00Z',
          missingHours: 0,
          issuedAt: '2013-07-01T12:00:00Z',
          modelVersion: 'v1',
          status: 'fresh',
          statusReason: null,
          probability: expected.probability,
          probabilityReason: null,
          low: expected.low,
          high: expected.high,
          rows: 60,
          hourly: {
            time: Array.from({ length: 12 }, (_, i) => new Date(NOON + (i + 2) * HOUR_MS).toISOString().replace('.000Z', 'Z')),
            probability: expected.hourly,
          },
        })
      }
    }
    expect((await ask('variable=temperatureC&atMost=20')).hourly.time).toHaveLength(24)
  })

  it('is not named while too few past forecasts have verified; the bounds are', async () => {
    const { ask, world } = withForecast()
    world.pastErrors.length = MIN_ERROR_ROWS - 1
    const answer = await ask('variable=temperatureC&atLeast=21&withinHours=6')
    expect(answer).toMatchObject({ probability: null, rows: MIN_ERROR_ROWS - 1, status: 'fresh' })
    expect(answer.probabilityReason).toContain(`${MIN_ERROR_ROWS - 1} verified at all these hours; ${MIN_ERROR_ROWS} are needed`)
    expect(answer.low).toBe(Math.max(...answer.hourly.probability))
    expect(answer.high).toBeGreaterThan(answer.low)
  })

  it('reads past errors once for every threshold, until more has verified, a newer forecast is there, or a minute has passed', async () => {
    const { ask, world, snapshot, verification } = withForecast()
    const rows = async (atMost = 20): Promise<number> => (await ask(`variable=temperatureC&atMost=${atMost}`)).rows
    const verify = (): void => void (world.pastErrors = world.pastErrors.slice(1))
    expect(await rows()).toBe(60)
    verify()
    expect([await rows(), await rows(19)]).toEqual([60, 60])
    // Nothing of it is what champions forecast of this variable.
    verification(aVerification({ role: 'challenger' }))
    verification(aVerification({ variable: 'dewPointC' }))
    expect(await rows()).toBe(60)
    verification(aVerification())
    expect(await rows()).toBe(59)
    verify()
    snapshot.applyForecast(aForecast({ issuedAt: (world.now += HOUR_MS) }))
    expect(await rows()).toBe(58)
    verify()
    world.wallNow += 59_000
    expect(await rows()).toBe(58)
    world.wallNow += 1000
    expect(await rows()).toBe(57)
  })

  it('keeps no failure of the store', async () => {
    const { ask, get, world } = withForecast()
    const query = 'variable=temperatureC&atMost=20'
    world.pastErrorsFail = new Error('down')
    expect((await get(`${PATH}?${query}`)).status).toBe(500)
    world.pastErrorsFail = null
    expect((await ask(query)).rows).toBe(60)
  })

  it('says what the forecast does not reach, and how old it is', async () => {
    const { ask, get, world, snapshot, refused } = withForecast()
    const query = 'variable=temperatureC&atMost=20&withinHours=168'
    world.now = NOON + 30 * HOUR_MS
    const answer = await ask(query)
    expect(answer).toMatchObject({ status: 'stale', missingHours: 30, rows: 60 })
    expect(answer.hourly.time).toHaveLength(138)
    expect((await get(`${PATH}?${query}`)).headers.get('isobar-status')).toBe('stale')
    world.now = NOON + 49 * HOUR_MS
    expect(await refused(query)).toMatchObject({ status: 503, code: 'forecast-too-old' })
    const forecast = aForecast({ issuedAt: world.now })
    snapshot.applyForecast({
      ...forecast,
      quantiles: forecast.quantiles.map((values, i) => (i === 0 ? values.map(() => NaN) : values)),
    })
    expect(await ask('variable=temperatureC&atMost=20&withinHours=3')).toMatchObject({ status: 'fresh', missingHours: 1 })
    expect(await refused('variable=temperatureC&atMost=20&withinHours=1')).toMatchObject({ status: 503, code: 'no-forecast' })
    // A clock that has seen nothing since a restart is not before the forecast.
    world.now = 0
    expect((await ask('variable=temperatureC&atMost=20&withinHours=2')).hourly.time).toEqual(['2013-07-03T15:00:00Z'])
  })

  it('says what is wrong with a question', async () => {
    const { refused, get } = withForecast()
    for (const [query, parameter, code] of [
      ['atMost=0', 'variable', 'invalid_type'],
      ['variable=temperature&atMost=0', 'variable', 'unknown-variable'],
      ['variable=precipitationProbabilityPct&atLeast=50', 'variable', 'no-threshold'],
      ['variable=temperatureC', 'atMost', 'one-threshold'],
      ['variable=temperatureC&atMost=0&atLeast=5', 'atMost', 'one-threshold'],
      ['variable=temperatureC&atMost=', 'atMost', 'too_small'],
      ['variable=temperatureC&atMost=cold', 'atMost', 'invalid_type'],
      ['variable=temperatureC&atLeast=Infinity', 'atLeast', 'invalid_type'],
      ['variable=temperatureC&atMost=0&withinHours=0', 'withinHours', 'too_small'],
      ['variable=temperatureC&atMost=0&withinHours=169', 'withinHours', 'too_big'],
      ['variable=temperatureC&atMost=0&hours=most', 'hours', 'invalid_value'],
      ['variable=temperatureC&atMost=0&within=6', 'within', 'unknown-parameter'],
    ] as const) {
      const { status, errors } = await refused(query)
      expect([status, errors?.[0]?.parameter, errors?.[0]?.code], query).toEqual([400, parameter, code])
    }
    expect((await get('/v1/stations/jkf/probability?variable=temperatureC&atMost=0')).status).toBe(404)
    expect(await refused('variable=windSpeedMps&atLeast=10')).toMatchObject({ status: 503, code: 'no-forecast' })
    expect((await withForecast({ publicRead: false }).refused('variable=temperatureC&atMost=0')).status).toBe(401)
  })
})
