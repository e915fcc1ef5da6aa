import { describe, expect, it } from 'vitest'
import type { FetchAnswer } from '../shared/http-fetch.ts'
import { fetchOpenMeteo } from './fetch-station.ts'
import { currentObservation, hourlyObservations, parseAnswers, waitFromBody } from './parse.ts'
import { openMeteoStations } from './stations.ts'

const T0 = Date.UTC(2025, 2, 1, 12)
const HOUR = 3_600_000
const answer = {
  latitude: 48.86,
  longitude: 2.34,
  utc_offset_seconds: 0,
  timezone: 'GMT',
  current_units: { time: 'unixtime', interval: 'seconds', temperature_2m: '°C', precipitation: 'mm', wind_speed_10m: 'm/s' },
  current: { time: (T0 + 900_000) / 1000, interval: 900, temperature_2m: 8.4, precipitation: 0.2, wind_speed_10m: 4 },
  hourly_units: {
    time: 'unixtime',
    temperature_2m: '°C',
    precipitation: 'mm',
    wind_speed_10m: 'km/h',
    wind_direction_10m: '°',
    snow_depth: 'm',
  },
  hourly: {
    time: [T0 - HOUR, T0, T0 + HOUR, T0 + 2 * HOUR].map((ms) => ms / 1000),
    temperature_2m: [7.9, 8.2, null, 9.5],
    precipitation: [0, 0.3, null, 0],
    wind_speed_10m: [18, 0, null, 10],
    wind_direction_10m: [200, 210, null, 220],
    snow_depth: [0.05, 0.04, null, 0],
  },
}
const parse = (json: unknown) => {
  const [first] = parseAnswers(json)
  if (!first) throw new Error('no answer')
  return first
}

describe('Open-Meteo', () => {
  it('takes the past hours as analyses in our units and leaves forecasts and empty hours out', () => {
    const observations = hourlyObservations(parse(answer), 'paris', T0 + HOUR, T0 + HOUR)
    expect(observations.map((o) => o.observedAt)).toEqual([T0 - HOUR, T0])
    expect(observations[0]).toMatchObject({
      stationId: 'paris',
      kind: 'analysis',
      source: 'open-meteo',
      receivedAt: T0 + HOUR,
      temperatureC: 7.9,
      windSpeedMps: 5,
      windDirectionDeg: 200,
      snowDepthCm: 5,
      pressureHpa: null,
    })
    expect(observations[1]).toMatchObject({ windSpeedMps: 0, windDirectionDeg: null, precipitationMm: 0.3 })
  })

  it('never takes the quarter-hour precipitation of the current conditions for an hourly sum', () => {
    expect(currentObservation(parse(answer), 'paris', T0 + HOUR)).toMatchObject({
      observedAt: T0 + 900_000,
      temperatureC: 8.4,
      precipitationMm: null,
    })
    const atFullHour = { ...answer, current: { ...answer.current, time: T0 / 1000 } }
    expect(currentObservation(parse(atFullHour), 'paris', T0)).toBeNull()
  })

  it('reads local times by the offset of the answer', () => {
    const local = {
      ...answer,
      utc_offset_seconds: 3600,
      hourly: { ...answer.hourly, time: ['2025-03-01T12:00', '2025-03-01T13:00', '2025-03-01T14:00', '2025-03-01T15:00'] },
    }
    expect(hourlyObservations(parse(local), 'paris', T0 + HOUR, T0)[0]?.observedAt).toBe(T0 - HOUR)
  })

  it('reads a list of places', () => {
    expect(parseAnswers([answer, { ...answer, location_id: 1 }])).toHaveLength(2)
  })

  it.each([
    ['an unknown unit', { ...answer, hourly_units: { ...answer.hourly_units, wind_speed_10m: 'furlong/fortnight' } }, /furlong/],
    ['columns of different length', { ...answer, hourly: { ...answer.hourly, temperature_2m: [1] } }, /temperature_2m/],
    ['text for a number', { ...answer, hourly: { ...answer.hourly, temperature_2m: ['1', '2', '3', '4'] } }, /temperature_2m/],
  ])('refuses %s', (_name, json, expected) => {
    expect(() => hourlyObservations(parse(json), 'paris', T0, T0)).toThrow(expected)
  })

  it('refuses what is no answer', () => {
    expect(() => parseAnswers({ error: true, reason: 'x' })).toThrow(/unknown form/)
  })

  it('waits for the next full minute, hour or day when a limit is reached', () => {
    const now = Date.UTC(2025, 2, 1, 12, 30, 45)
    expect(waitFromBody('Minutely API request limit exceeded.', now)).toBe(16_000)
    expect(waitFromBody('Hourly API request limit exceeded.', now)).toBe(29 * 60_000 + 16_000)
    expect(waitFromBody('Daily API request limit exceeded.', now)).toBe(11 * HOUR + 29 * 60_000 + 16_000)
    expect(waitFromBody('Too many concurrent requests', now)).toBeNull()
  })

  it('asks the archive for the distant past and the forecast API for the last 90 days, without a hole between', async () => {
    const urls: URL[] = []
    const fetch = async (url: URL): Promise<FetchAnswer> => {
      urls.push(url)
      return { kind: 'ok', body: new TextEncoder().encode(JSON.stringify(answer)) }
    }
    const now = T0 + HOUR
    const from = now - 150 * 24 * HOUR
    const deps = {
      fetch,
      urls: { forecast: 'https://f.example/v1', archive: 'https://a.example/v1' },
      signal: new AbortController().signal,
    }
    const portions = []
    for await (const portion of fetchOpenMeteo({ stationId: 'paris', latitude: 48.86, longitude: 2.34 }, { from, now }, deps))
      portions.push(portion)
    const spans = urls
      .filter((u) => u.host === 'a.example')
      .map((u) => [u.searchParams.get('start_date'), u.searchParams.get('end_date')])
    expect(spans).toEqual([
      ['2024-10-02', '2024-11-01'],
      ['2024-11-02', '2024-11-30'],
    ])
    const last = urls.at(-1)
    expect([last?.host, last?.searchParams.get('past_days'), last?.searchParams.get('timeformat')]).toEqual([
      'f.example',
      '90',
      'unixtime',
    ])
    expect(portions).toHaveLength(3)
  })

  it('reads stations in the short form and refuses nonsense', async () => {
    expect(await openMeteoStations('tokyo@35.69,139.69;south@-33.9,-70', 0)).toMatchObject([
      { stationId: 'tokyo', latitude: 35.69, longitude: 139.69 },
      { stationId: 'south', latitude: -33.9 },
    ])
    await expect(openMeteoStations('tokyo@95,139', 0)).rejects.toThrow(/id@latitude/)
  })
})
