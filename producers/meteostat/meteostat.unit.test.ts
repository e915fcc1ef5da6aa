import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { FetchAnswer } from '../shared/http-fetch.ts'
import { fetchMeteostat } from './fetch-station.ts'
import { parseBulkCsv, parseHourlyJson } from './parse.ts'

const head = { stationId: 'fra', receivedAt: Date.UTC(2025, 6, 30, 9) }
const row = {
  time: '2025-07-30 06:00:00',
  temp: 18.4,
  dwpt: 12.1,
  rhum: 67,
  prcp: null,
  snow: 20,
  wdir: 0,
  wspd: 18,
  wpgt: null,
  pres: 1015.2,
  tsun: 30,
  coco: 3,
}

describe('Meteostat JSON', () => {
  it('converts units; null stays null; north is 360', () => {
    const [observation] = parseHourlyJson({ meta: {}, data: [row] }, head, false)
    expect(observation).toMatchObject({
      stationId: 'fra',
      observedAt: Date.UTC(2025, 6, 30, 6),
      source: 'meteostat',
      kind: 'observation',
      temperatureC: 18.4,
      windSpeedMps: 5,
      windDirectionDeg: 360,
      snowDepthCm: 2,
      precipitationMm: null,
      pressureHpa: 1015.2,
    })
  })

  it('marks everything as model fill when the model was allowed, because the answer does not tell', () => {
    expect(parseHourlyJson({ data: [row] }, head, true).map((o) => o.kind)).toEqual(['model-fill'])
  })

  it('a calm has no direction; an empty hour is no observation; no data is no error', () => {
    expect(parseHourlyJson({ data: [{ ...row, wspd: 0 }] }, head, false)[0]?.windDirectionDeg).toBeNull()
    expect(parseHourlyJson({ data: [{ time: '2025-07-30 06:00:00', temp: null }] }, head, false)).toEqual([])
    expect(parseHourlyJson({ data: null }, head, false)).toEqual([])
  })

  it.each([
    ['a message', { message: 'You are not subscribed' }],
    ['a local time with zone', { data: [{ ...row, time: '2025-07-30T06:00:00+02:00' }] }],
    ['text for a number', { data: [{ ...row, temp: 'cold' }] }],
  ])('refuses %s', (_name, json) => {
    expect(() => parseHourlyJson(json, head, false)).toThrow(/unknown form/)
  })
})

describe('Meteostat bulk', () => {
  const csv = [
    'year,month,day,hour,temp,temp_source,prcp,prcp_source,wdir,wdir_source,wspd,wspd_source,snwd,snwd_source,cldc,cldc_source',
    '2025,7,30,5,17.9,metar,0.0,dwd_mosmix,0,metar,0,metar,,,4,synop',
    '2025,7,30,6,18.4,isd_lite,,,180,isd_lite,9.4,isd_lite,30,dwd_hourly,,',
    '2025,7,30,7,19.0,metno_forecast,0.1,metno_forecast,,,,,,,,',
    '2025,7,30,8,19.9,some_new_source,,,,,,,,,,',
  ].join('\n')

  it('separates measurements from model values of the same hour', () => {
    const observations = parseBulkCsv(csv, head)
    expect(observations.map((o) => [new Date(o.observedAt).getUTCHours(), o.kind, o.temperatureC, o.precipitationMm])).toEqual([
      [5, 'observation', 17.9, null],
      [5, 'model-fill', null, 0],
      [6, 'observation', 18.4, null],
      [7, 'model-fill', 19, 0.1],
      [8, 'model-fill', 19.9, null],
    ])
    expect(observations[0]).toMatchObject({ windSpeedMps: 0, windDirectionDeg: null, cloudCoverPct: 50 })
    expect(observations[2]).toMatchObject({ windSpeedMps: 2.61, snowDepthCm: 3 })
  })

  it('takes nothing of the legacy form for a measurement, which has no sources', () => {
    const observations = parseBulkCsv('2025-07-30,6,18.4,12.1,67,,,180,9.4,,1015.2,,2\n', head)
    expect(observations).toHaveLength(1)
    expect(observations[0]).toMatchObject({
      kind: 'model-fill',
      observedAt: Date.UTC(2025, 6, 30, 6),
      dewPointC: 12.1,
      windSpeedMps: 2.61,
      pressureHpa: 1015.2,
    })
  })

  it.each([
    ['another header', 'station,temp\n1,2\n', /header/],
    ['text for a number', csv.replace('17.9', 'warm'), /line 2: temp/],
    ['an impossible date', csv.replace('2025,7,30,5', '2025,17,30,5'), /no date/],
  ])('refuses %s', (_name, text, expected) => {
    expect(() => parseBulkCsv(text, head)).toThrow(expected)
  })

  it('fetches a file for each year, packed or not, and does without those that are not there', async () => {
    const urls: string[] = []
    const headers: unknown[] = []
    const fetch = async (url: URL, _signal: AbortSignal, sent?: Readonly<Record<string, string>>): Promise<FetchAnswer> => {
      urls.push(url.pathname + url.search)
      headers.push(sent)
      if (url.pathname.includes('2024')) return { kind: 'not-found' }
      return { kind: 'ok', body: gzipSync(csv) }
    }
    const station = { stationId: 'fra', providerStationId: '10637' }
    const access = {
      fetch,
      signal: new AbortController().signal,
      apiUrl: 'https://m.example/api',
      bulkUrl: 'https://b.example/hourly/',
      apiKey: null,
    }
    const span = { from: Date.UTC(2024, 11, 1), now: Date.UTC(2025, 6, 30, 6, 30) }
    const found = []
    for await (const portion of fetchMeteostat(station, span, access)) found.push(...portion)
    expect(urls).toEqual(['/hourly/2024/10637.csv.gz', '/hourly/2025/10637.csv.gz'])
    expect(found.map((o) => new Date(o.observedAt).getUTCHours())).toEqual([5, 5, 6])
  })

  it('asks the API, where there is a key, for at most 30 days at once and without the model', async () => {
    const urls: URL[] = []
    const fetch = async (url: URL, _signal: AbortSignal, sent?: Readonly<Record<string, string>>): Promise<FetchAnswer> => {
      urls.push(url)
      expect(sent?.['x-rapidapi-key']).toBe('k')
      return { kind: 'ok', body: new TextEncoder().encode(JSON.stringify({ data: [row] })) }
    }
    const access = {
      fetch,
      signal: new AbortController().signal,
      apiUrl: 'https://m.example/api',
      bulkUrl: 'https://b.example',
      apiKey: 'k',
    }
    const span = { from: Date.UTC(2025, 5, 1), now: Date.UTC(2025, 6, 30, 9) }
    const found = []
    for await (const portion of fetchMeteostat({ stationId: 'fra', providerStationId: '10637' }, span, access))
      found.push(...portion)
    expect(urls.map((u) => [u.searchParams.get('start'), u.searchParams.get('end'), u.searchParams.get('model')])).toEqual([
      ['2025-06-01', '2025-06-30', 'false'],
      ['2025-07-01', '2025-07-30', 'false'],
    ])
    expect(found.length).toBeGreaterThan(0)
  })
})
