/** any archived event → its ClickHouse row. At least once; rows replace by deterministic key, versioned by Kafka offset. */
import { type BatchStep, emit } from '../../infra/runtime/kafka/types.ts'
import { type ArchivedTopic, type ArchiveRow, toArchiveRow } from './rows.ts'

export function createArchiveStep(): BatchStep<ArchivedTopic, ArchiveRow> {
  return (events) => events.map((event) => emit([], [toArchiveRow(event)]))
}
