import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readObservationCsv, readObservationCsvFile } from './observation-csv.ts'
import type { ObservationCsvProblem, ObservationCsvRow } from './observation-csv.ts'

async function read(
  text: string | Buffer,
  stationId?: string,
): Promise<{ rows: ObservationCsvRow[]; problems: ObservationCsvProblem[] }> {
  const problems: ObservationCsvProblem[] = []
  const options = {
    onProblem: (p: ObservationCsvProblem) => void problems.push(p),
    ...(stationId === undefined ? {} : { stationId }),
  }
  const rows: ObservationCsvRow[] = []
  for await (const row of readObservationCsv(Readable.from([Buffer.from(text)]), options)) rows.push(row)
  return { rows, problems }
}

describe('good files', () => {
  it('reads any subset of quantities; empty is not observed', async () => {
    const { rows, problems } = await read('stationId,observedAt,temperatureC,windSpeedMps\njfk,2013-01-01T06:00:00Z,3.9,\n')
    expect(problems).toEqual([])
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatchObject({ line: 2, stationId: 'jfk', observedAt: Date.UTC(2013, 0, 1, 6) })
    expect(rows[0]?.values).toMatchObject({ temperatureC: 3.9, windSpeedMps: null, pressureHpa: null })
  })

  it('takes the station from the caller, gzip, a byte order mark, CRLF, offsets and times without a zone as UTC', async () => {
    const csv =
      '\ufeffobservedAt,temperatureC\r\n2013-01-01T06:00:00Z,1\r\n2013-01-01T08:00:00+01:00,2\r\n2013-01-01 08:00,-3e0\r\n'
    const { rows, problems } = await read(gzipSync(csv), 'roof-1')
    expect(problems).toEqual([])
    expect(rows.map((r) => [r.stationId, new Date(r.observedAt).getUTCHours(), r.values.temperatureC])).toEqual([
      ['roof-1', 6, 1],
      ['roof-1', 7, 2],
      ['roof-1', 8, -3],
    ])
  })

  it('lets an absurd but possible number through for quality control to judge', async () => {
    const { rows } = await read('stationId,observedAt,windSpeedMps\newr,2013-02-12T08:00:00Z,468.66\n')
    expect(rows[0]?.values.windSpeedMps).toBe(468.66)
  })
})

describe('bad rows are reported by line and the others go on', () => {
  const header = 'stationId,observedAt,temperatureC\n'
  const good = 'jfk,2013-01-01T06:00:00Z,3.9\n'
  const cases: Array<[string, string, RegExp]> = [
    ['NaN', 'jfk,2013-01-01T07:00:00Z,NaN', /finite/],
    ['Infinity', 'jfk,2013-01-01T07:00:00Z,Infinity', /finite/],
    ['overflow', 'jfk,2013-01-01T07:00:00Z,1e999', /finite/],
    ['1e308', 'jfk,2013-01-01T07:00:00Z,1e308', /larger/],
    ['hexadecimal', 'jfk,2013-01-01T07:00:00Z,0x10', /finite/],
    ['decimal comma', 'jfk,2013-01-01T07:00:00Z,"3,9"', /finite/],
    ['text', 'jfk,2013-01-01T07:00:00Z,cold', /finite/],
    ['31 February', 'jfk,2013-02-31T07:00:00Z,1', /instant/],
    ['hour 25', 'jfk,2013-02-01T25:00:00Z,1', /instant/],
    ['far future', 'jfk,9999-01-01T00:00:00Z,1', /1850/],
    ['local words', 'jfk,yesterday,1', /instant/],
    ['too few cells', 'jfk,2013-01-01T07:00:00Z', /column/],
    ['too many cells', 'jfk,2013-01-01T07:00:00Z,1,2', /column/],
    ['hostile station', `"../<script>",2013-01-01T07:00:00Z,1`, /station id/],
  ]
  it.each(cases)('%s', async (_name, line, expected) => {
    const { rows, problems } = await read(`${header}${good}${line}\njfk,2013-01-01T08:00:00Z,5\n`)
    expect(rows.map((r) => r.values.temperatureC)).toEqual([3.9, 5])
    expect(problems).toHaveLength(1)
    expect(problems[0]?.line).toBe(3)
    expect(Object.values(problems[0] ?? {}).join(' ')).toMatch(expected)
  })

  it('keeps the first of two rows for one station and instant, and says whether they differ', async () => {
    const { rows, problems } = await read(`${header}${good}${good}jfk,2013-01-01T06:00:00Z,4.9\n`)
    expect(rows.map((r) => r.values.temperatureC)).toEqual([3.9])
    expect(problems.map((p) => [p.line, /differ/.test(p.why)])).toEqual([
      [3, false],
      [4, true],
    ])
  })
})

describe('bad files are refused as a whole', () => {
  it.each([
    ['an unknown column, naming the nearest', 'stationId,observedAt,temprature\n', /"temprature"; did you mean "temperatureC"/],
    ['a shortened column', 'stationId,observedAt,wind\n', /did you mean "wind/],
    ['no observedAt', 'stationId,temperatureC\n', /"observedAt" is missing/],
    ['no station', 'observedAt,temperatureC\n', /no station was given/],
    ['a column twice', 'stationId,observedAt,temperatureC,temperatureC\n', /twice/],
    ['semicolons', 'stationId;observedAt;temperatureC\n', /commas/],
    ['no header', 'jfk,2013-01-01T06:00:00Z,3.9\n', /first line must name/],
    ['nothing', '', /empty/],
  ])('%s', async (_name, text, expected) => {
    await expect(read(text)).rejects.toThrow(expected)
  })

  it('a station given for a file that has its own', async () => {
    await expect(read('stationId,observedAt\n', 'jfk')).rejects.toThrow(/own column/)
  })

  it('a truncated gzip', async () => {
    const whole = gzipSync(`stationId,observedAt\n${'jfk,2013-01-01T06:00:00Z\n'.repeat(10)}`)
    await expect(read(whole.subarray(0, whole.length - 12))).rejects.toMatchObject({ code: 'csv-unreadable' })
  })

  it('a file that is not there', async () => {
    const rows = readObservationCsvFile('/nowhere/at-all.csv', { onProblem: () => undefined })
    await expect(rows.next()).rejects.toMatchObject({ code: 'csv-unreadable' })
  })
})
