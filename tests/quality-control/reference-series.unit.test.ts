/**
 * Quality control on real series of other climates with known faults. They are not part of the repository: the test runs where a checkout
 * has them beside it (../shared/data) and is skipped elsewhere.
 */
import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { describe, expect, it } from 'vitest'
import { checkObservation, createStationMemory } from '../../forecasting/quality-control/index.ts'
import type { StationMemory } from '../../forecasting/quality-control/index.ts'
import type { CheckedObservation } from '../../schemas/generated/types.ts'
import { QUANTITIES } from '../../schemas/quantities.ts'
import type { Quantity } from '../../schemas/quantities.ts'
import { createObservation } from '../../producers/shared/observation.ts'

const DATA = new URL('../../../shared/data/', import.meta.url)
const isThere = existsSync(new URL('known_bad_events.csv', DATA))
if (!isThere) console.log('skipped: no reference series in ../shared/data; quality control is tested on the bundled series only')

type Row = Readonly<Record<string, string | undefined>>
const QUANTITY_OF: Readonly<Record<string, Quantity>> = {
  temp: 'temperatureC',
  dwpt: 'dewPointC',
  rhum: 'relativeHumidityPct',
  prcp: 'precipitationMm',
  wdir: 'windDirectionDeg',
  wspd: 'windSpeedMps',
  wpgt: 'windGustMps',
  pres: 'pressureHpa',
  stp: 'stationPressureHpa',
}
const number = (text: string | undefined): number | null => (text === undefined || text === '' ? null : Number(text))

type Judged = {
  flags: Map<string, CheckedObservation['flags']>
  values: number
  bad: number
  suspect: number
  byQuantity: Record<string, [number, number, number]>
}

function judge(name: string): Judged {
  const rows: Row[] = parse(gunzipSync(readFileSync(new URL(`${name}.csv.gz`, DATA))), { columns: true })
  const memories = new Map<string, StationMemory>()
  const judged: Judged = { flags: new Map(), values: 0, bad: 0, suspect: 0, byQuantity: {} }
  for (const row of rows) {
    const at = Date.parse(`${row['time']?.replace(' ', 'T')}Z`)
    const station = row['station'] ?? name
    const kmh = (text: string | undefined): number | null => (number(text) === null ? null : Number(text) / 3.6)
    const observation = createObservation(
      { stationId: station, observedAt: at, receivedAt: at, source: 'reference', kind: 'observation' },
      {
        temperatureC: number(row['temp']),
        dewPointC: number(row['dwpt']),
        relativeHumidityPct: number(row['rhum']),
        precipitationMm: number(row['prcp']),
        // Sixteen-point series write north as 0; a producer makes it 360, and null of a calm.
        windDirectionDeg: number(row['wspd']) === 0 ? null : number(row['wdir'] === '0.0' ? '360' : row['wdir']),
        windSpeedMps: kmh(row['wspd']),
        windGustMps: kmh(row['wpgt']),
        pressureHpa: number(row['pres']),
        stationPressureHpa: number(row['stp']),
      },
    )
    const verdict = checkObservation(memories.get(station) ?? createStationMemory(), observation)
    memories.set(station, verdict.memory)
    if (verdict.kind === 'duplicate') continue
    judged.flags.set(`${station} ${row['time']}`, verdict.flags)
    for (const quantity of QUANTITIES) {
      if (observation[quantity] === null) continue
      const count = (judged.byQuantity[quantity] ??= [0, 0, 0])
      count[0]++
      judged.values++
      const isSuspect = verdict.flags[quantity] === 'suspect'
      const isBad = !isSuspect && verdict.flags[quantity] !== 'good'
      judged.suspect += Number(isSuspect)
      judged.bad += Number(isBad)
      count[1] += Number(isSuspect)
      count[2] += Number(isBad)
    }
  }
  return judged
}

describe.skipIf(!isThere)('reference series', () => {
  it('flags the listed faults', () => {
    const known: Row[] = parse(readFileSync(new URL('known_bad_events.csv', DATA)), { columns: true })
    const series = new Map<string, Judged>()
    let present = 0
    const missed: string[] = []
    for (const event of known) {
      const name = event['norm_file'] ?? ''
      if (!existsSync(new URL(`${name}.csv.gz`, DATA))) continue
      const judged = series.get(name) ?? judge(name)
      series.set(name, judged)
      const quantity = QUANTITY_OF[event['variable'] ?? '']
      if (quantity === undefined) continue
      present++
      const flag = judged.flags.get(`${event['station']} ${event['time_utc']}`)?.[quantity]
      if (flag === undefined || flag === 'good')
        missed.push(`${name} ${event['time_utc']} ${event['variable']} ${event['value']}`)
    }
    console.log(
      `known faults: ${present - missed.length} of ${present} flagged; missed: ${missed.slice(0, 10).join('; ') || 'none'}`,
    )
    expect(present).toBeGreaterThan(1000)
    expect(missed).toEqual([])
  }, 60_000)

  it.each(['beijing_changping_2013_2017', 'garanhuns_2020_2024', 'ireland_network_2017', 'recife_2020_2024', 'tokyo_2019_2024'])(
    'raises few flags on %s',
    (name) => {
      const { values, bad, suspect, byQuantity } = judge(name)
      const share = (n: number): string => `${((100 * n) / values).toFixed(3)} %`
      console.log(`${name}: ${values} values, bad ${share(bad)}, suspect ${share(suspect)} ${JSON.stringify(byQuantity)}`)
      expect(bad / values).toBeLessThan(0.001)
      expect(suspect / values).toBeLessThan(0.01)
    },
    60_000,
  )
})
