// SIGKILL of the training process while it starts and while it works, at random instants: the run is registered, and once.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { HOUR_MS } from '../../forecasting/features/index.ts'
import { createRng } from '../../forecasting/verification/index.ts'
import { readLag } from '../../infra/runtime/kafka/index.ts'
import { testLog, until } from '../../infra/runtime/testing/fixtures.ts'
import type { Lifecycle } from '../../schemas/generated/types.ts'
import { madeUpFeatures, storeFeatures } from './support/made-up-features.ts'
import { openTestSystem, type TestSystem } from './support/system.ts'

const START = Date.UTC(2013, 0, 1) / HOUR_MS
const HOURS = 120 * 24
const KILLS_WHILE_STARTING = 1
/** Each costs the half minute after which the group gives a dead member up. */
const KILLS_WHILE_WORKING = 2

let system: TestSystem
let trainer: ChildProcess | null = null
const lifecycle: Lifecycle[] = []

beforeAll(async () => {
  system = await openTestSystem(
    ['weather.station.v1', 'weather.feature.v1', 'model.control.v1', 'model.lifecycle.v1', 'model.retrain-request.v1'],
    { LOG_LEVEL: 'silent' },
  )
  await system.follow(['model.lifecycle.v1'], (events) => {
    for (const { value } of events) if (value !== null) lifecycle.push(value)
  })
  await storeFeatures(system.clickhouse, 'jfk', madeUpFeatures(START, HOURS))
})
afterAll(async () => {
  await kill()
  await system?.close()
})

function startTrainer(): void {
  const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
  trainer = spawn(process.execPath, ['--no-warnings=ExperimentalWarning', main, 'run', 'training'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...system.env },
  })
}
async function kill(): Promise<void> {
  const child = trainer
  trainer = null
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
const request = (n: number) =>
  system.publisher.publish([
    {
      topic: 'model.retrain-request.v1',
      key: 'jfk/temperatureC',
      value: {
        requestId: `test/${n}`,
        stationId: 'jfk',
        variable: 'temperatureC',
        requestedAt: (START + HOURS - 1) * HOUR_MS,
        reason: 'operator',
        causedBy: null,
        requestedBy: 'test',
        comment: null,
        changePointAt: null,
        estimatedOffset: null,
        changePoints: [],
      },
    },
  ])
const runOf = (n: number): Lifecycle[] => lifecycle.filter(({ causedBy }) => causedBy === `test/${n}`)
const isRegistered = (n: number): boolean => runOf(n).some(({ event }) => event === 'evaluated')

it('is registered exactly once, whenever the trainer is killed', async () => {
  const random = createRng(9)
  let n = 0
  await request(n)
  for (let i = 0; i < KILLS_WHILE_STARTING; i++) {
    startTrainer()
    await sleep(300 + 1500 * random())
    await kill()
  }
  // From the first registered run on the process is known to be up: kills fall between reading the request and committing it.
  for (let i = 0; i < KILLS_WHILE_WORKING; i++) {
    startTrainer()
    await until(`run ${n}`, () => isRegistered(n), 120_000)
    await request(++n)
    await sleep(1500 * random())
    await kill()
  }
  startTrainer()
  await until('the last run', () => isRegistered(n), 120_000)
  await until('all requests are committed', async () =>
    (await readLag(system.config, testLog, 'isobar-training', ['model.retrain-request.v1'])).every(({ lag }) => lag === 0),
  )
  for (let run = 0; run <= n; run++) {
    const events = runOf(run)
    expect(
      new Set(events.filter(({ event }) => event === 'evaluated').map(({ version }) => version)).size,
      `request ${run}`,
    ).toBe(1)
    expect(new Set(events.map(({ eventId }) => eventId)).size).toBe(3)
    expect(new Set(events.flatMap(({ artefact }) => (artefact ? [artefact.sha256] : []))).size).toBe(1)
    expect(events.filter(({ event }) => event === 'failed')).toEqual([])
    // The comparison of families is part of the record, the same however often the run was begun.
    const compared = events.flatMap(({ comparison }) => (comparison ? [comparison.families] : []))
    expect(compared[0]?.map(({ family, refused }) => [family, refused]).slice(0, 2)).toEqual([
      ['random-feature-ridge', null],
      ['ridge-direct', null],
    ])
    expect(new Set(compared.map((families) => JSON.stringify(families.map(({ metrics }) => metrics)))).size).toBe(1)
  }
  expect(new Set(lifecycle.map(({ version }) => version)).size).toBe(n + 1)
})
