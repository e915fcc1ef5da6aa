import { expect, it } from 'vitest'
import type { InboundEvent, PartitionLag } from '../../infra/runtime/kafka/index.ts'
import { aCheckedObservation, HOUR_MS, NOON } from '../testing/app.ts'
import { createProgress } from './progress.ts'
import { STAGES } from '../../schemas/stages.ts'
import { createStageReader } from './stages.ts'

const raw = (offset: number, hours: number): InboundEvent => {
  const {
    flags: _flags,
    rules: _rules,
    qcVersion: _version,
    ...observation
  } = aCheckedObservation({ observedAt: NOON + hours * HOUR_MS })
  return { topic: 'weather.observation.v1', key: 'jfk', value: observation, partition: 0, offset, headers: {}, timestampMs: 0 }
}
const lag = (committed: number | null, end: number): PartitionLag => ({
  topic: 'weather.observation.v1',
  partition: 0,
  committed,
  end,
  lag: end - (committed ?? 0),
})

it('turns committed offsets into event time, and asks the brokers once for many looks', async () => {
  const progress = createProgress()
  for (const [offset, hours] of [
    [100, 0],
    [101, 1],
    // A correction of an old hour sets nobody back.
    [102, -30],
    [103, 5],
  ] as const)
    progress.note(raw(offset, hours))
  let asked = 0
  let wall = 0
  let committed: number | null = 103
  const reader = createStageReader({
    progress,
    wallNow: () => wall,
    readLags: async (groups) => {
      asked++
      return groups.map(({ name }) => (name === 'quality-control' ? [lag(committed, 104)] : []))
    },
  })
  const quality = async () => (await reader.read()).find(({ name }) => name === 'quality-control')
  expect((await reader.read()).map(({ name }) => name)).toEqual(['ingest', ...STAGES.map(({ name }) => name)])
  expect((await reader.read())[0]).toEqual({ name: 'ingest', newestAt: NOON + 5 * HOUR_MS, lagSeconds: null, lagEvents: null })
  expect(await quality()).toEqual({ name: 'quality-control', newestAt: NOON + HOUR_MS, lagSeconds: 4 * 3600, lagEvents: 1 })
  expect(asked).toBe(1)
  wall += 10_000
  committed = 104
  expect(await quality()).toEqual({ name: 'quality-control', newestAt: NOON + 5 * HOUR_MS, lagSeconds: 0, lagEvents: 0 })
  wall += 10_000
  committed = 104
  // Published since the offsets were read: no lag yet.
  progress.note(raw(104, 9))
  expect(await quality()).toMatchObject({ lagSeconds: 0 })
  wall += 10_000
  committed = null
  expect(await quality()).toEqual({ name: 'quality-control', newestAt: null, lagSeconds: null, lagEvents: 104 })
})
