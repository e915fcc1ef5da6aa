import { describeSinkContract } from '../testing/sink-contract.ts'
import { createMemory } from './memory.ts'
import { createStateSink } from './state-sink.ts'

describeSinkContract(
  'state of processors',
  (ch) => ({
    sink: createStateSink(
      ch,
      createMemory('test', () => 1),
    ),
    row: (n) => ({ processor: 'test', stateKey: `key/${n}`, state: JSON.stringify({ n }), version: n + 1 }),
    visible: async (reader) =>
      (await reader.query<{ state: string }>("SELECT state FROM processor_state WHERE processor = 'test'")).map(
        ({ state }) => (JSON.parse(state) as { n: number }).n,
      ),
  }),
  { rows: 21_000 },
)
