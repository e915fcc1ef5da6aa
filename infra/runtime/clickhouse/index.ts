export { openClickHouse, type ClickHouse, type OpenClickHouseOptions, type QueryParams } from './client.ts'
export { fromClickHouseInstant, nanFromNull, toClickHouseInstant, toClickHouseInstantOrNull } from './instants.ts'
export { applyMigrations, type MigrationReport } from './migrations.ts'
export { createBatchedWriter, createTableSink, type TableRow, type TableSinkOptions } from './sink.ts'
