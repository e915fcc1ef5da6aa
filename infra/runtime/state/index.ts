/** Small states of a processor: kept in memory, stored in ClickHouse before its offset commits, read back when it is assigned. */
export { createMemory, type Memory } from './memory.ts'
export { createVersionCounter, readStates, type StateReader, type StateRow } from './processor-state.ts'
export { createStateSink } from './state-sink.ts'
