/** Everything the API reads from and keeps in ClickHouse. */
import type { ClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import type { Store } from '../ports.ts'
import { createAlertReader, createSilenceStore } from './alerts.ts'
import { createForecastReader } from './forecasts.ts'
import { createIdempotencyStore } from './idempotency.ts'
import { createAuditReader, createDriftReader, createModelReader } from './models.ts'
import { createObservationReader } from './observations.ts'
import { createSkillReader } from './skill.ts'

export function createStore(clickhouse: Pick<ClickHouse, 'query' | 'insert'>): Store {
  return {
    forecasts: createForecastReader(clickhouse),
    observations: createObservationReader(clickhouse),
    skill: createSkillReader(clickhouse),
    models: createModelReader(clickhouse),
    drift: createDriftReader(clickhouse),
    alerts: createAlertReader(clickhouse),
    silences: createSilenceStore(clickhouse),
    audit: createAuditReader(clickhouse),
    idempotency: createIdempotencyStore(clickhouse),
  }
}
