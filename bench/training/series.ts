/** Hours to train on: Tokyo where the shared data lie beside the project, else a made-up station that says so. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { COLUMN_COUNT, HOUR_MS, windComponents } from '../../forecasting/features/index.ts'
import { createRng } from '../../forecasting/verification/index.ts'
import type { StationHours } from '../../cli/evaluate/series.ts'

const TOKYO = join(import.meta.dirname, '../../../shared/data/tokyo_2019_2024.csv.gz')
const YEAR_HOURS = 8766
const KMH_PER_MPS = 3.6

export function openSeries(years: number): { readonly label: string; readonly station: StationHours } {
  const length = Math.round(years * YEAR_HOURS)
  return existsSync(TOKYO)
    ? { label: 'Tokyo', station: newest(readTokyo(), length) }
    : { label: 'synthetic', station: synthetic(length) }
}

function readTokyo(): StationHours {
  const [head, ...lines] = gunzipSync(readFileSync(TOKYO)).toString('utf8').trim().split('\n')
  const names = (head ?? '').split(',')
  const rows = new Map<number, Float64Array>()
  for (const line of lines) {
    const cells = line.split(',')
    const value = (name: string): number => {
      const cell = cells[names.indexOf(name)]
      return cell === undefined || cell === '' ? Number.NaN : Number(cell)
    }
    const speed = value('wspd') / KMH_PER_MPS
    const [u, v] = windComponents(speed, value('wdir'))
    const hour = Date.parse(`${cells[0]?.replace(' ', 'T')}Z`) / HOUR_MS
    rows.set(
      hour,
      Float64Array.of(value('temp'), value('dwpt'), value('rhum'), value('pres'), u, v, speed, value('prcp')).map(Math.fround),
    )
  }
  const hours = [...rows.keys()]
  const startHour = Math.min(...hours.slice(0, 1))
  return { stationId: 'tokyo', startHour, length: hours.at(-1)! - startHour + 1, rows }
}

function newest({ stationId, startHour, length, rows }: StationHours, wanted: number): StationHours {
  const from = startHour + Math.max(0, length - wanted)
  return {
    stationId,
    startHour: from,
    length: startHour + length - from,
    rows: new Map([...rows].filter(([hour]) => hour >= from)),
  }
}

/** A year's and a day's cycle, weather that forgets itself in two days, rain when it is low. Deterministic; figures on it say nothing of skill. */
function synthetic(length: number): StationHours {
  const random = createRng(1)
  const startHour = Date.UTC(2019, 0, 1) / HOUR_MS
  const rows = new Map<number, Float64Array>()
  let weather = 0
  for (let i = 0; i < length; i++) {
    weather = 0.98 * weather + 0.8 * (random() + random() - 1)
    const temperature = 12 - 10 * Math.cos((2 * Math.PI * i) / YEAR_HOURS) + 4 * Math.sin((2 * Math.PI * i) / 24) + weather
    const row = new Float64Array(COLUMN_COUNT)
    row.set([temperature, temperature - 5, 70 - 4 * weather, 1013 - weather, 1, random(), 3 + random(), weather < -2 ? 1 : 0])
    rows.set(startHour + i, row.map(Math.fround))
  }
  return { stationId: 'synthetic', startHour, length, rows }
}
