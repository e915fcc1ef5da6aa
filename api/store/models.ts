/** Lifecycle, control, drift and audit as archived. Instants are epoch ms. */
import { type ClickHouse, fromClickHouseInstant, toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import type { Audit, Control, Drift, Lifecycle, RetrainRequest } from '../../schemas/generated/types.ts'
import type { AuditReader, DriftReader, ModelReader } from '../ports.ts'

type Query = Pick<ClickHouse, 'query'>
type Texts<T, K extends keyof T> = Omit<T, K> & { [N in K]: string | (null extends T[N] ? null : never) }

const ALWAYS = Date.UTC(2200, 0, 1)
/** Absent filters match everything. */
const BY_MODEL =
  "({stationId:String} = '' OR stationId = {stationId:String}) AND ({variable:String} = '' OR variable = {variable:String})"
const modelParams = (filter: { stationId?: string | undefined; variable?: string | undefined }) => ({
  stationId: filter.stationId ?? '',
  variable: filter.variable ?? '',
})

export function createModelReader(clickhouse: Query): ModelReader {
  return {
    async controls(stationId, variable, { at, limit }) {
      const rows = await clickhouse.query<{ controlOffset: number; payload: string }>(
        `SELECT controlOffset, payload FROM control WHERE stationId = {stationId:String} AND variable = {variable:String}
         AND changedAt <= {at:DateTime64(3)} ORDER BY changedAt DESC, controlOffset DESC LIMIT {limit:UInt32}`,
        { stationId, variable, at: toClickHouseInstant(at ?? ALWAYS), limit },
      )
      return rows.map(({ controlOffset, payload }) => ({ controlOffset, control: JSON.parse(payload) as Control }))
    },
    async lifecycle(filter) {
      const rows = await clickhouse.query<{ payload: string }>(
        `SELECT payload FROM lifecycle WHERE ${BY_MODEL} AND ({version:String} = '' OR version = {version:String}) AND ({runId:String} = '' OR runId = {runId:String})
         AND at <= {at:DateTime64(3)} ORDER BY at DESC, kafkaOffset DESC LIMIT {limit:UInt32}`,
        {
          ...modelParams(filter),
          version: filter.version ?? '',
          runId: filter.runId ?? '',
          at: toClickHouseInstant(filter.at ?? ALWAYS),
          limit: filter.limit,
        },
      )
      return rows.map(({ payload }) => JSON.parse(payload) as Lifecycle)
    },
  }
}

type DriftRow = Texts<Drift, 'at' | 'evidenceFrom' | 'evidenceTo' | 'changePointAt' | 'changePointFrom' | 'changePointTo'>
type RequestRow = Texts<RetrainRequest, 'requestedAt' | 'changePointAt'>

export function createDriftReader(clickhouse: Query): DriftReader {
  const columns = '* EXCEPT (kafkaPartition, kafkaOffset)'
  return {
    async current() {
      const rows = await clickhouse.query<DriftRow>(
        `SELECT ${columns} FROM drift ORDER BY at DESC, kafkaOffset DESC LIMIT 1 BY stationId, variable`,
      )
      return rows.map(toDrift)
    },
    async changes(filter) {
      const rows = await clickhouse.query<DriftRow>(
        `SELECT ${columns} FROM drift WHERE ${BY_MODEL} AND ({eventId:String} = '' OR eventId = {eventId:String}) ORDER BY at DESC, kafkaOffset DESC LIMIT {limit:UInt32}`,
        { ...modelParams(filter), eventId: filter.eventId ?? '', limit: filter.limit },
      )
      return rows.map(toDrift)
    },
    async retrainRequests(filter) {
      const rows = await clickhouse.query<RequestRow>(
        `SELECT ${columns} FROM retrain_request WHERE ${BY_MODEL} ORDER BY requestedAt DESC, kafkaOffset DESC LIMIT {limit:UInt32}`,
        { ...modelParams(filter), limit: filter.limit },
      )
      return rows.map((row) => ({
        ...row,
        requestedAt: fromClickHouseInstant(row.requestedAt),
        changePointAt: instantOrNull(row.changePointAt),
      }))
    },
    async residuals(stationId, variable, { from, to, leadFrom, leadTo }) {
      const rows = await clickhouse.query<{
        day: string
        n: number
        meanError: number
        absoluteError: number
        standardised: number
      }>(
        `SELECT toString(toStartOfDay(observedAt)) AS day, count() AS n, avg(toFloat64(e)) AS meanError, avg(abs(toFloat64(e))) AS absoluteError,
           avgIf(toFloat64(e) / s, s > 0) AS standardised
         FROM (SELECT observedAt, leadHours, error, expectedScale FROM verification WHERE stationId = {stationId:String} AND variable = {variable:String}
               AND role = 'champion' AND observedAt >= {from:DateTime64(3)} AND observedAt <= {to:DateTime64(3)})
         ARRAY JOIN leadHours AS lead, error AS e, expectedScale AS s WHERE lead >= {leadFrom:UInt16} AND lead <= {leadTo:UInt16}
         GROUP BY toStartOfDay(observedAt) ORDER BY toStartOfDay(observedAt)`,
        { stationId, variable, from: toClickHouseInstant(from), to: toClickHouseInstant(to), leadFrom, leadTo },
      )
      return rows.map(({ day, meanError, ...sums }) => ({ dayAt: fromClickHouseInstant(day), error: meanError, ...sums }))
    },
  }
}

function toDrift(row: DriftRow): Drift {
  return {
    ...row,
    at: fromClickHouseInstant(row.at),
    evidenceFrom: fromClickHouseInstant(row.evidenceFrom),
    evidenceTo: fromClickHouseInstant(row.evidenceTo),
    changePointAt: instantOrNull(row.changePointAt),
    changePointFrom: instantOrNull(row.changePointFrom),
    changePointTo: instantOrNull(row.changePointTo),
  }
}

const instantOrNull = (text: string | null): number | null => (text === null ? null : fromClickHouseInstant(text))

export function createAuditReader(clickhouse: Query): AuditReader {
  return {
    async list({ action, limit }) {
      const rows = await clickhouse.query<Texts<Audit, 'at'>>(
        `SELECT * EXCEPT (kafkaPartition, kafkaOffset) FROM audit WHERE {action:String} = '' OR action = {action:String} ORDER BY at DESC, auditId LIMIT {limit:UInt32}`,
        { action: action ?? '', limit },
      )
      return rows.map((row) => ({ ...row, at: fromClickHouseInstant(row.at) }))
    },
  }
}
