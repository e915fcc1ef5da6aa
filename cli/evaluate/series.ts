/** One station of an observation CSV, checked as the pipeline checks it, on the hourly grid with its feature vectors. */
import { COLUMN, COLUMN_COUNT, HOUR_MS, hourOf, observationToHourlyRow } from '../../forecasting/features/index.ts'
import { type TrainingSet, trainingSetOf } from '../../forecasting/models/index.ts'
import { checkObservation, createStationMemory, QC_VERSION } from '../../forecasting/quality-control/index.ts'
import { readObservationCsvFile } from '../../producers/shared/observation-csv.ts'
import type { Observation } from '../../schemas/generated/types.ts'
import { AppError } from '../../infra/runtime/errors.ts'
import { CliError, EXIT } from '../exit.ts'

/** Rows of the grid by hour; what was flagged bad is left out. */
export type StationHours = {
  readonly stationId: string
  readonly startHour: number
  readonly rows: ReadonlyMap<number, Float64Array>
  readonly length: number
}

/** Throws CliError: a file that cannot be read as an observation CSV, no rows, several stations and none chosen, an unknown station. */
export async function readStation(
  file: string,
  wanted: string | undefined,
  onProblem: (line: string) => void,
): Promise<StationHours> {
  try {
    return await readChosen(file, wanted, onProblem)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const isMissing = (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
    throw new CliError(
      `${file}: ${error.message}; the format is described in docs/csv.md`,
      isMissing ? EXIT.notFound : EXIT.usage,
    )
  }
}

async function readChosen(file: string, wanted: string | undefined, onProblem: (line: string) => void): Promise<StationHours> {
  const stations = new Map<string, Observation[]>()
  const hasColumn = await hasStationColumn(file)
  const only = wanted ?? 'station'
  for await (const row of readObservationCsvFile(file, {
    onProblem: ({ line, what, why, fix }) => onProblem(`${file}:${line}: ${what}: ${why}; ${fix}`),
    ...(hasColumn ? {} : { stationId: only }),
  })) {
    const list = stations.get(row.stationId) ?? []
    stations.set(row.stationId, list)
    list.push({
      stationId: row.stationId,
      observedAt: row.observedAt,
      receivedAt: row.observedAt,
      source: 'csv',
      kind: 'observation',
      revision: 0,
      ...row.values,
    })
  }
  if (stations.size === 0)
    throw new CliError(
      `${file} holds no usable row: a header and rows of observedAt (UTC) and values are needed, see docs/csv.md`,
      EXIT.usage,
    )
  if (stations.size > 1 && wanted === undefined)
    throw new CliError(
      `${file} holds ${stations.size} stations; choose one with --station: ${[...stations.keys()].slice(0, 20).join(', ')}`,
      EXIT.usage,
    )
  const stationId = wanted ?? [...stations.keys()][0]!
  const observations = stations.get(stationId)
  if (!observations)
    throw new CliError(
      `${file} has no station ${stationId}; it has ${[...stations.keys()].slice(0, 20).join(', ')}`,
      EXIT.notFound,
    )
  return checkedHours(stationId, observations)
}

/** What is left of a station's observations after quality control, on the hourly grid. Throws CliError when nothing is. */
export function checkedHours(stationId: string, observations: Observation[]): StationHours {
  observations.sort((a, b) => a.observedAt - b.observedAt)
  const rows = new Map<number, { away: number; row: Float64Array }>()
  let memory = createStationMemory()
  for (const observation of observations) {
    const verdict = checkObservation(memory, observation)
    memory = verdict.memory
    if (verdict.kind === 'duplicate') continue
    const row = observationToHourlyRow({ ...observation, flags: verdict.flags, rules: verdict.rules, qcVersion: QC_VERSION })
    if (row === null) continue
    const hour = hourOf(observation.observedAt)
    const away = Math.abs(observation.observedAt - hour * HOUR_MS)
    const held = rows.get(hour)
    if (!held || away <= held.away) rows.set(hour, { away, row })
  }
  if (rows.size === 0) throw new CliError(`nothing usable is left of ${stationId} after quality control`, EXIT.usage)
  const hours = [...rows.keys()]
  const startHour = hours.reduce((a, b) => Math.min(a, b))
  const last = hours.reduce((a, b) => Math.max(a, b))
  return { stationId, startHour, length: last - startHour + 1, rows: new Map([...rows].map(([hour, { row }]) => [hour, row])) }
}

async function hasStationColumn(file: string): Promise<boolean> {
  try {
    for await (const _ of readObservationCsvFile(file, { onProblem: () => undefined })) return true
    return true
  } catch (error) {
    if (error instanceof Error && error.message.includes('"stationId" is missing')) return false
    throw error
  }
}

/** The whole series as a training set. */
export function toFullSet({ startHour, length, rows }: StationHours): TrainingSet {
  return trainingSetOf(startHour, length, rows)
}

/**
 * The same station with every value after `hour` replaced by another that an engine would believe: a forecast made at `hour` must not notice, and
 * what is impossible it would leave out by itself.
 */
export function poisonedAfter(station: StationHours, hour: number): StationHours {
  const rows = new Map(station.rows)
  for (const at of station.rows.keys()) {
    if (at <= hour) continue
    const row = new Float64Array(COLUMN_COUNT).fill(40 + (at % 5))
    row[COLUMN.pressureHpa] = 900 + (at % 97)
    rows.set(at, row)
  }
  return { ...station, rows }
}
