/**
 * Hours of a sensor that was found faulty: from the first day of the evidence until the recovery, nothing it said is learnt from. Quality
 * control keeps flagged values out of the grid already; these are the values that no rule flags, of a sensor that creeps or comes and goes.
 */
import { COLUMN, COLUMN_COUNT, HOUR_MS, type HourlyWindow } from '../../forecasting/features/index.ts'
import { type ClickHouse, fromClickHouseInstant, toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import type { Drift } from '../../schemas/generated/types.ts'

/** A quantity of a station from one instant to another, epoch ms. */
export type Quarantine = { readonly variable: Drift['variable']; readonly from: number; readonly to: number }
export type DriftChange = Pick<Drift, 'variable' | 'state' | 'cause' | 'at' | 'evidenceFrom'>

/** What a station's changes of drift state, oldest first, put into quarantine as known at `asOf`. A fault that has not ended lasts until then. */
export function quarantinesOf(changes: readonly DriftChange[], asOf: number): Quarantine[] {
  const open = new Map<Drift['variable'], number>()
  const ended: Quarantine[] = []
  for (const { variable, state, cause, at, evidenceFrom } of changes) {
    if (at > asOf) continue
    const from = open.get(variable)
    if (state === 'confirmed') {
      // Told again with another cause, it was no fault: nothing of it is withheld.
      if (cause !== 'sensor') open.delete(variable)
      else if (from === undefined) open.set(variable, evidenceFrom)
    } else if ((state === 'recovered' || state === 'stable') && from !== undefined) {
      ended.push({ variable, from, to: at })
      open.delete(variable)
    }
  }
  return [...ended, ...[...open].map(([variable, from]) => ({ variable, from, to: asOf }))]
}

/** Takes what is in quarantine out of the hours. */
export function withhold(grid: HourlyWindow, startHour: number, length: number, quarantines: readonly Quarantine[]): void {
  const row = new Float64Array(COLUMN_COUNT)
  for (const { variable, from, to } of quarantines) {
    const withheld = COLUMN[variable === 'precipitationProbabilityPct' ? 'precipitationMm' : variable]
    const first = Math.max(startHour, Math.ceil(from / HOUR_MS))
    const last = Math.min(startHour + length - 1, Math.floor(to / HOUR_MS))
    for (let hour = first; hour <= last; hour++) {
      row.forEach((_, column) => (row[column] = column === withheld ? Number.NaN : grid.value(column, hour)))
      grid.set(hour, row)
    }
  }
}

/** The archive may be seconds behind the topic: a fault confirmed in the very hour of `asOf` may not be in it yet. */
export async function loadQuarantines(
  clickhouse: Pick<ClickHouse, 'query'>,
  stationId: string,
  asOf: number,
): Promise<Quarantine[]> {
  const rows = await clickhouse.query<
    Pick<Drift, 'variable' | 'state' | 'cause'> & { readonly at: string; readonly evidenceFrom: string }
  >(
    `SELECT variable, state, cause, at, evidenceFrom FROM drift
     WHERE stationId = {stationId:String} AND at <= {asOf:DateTime64(3)} ORDER BY at, kafkaOffset`,
    { stationId, asOf: toClickHouseInstant(asOf) },
  )
  return quarantinesOf(
    rows.map((row) => ({ ...row, at: fromClickHouseInstant(row.at), evidenceFrom: fromClickHouseInstant(row.evidenceFrom) })),
    asOf,
  )
}
