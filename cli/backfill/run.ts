/** Plans and issues, some stations at a time, behind the live work. What has been issued is in the ledger, so that a stopped run goes on. */
import { FEATURE_SET } from '../../forecasting/features/index.ts'
import type { ArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import { type ClickHouse, fromClickHouseInstant, toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import type { Publisher } from '../../infra/runtime/kafka/types.ts'
import type { Control } from '../../schemas/generated/types.ts'
import { createIssuer, type Issuer, type PastHour } from './issue.ts'
import { type ControlAt, type Issued, type Mode, planWork, type Work } from './plan.ts'

export type Deps = {
  readonly clickhouse: Pick<ClickHouse, 'query'>
  readonly artifacts: Pick<ArtifactStore, 'get'>
  readonly createIssuer?: (controls: readonly ControlAt[]) => Issuer
  readonly publisher: Pick<Publisher, 'publish'>
  /** Resolves when the live services are not behind. */
  readonly untilLiveKeepsUp: (signal: AbortSignal) => Promise<void>
  readonly signal: AbortSignal
  readonly onProgress: (done: number, total: number) => void
}
export type Options = {
  readonly from: number
  readonly to: number
  readonly mode: Mode
  /** Null: all. */
  readonly stationId: string | null
  readonly concurrency: number
  readonly dryRun: boolean
}
export type Summary = {
  readonly stationId: string
  /** Hours and forecasts that were missing or to be issued again. */
  readonly hours: number
  readonly forecasts: number
  /** Forecasts published by this run. */
  readonly issued: number
  readonly error: string | null
}

/** Hours issued between two looks at the live work. */
const CHUNK_HOURS = 12

type Planned = { readonly stationId: string; readonly work: readonly Work[]; readonly controls: readonly ControlAt[] }

export async function runBackfill(deps: Deps, options: Options): Promise<Summary[]> {
  const planned: Planned[] = []
  for (const stationId of await stationsOf(deps, options)) planned.push(await planStation(deps, stationId, options))
  const total = planned.reduce((sum, { work }) => sum + work.length, 0)
  let done = 0
  const summaries: Summary[] = []
  const queue = [...planned]
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next && !deps.signal.aborted; next = queue.shift()) {
      const { stationId, work } = next
      const forecasts = work.reduce((sum, { roles }) => sum + roles.size, 0)
      const about = { stationId, hours: work.length, forecasts }
      summaries.push(
        options.dryRun || work.length === 0
          ? { ...about, issued: 0, error: null }
          : { ...about, ...(await issueStation(deps, next, (hours) => deps.onProgress((done += hours), total))) },
      )
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, options.concurrency) }, worker))
  return summaries.toSorted((a, b) => (a.stationId < b.stationId ? -1 : 1))
}

async function stationsOf({ clickhouse }: Deps, { stationId, from, to }: Options): Promise<string[]> {
  if (stationId !== null) return [stationId]
  const rows = await clickhouse.query<{ stationId: string }>(
    `SELECT DISTINCT stationId FROM feature_log WHERE featureSet = {featureSet:String} AND validAt >= {from:DateTime64(3)} AND validAt <= {to:DateTime64(3)}
     ORDER BY stationId`,
    { featureSet: FEATURE_SET, from: toClickHouseInstant(from), to: toClickHouseInstant(to) },
  )
  return rows.map((row) => row.stationId)
}

async function planStation({ clickhouse }: Deps, stationId: string, { from, to, mode }: Options): Promise<Planned> {
  const range = { stationId, from: toClickHouseInstant(from), to: toClickHouseInstant(to), featureSet: FEATURE_SET }
  const [hours, controls, issued] = await Promise.all([
    clickhouse.query<{ validAt: string }>(
      `SELECT DISTINCT validAt FROM feature_log WHERE stationId = {stationId:String} AND featureSet = {featureSet:String}
       AND validAt >= {from:DateTime64(3)} AND validAt <= {to:DateTime64(3)} ORDER BY validAt`,
      range,
    ),
    clickhouse.query<{ controlOffset: number; payload: string }>(
      `SELECT controlOffset, payload FROM control WHERE stationId = {stationId:String} AND changedAt <= {to:DateTime64(3)} ORDER BY controlOffset`,
      range,
    ),
    clickhouse.query<Omit<Issued, 'issuedAt'> & { issuedAt: string }>(
      `SELECT variable, issuedAt, modelVersion, role, status, statusReason FROM forecast WHERE stationId = {stationId:String}
       AND issuedAt >= {from:DateTime64(3)} AND issuedAt <= {to:DateTime64(3)} AND role IN ('champion', 'shadow')`,
      range,
    ),
  ])
  const orders = controls.map(({ controlOffset, payload }) => ({
    controlOffset,
    control: JSON.parse(payload) as Control,
  }))
  const work = planWork(
    hours.map(({ validAt }) => fromClickHouseInstant(validAt)),
    orders,
    issued.map((one) => ({ ...one, issuedAt: fromClickHouseInstant(one.issuedAt) })),
    mode,
  )
  return { stationId, work, controls: orders }
}

/** A station whose models of then are gone is told about and holds up no other. */
async function issueStation(
  deps: Deps,
  { stationId, work, controls }: Planned,
  onHours: (hours: number) => void,
): Promise<Pick<Summary, 'issued' | 'error'>> {
  const issue = deps.createIssuer?.(controls) ?? createIssuer(deps.artifacts, controls)
  let issued = 0
  for (let from = 0; from < work.length && !deps.signal.aborted; from += CHUNK_HOURS) {
    const chunk = work.slice(from, from + CHUNK_HOURS)
    await deps.untilLiveKeepsUp(deps.signal)
    if (deps.signal.aborted) break
    const hours = await loadHours(deps, stationId, chunk)
    const events = []
    for (const one of chunk) {
      const hour = hours.get(one.issuedAt)
      if (!hour) continue
      try {
        events.push(...(await issue(one, hour)))
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'past-model')) throw error
        return { issued, error: error.message }
      }
    }
    if (events.length > 0) await deps.publisher.publish(events)
    issued += events.length
    onHours(chunk.length)
  }
  return { issued, error: null }
}

/** What was known first of each hour: a forecast that is missing is made up for by what it would have been made from. */
async function loadHours({ clickhouse }: Deps, stationId: string, chunk: readonly Work[]): Promise<Map<number, PastHour>> {
  const first = (chunk[0] as Work).issuedAt
  const last = (chunk.at(-1) as Work).issuedAt
  const rows = await clickhouse.query<{ at: string; knownFirst: string; values: Array<number | null> }>(
    `SELECT validAt AS at, min(knownAt) AS knownFirst, argMin(values, (knownAt, version)) AS values FROM feature_version
     WHERE stationId = {stationId:String} AND featureSet = {featureSet:String} AND validAt >= {first:DateTime64(3)} AND validAt <= {last:DateTime64(3)}
     GROUP BY validAt`,
    { stationId, featureSet: FEATURE_SET, first: toClickHouseInstant(first), last: toClickHouseInstant(last) },
  )
  return new Map(
    rows.map(({ at, knownFirst, values }) => {
      const validAt = fromClickHouseInstant(at)
      return [validAt, { stationId, validAt, knownAt: fromClickHouseInstant(knownFirst), values }]
    }),
  )
}
