import { describe, expect, it } from 'vitest'
import type { FetchAnswer } from '../shared/http-fetch.ts'
import { fetchReports } from './fetch-reports.ts'
import { parseReports } from './parse.ts'

const RECEIVED = Date.UTC(2025, 10, 13, 6)
const report = {
  icaoId: 'KBOS',
  receiptTime: '2025-11-13T05:57:01.000Z',
  obsTime: Date.UTC(2025, 10, 13, 5, 54) / 1000,
  reportTime: '2025-11-13T06:00:00.000Z',
  temp: 8.3,
  dewp: 2.2,
  wdir: 310,
  wspd: 10,
  wgst: 20,
  visib: '10+',
  altim: 1013.25,
  slp: 1013.4,
  precip: 0.02,
  metarType: 'METAR',
  rawOb: 'METAR KBOS 130554Z 31010G20KT 10SM BKN040 08/02 A2992',
  lat: 42.36,
  lon: -71.01,
  elev: 5,
  name: 'Boston/Logan Intl, MA, US',
  cover: 'BKN',
  clouds: [
    { cover: 'FEW', base: 2000 },
    { cover: 'BKN', base: 4000 },
  ],
}
const first = (change: object) => parseReports([{ ...report, ...change }], RECEIVED).observations[0]

describe('METAR', () => {
  it('converts knots, inches and miles, and takes the minute of the observation, not the rounded report time', () => {
    expect(first({})).toMatchObject({
      stationId: 'kbos',
      observedAt: Date.UTC(2025, 10, 13, 5, 54),
      receivedAt: RECEIVED,
      source: 'metar',
      kind: 'observation',
      temperatureC: 8.3,
      dewPointC: 2.2,
      windSpeedMps: 5.14,
      windGustMps: 10.29,
      windDirectionDeg: 310,
      precipitationMm: 0.51,
      cloudCoverPct: 75,
      visibilityM: 16_093,
      pressureHpa: 1013.4,
    })
    expect(first({})?.relativeHumidityPct).toBeCloseTo(65.4, 0)
  })

  it('keeps QNH out of sea-level pressure', () => {
    const denver = first({ slp: undefined, altim: 1013.25, elev: 1640 })
    expect(denver?.pressureHpa).toBeNull()
    // ICAO standard atmosphere at 1,640 m.
    expect(denver?.stationPressureHpa).toBeCloseTo(831.3, 0)
  })

  it.each([
    ['a variable wind has no direction', { wdir: 'VRB' }, { windDirectionDeg: null, windSpeedMps: 5.14 }],
    ['a calm has no direction', { wdir: 0, wspd: 0 }, { windDirectionDeg: null, windSpeedMps: 0 }],
    ['north is 360', { wdir: 0 }, { windDirectionDeg: 360 }],
    ['a trace is no rain', { precip: 0.005 }, { precipitationMm: 0 }],
    ['a special report has no hourly sum', { metarType: 'SPECI' }, { precipitationMm: null }],
    ['6+ means 10 km', { visib: '6+' }, { visibilityM: 10_000 }],
    ['an unknown visibility is none', { visib: 'M' }, { visibilityM: null }],
    ['a clear sky', { cover: 'CLR', clouds: [] }, { cloudCoverPct: 0 }],
    [
      'keys may be missing',
      { dewp: undefined, wgst: undefined, clouds: undefined, cover: undefined },
      { dewPointC: null, relativeHumidityPct: null, cloudCoverPct: null },
    ],
    [
      'or null, with times as text, as before September 2025',
      { obsTime: '2023-10-27 15:25:34', temp: null },
      { temperatureC: null, observedAt: Date.UTC(2023, 9, 27, 15, 25, 34) },
    ],
  ])('%s', (_name, change, expected) => {
    expect(first(change)).toMatchObject(expected)
  })

  it('reports what it cannot read and goes on', () => {
    const { observations, problems, stations } = parseReports([{ icaoId: 'KXXX', obsTime: 'now' }, 7, report], RECEIVED)
    expect(observations).toHaveLength(1)
    expect(problems).toHaveLength(2)
    expect(problems[0]).toMatch(/^KXXX/)
    expect(stations.get('kbos')).toMatchObject({ name: 'Boston/Logan Intl, MA, US', elevationM: 5 })
  })

  it('refuses an error object', () => {
    expect(() => parseReports({ status: 'error' }, RECEIVED)).toThrow(/no list/)
  })

  it('asks in groups that fit into one answer, and takes 204 for nothing', async () => {
    const urls: URL[] = []
    const fetch = async (url: URL): Promise<FetchAnswer> => {
      urls.push(url)
      return urls.length === 1 ? { kind: 'empty' } : { kind: 'ok', body: new TextEncoder().encode(JSON.stringify([report])) }
    }
    const ids = Array.from({ length: 50 }, (_, i) => `KA${String(i).padStart(2, '0')}`)
    const deps = { fetch, url: 'https://m.example/api', signal: new AbortController().signal, receivedAt: RECEIVED }
    const answers = []
    for await (const parsed of fetchReports(ids, 3.2, deps)) answers.push(parsed)
    expect(urls.map((u) => u.searchParams.get('ids')?.split(',').length)).toEqual([33, 17])
    expect(urls[0]?.searchParams.get('hours')).toBe('4')
    expect(answers).toHaveLength(1)
  })
})
