/** kill -9 of the process that checks, builds features, verifies and archives, twenty times under load: every query stays exact. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectExact, newestSent, newestVerified, throughTo } from './support/exactness.ts'
import { newHome, removeHome, startSystem, type System, until } from './support/system.ts'

const HOUR_MS = 3_600_000
const FIRST_PACED = Date.parse('2013-07-01T01:00:00Z')
const KILLS = 20

describe('kill -9', () => {
  const home = newHome()
  let system: System
  beforeAll(async () => {
    system = await startSystem(home, ['--speed', '6'], { ISOBAR_RESTART_MAX_MS: '500' })
    await until('the first hours are verified', async () => (await newestVerified(system)) > FIRST_PACED + 6 * HOUR_MS, 180_000)
  })
  afterAll(async () => {
    await system?.end('SIGTERM')
    removeHome(home)
  })

  it(`${KILLS} times the pipeline process: nothing lost, nothing doubled`, async () => {
    let last = 0
    for (let i = 0; i < KILLS; i++) {
      const pid = await system.pidOf('pipeline')
      expect(pid).not.toBe(last) // a new process each time
      last = pid
      process.kill(pid, 'SIGKILL')
      await until('another pipeline process runs', async () => (await system.pidOf('pipeline')) !== pid, 60_000)
      // Some die while they start, some while they restore, some in the middle of the stream.
      await sleep(1500 + (i % 5) * 2000)
    }
    // Everything that was sent while processes died.
    const to = await newestSent(system)
    await throughTo(system, to + 12 * HOUR_MS, 300_000)
    const counts = await expectExact(system, FIRST_PACED, to)
    console.log(`after ${KILLS} kills: ${JSON.stringify(counts)} exact`)
  })

  it('an inference replica and the training process: the other replica answers for it, nothing is lost', async () => {
    for (const name of ['inference-0', 'training', 'inference-1']) {
      process.kill(await system.pidOf(name), 'SIGKILL')
      await sleep(4000)
    }
    const to = await newestSent(system)
    await throughTo(system, to + 24 * HOUR_MS, 240_000)
    await expectExact(system, FIRST_PACED, to)
  })
})
