/** The launcher itself: it stops whole, resumes, cleans up after a predecessor that was killed, shares the machine, empties its folder. */
import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isRunning } from '../../infra/local/process-identity.ts'
import type { RecordedProcess } from '../../infra/local/run-file.ts'
import { kafkaBlock, readConfig } from '../../infra/runtime/config/index.ts'
import { readEnds } from '../../infra/runtime/kafka/index.ts'
import { createLogger } from '../../infra/runtime/log.ts'
import { BUNDLED_OBSERVATIONS, loadSeries } from '../../producers/replay/series.ts'
import { processesOf } from '../support/processes.ts'
import { expectExact, newestSent, throughTo } from './support/exactness.ts'
import { newHome, removeHome, startSystem, type System, until } from './support/system.ts'

const HOUR_MS = 3_600_000
const FIRST_PACED = Date.parse('2013-07-01T01:00:00Z')
const DEFAULT_PORT = 8080
const STOP_SECONDS = 15
const log = createLogger('test', 'silent')

/** Listens on the default port; null when another program of this machine has it already, which is as good. */
async function takeDefaultPort(): Promise<Server | null> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(null) : reject(error)))
    server.listen(DEFAULT_PORT, '127.0.0.1', () => resolve(server))
  })
}

/** Every process of a run; all of them run, and the look at the whole machine finds them too. */
function recorded(system: System): readonly RecordedProcess[] {
  const { processes } = system.run()
  expect(processes.map(({ name }) => name)).toEqual(expect.arrayContaining(['pipeline', 'api', 'producer']))
  expect(processes.filter((process) => !isRunning(process))).toEqual([])
  if (process.platform === 'linux')
    expect(processesOf(system.home)).toEqual(expect.arrayContaining(processes.map(({ pid }) => pid)))
  return processes
}

function expectNothingRuns(home: string, processes: readonly RecordedProcess[]): void {
  expect(processes.filter(isRunning).map(({ name }) => name)).toEqual([])
  expect(processesOf(home)).toEqual([])
}

/** Observations that the topic was ever given. */
async function messagesSent(system: System): Promise<number> {
  const config = readConfig(kafkaBlock, { KAFKA_BROKERS: system.run().urls.kafkaBrokers })
  const ends = await readEnds(config, log, ['weather.observation.v1'])
  return ends.reduce((sum, { end }) => sum + end, 0)
}

/** Observations of the series up to an instant, epoch ms. */
async function inSeries(through: number): Promise<number> {
  const { observations } = await loadSeries(BUNDLED_OBSERVATIONS, () => {})
  return observations.filter(({ observedAt }) => observedAt <= through).length
}

const untilSentAfter = (system: System, instant: number): Promise<unknown> =>
  until(
    `an observation after ${new Date(instant).toISOString()} is sent`,
    async () => (await newestSent(system)) > instant,
    120_000,
  )

describe('launcher', () => {
  const home = newHome()
  const otherHome = newHome()
  let holder: Server | null = null
  let system: System
  let other: System | null = null
  beforeAll(async () => {
    holder = await takeDefaultPort()
    system = await startSystem(home, ['--speed', '2'])
  })
  afterAll(async () => {
    await Promise.all([system?.end('SIGTERM'), other?.end('SIGTERM')])
    holder?.close()
    removeHome(home)
    removeHome(otherHome)
  })

  it('leaves a taken port to its owner and serves on another one', async () => {
    expect(Number(new URL(system.run().extra['httpUrl'] as string).port)).not.toBe(DEFAULT_PORT)
    expect((await system.get('/livez')).status).toBe(200)
  })

  it(`stops everything within ${STOP_SECONDS} s of SIGINT; the next start goes on where the replay was`, async () => {
    await untilSentAfter(system, FIRST_PACED)
    const before = await newestSent(system)
    const processes = recorded(system)
    const { code, seconds } = await system.end('SIGINT')
    expect(code).toBe(0)
    expect(seconds).toBeLessThan(STOP_SECONDS)
    expectNothingRuns(home, processes)
    expect(existsSync(join(home, 'data', 'run.json'))).toBe(false)

    system = await startSystem(home, ['--speed', '2'])
    await untilSentAfter(system, before)
    const sent = await messagesSent(system)
    // What is sent between the two looks is at most an hour or two; a repeated back-fill would be thousands.
    expect(sent).toBeLessThanOrEqual(await inSeries((await newestSent(system)) + 2 * HOUR_MS))
    expect(sent).toBeGreaterThanOrEqual(await inSeries(before))
  })

  it('after kill -9 of the launcher the next start ends what was left and loses nothing', async () => {
    const before = await newestSent(system)
    const processes = recorded(system)
    await system.end('SIGKILL')
    const orphans = processes.filter(isRunning)
    expect(orphans.length).toBeGreaterThan(0) // else there is nothing to clean up and this shows nothing
    system = await startSystem(home, ['--speed', '2'])
    expect(processes.filter(isRunning).map(({ name }) => name)).toEqual([])
    await untilSentAfter(system, before)
    const to = before + 2 * HOUR_MS
    await throughTo(system, to, 120_000)
    await expectExact(system, FIRST_PACED, to)
  })

  it('two homes run side by side; one ends without touching the other', async () => {
    other = await startSystem(otherHome, ['--speed', '2'])
    expect(other.run().extra['httpUrl']).not.toBe(system.run().extra['httpUrl'])
    for (const one of [system, other]) expect((await one.get('/readyz')).status).toBe(200)
    const processes = recorded(other)
    await other.end('SIGINT')
    expectNothingRuns(otherHome, processes)
    recorded(system)
    await untilSentAfter(system, await newestSent(system))
  })

  it('reset --yes is refused while it runs, and empties the data when it does not', async () => {
    const refused = await system.isobar('reset', '--yes')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('Isobar is running')
    expect((await system.get('/readyz')).status).toBe(200)
    const processes = recorded(system)
    await system.end('SIGINT')
    expectNothingRuns(home, processes)
    expect(existsSync(join(home, 'data'))).toBe(true)
    expect(await system.isobar('reset', '--yes')).toMatchObject({ code: 0 })
    expect(existsSync(join(home, 'data'))).toBe(false)
  })
})
