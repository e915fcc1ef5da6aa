/** Alerts, deliveries and silences. Instants are epoch ms. */
import { type ClickHouse, fromClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import type { Alert, AlertDelivery } from '../../schemas/generated/types.ts'
import { SILENCE_PROCESSOR, type Silence } from '../../schemas/silence.ts'
import type { AlertReader, SilenceStore } from '../ports.ts'

type AlertRow = Omit<Alert, 'startsAt' | 'endsAt'> & { startsAt: string; endsAt: string | null }

export function createAlertReader(clickhouse: Pick<ClickHouse, 'query'>): AlertReader {
  return {
    async list({ state, limit }) {
      const rows = await clickhouse.query<AlertRow>(
        `SELECT * FROM (SELECT * EXCEPT (kafkaPartition, kafkaOffset) FROM alert ORDER BY alertId, sequence DESC LIMIT 1 BY alertId)
         WHERE {state:String} = '' OR state = {state:String} ORDER BY startsAt DESC, alertId LIMIT {limit:UInt32}`,
        { state: state ?? '', limit },
      )
      return rows.map((row) => ({
        ...row,
        startsAt: fromClickHouseInstant(row.startsAt),
        endsAt: row.endsAt === null ? null : fromClickHouseInstant(row.endsAt),
      }))
    },
    async deliveries(alertIds) {
      if (alertIds.length === 0) return []
      const rows = await clickhouse.query<Omit<AlertDelivery, 'at'> & { at: string }>(
        `SELECT * EXCEPT (kafkaPartition, kafkaOffset) FROM alert_delivery WHERE alertId IN {alertIds:Array(String)} ORDER BY at DESC LIMIT 2000`,
        { alertIds: [...alertIds] },
      )
      return rows.map((row) => ({ ...row, at: fromClickHouseInstant(row.at) }))
    },
  }
}

/** Rows of processor_state, which alert policy reads every few seconds (schemas/silence.ts). */
export function createSilenceStore(
  clickhouse: Pick<ClickHouse, 'query' | 'insert'>,
  wallNow: () => number = Date.now,
): SilenceStore {
  return {
    async list() {
      const rows = await clickhouse.query<{ state: string }>(
        `SELECT state FROM processor_state WHERE processor = {processor:String} ORDER BY stateKey`,
        { processor: SILENCE_PROCESSOR },
      )
      return rows.flatMap(({ state }) => (JSON.parse(state) as Silence | null) ?? [])
    },
    async save(silence) {
      await clickhouse.insert('processor_state_log', [
        { processor: SILENCE_PROCESSOR, stateKey: silence.id, state: JSON.stringify(silence), version: wallNow() },
      ])
    },
  }
}
