// A wave of new models on real servers: canary stations serve theirs first, the others follow or are refused, across a restart.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { service as archive } from '../../consumers/archive/main.ts'
import { isCanaryStation } from '../../forecasting/promotion/index.ts'
import { until } from '../../infra/runtime/testing/fixtures.ts'
import { verificationEventId } from '../../schemas/event-ids.ts'
import type { Control, Lifecycle, Verification } from '../../schemas/generated/types.ts'
import { service as promotion } from '../../stream-processors/promotion/main.ts'
import * as world from '../../stream-processors/promotion/testing/world.ts'
import { openTestSystem, type TestSystem } from './support/system.ts'

const SHARE = 0.5
const NAMES = Array.from({ length: 40 }, (_, i) => `station-${i}`)
const CANARY = NAMES.find((id) => isCanaryStation(id, SHARE)) as string
const OTHER = NAMES.find((id) => !isCanaryStation(id, SHARE)) as string
const STATIONS = [CANARY, OTHER]
type Variable = Lifecycle['variable']

let system: TestSystem
const controls: Control[] = []
const lifecycle: Lifecycle[] = []

beforeAll(async () => {
  system = await openTestSystem(undefined, { PROMOTION_CANARY_SHARE: String(SHARE) })
  await system.follow(['model.control.v1', 'model.lifecycle.v1'], (events) => {
    for (const event of events) {
      if (event.value === null) continue
      if (event.topic === 'model.control.v1') controls.push(event.value)
      else lifecycle.push(event.value)
    }
  })
  await system.start('archive', [archive])
  await system.start('promotion', [promotion])
})
afterAll(() => system?.close())

const runId = (name: 'a' | 'b', stationId: string, variable: Variable): string => `${name}-${stationId}-${variable}`

function evaluated(name: 'a' | 'b', stationId: string, variable: Variable): Lifecycle {
  return world.evaluated(runId(name, stationId, variable), name === 'a' ? 0 : 1, {
    stationId,
    variable,
    requestReason: name === 'a' ? 'cold-start' : 'schedule',
  })
}

function verification(name: 'a' | 'b', stationId: string, variable: Variable, hour: number, size: number): Verification {
  const role = name === 'a' ? 'champion' : 'challenger'
  const value = { ...world.verification(runId(name, stationId, variable), role, hour, size, stationId), variable }
  return { ...value, verificationId: verificationEventId(value) }
}
async function publishHours(stationId: string, variable: Variable, from: number, to: number, size: { a: number; b: number }) {
  const hours = Array.from({ length: to - from }, (_, i) => from + i)
  await system.publisher.publish(
    hours.flatMap((hour) =>
      (['a', 'b'] as const).map((name) => ({
        topic: 'weather.verification.v1' as const,
        key: stationId,
        value: verification(name, stationId, variable, hour, size[name]),
      })),
    ),
  )
}
const serving = (stationId: string, variable: Variable): Control | undefined =>
  controls.findLast((control) => control.stationId === stationId && control.variable === variable)
const told = (stationId: string, variable: Variable): Lifecycle[] =>
  lifecycle.filter((event) => event.runId === runId('b', stationId, variable) && event.actor === 'promotion')
const GOOD = { a: 3, b: 1.5 }
const BAD = { a: 1.5, b: 4 }

/** Both stations with a champion and a model in trial; the canary's is promoted, the other's accepted. */
async function tried(variable: Variable): Promise<void> {
  for (const name of ['a', 'b'] as const) {
    await system.publisher.publish(
      STATIONS.map((stationId) => ({
        topic: 'model.lifecycle.v1' as const,
        key: `${stationId}/${variable}`,
        value: evaluated(name, stationId, variable),
      })),
    )
    await until(`orders for ${name}`, () =>
      STATIONS.every((stationId) => {
        const control = serving(stationId, variable)
        return name === 'a' ? control !== undefined : control?.challengers.length === 1
      }),
    )
  }
  await publishHours(CANARY, variable, 2, 82, GOOD)
  await until('the canary serves the new model', () => serving(CANARY, variable)?.champion.runId === runId('b', CANARY, variable))
  await publishHours(OTHER, variable, 2, 82, GOOD)
  await until('the gate accepts the other one', () => told(OTHER, variable).some(({ event }) => event === 'accepted'))
}

it('models of other stations follow the canaries that pass, and are refused with those that are rolled back', async () => {
  await tried('temperatureC')
  expect(told(OTHER, 'temperatureC')[0]).toMatchObject({
    event: 'accepted',
    waitsFor: [runId('b', CANARY, 'temperatureC')],
    reasons: [expect.stringMatching(/^better/), 'waits-for-canaries: 1 of 1'],
  })
  expect(serving(OTHER, 'temperatureC')).toMatchObject({
    champion: { runId: runId('a', OTHER, 'temperatureC') },
    challengers: [{ runId: runId('b', OTHER, 'temperatureC') }],
  })

  // Who waits is in the log: a restart changes nothing.
  await system.stop('promotion')
  await system.start('promotion', [promotion])
  await publishHours(CANARY, 'temperatureC', 82, 200, GOOD)
  // The order tells that promotion has read its own decision back.
  await until('the canary has passed', () => serving(CANARY, 'temperatureC')?.shadows.length === 0)
  await publishHours(OTHER, 'temperatureC', 200, 201, GOOD)
  await until('the other follows', () => serving(OTHER, 'temperatureC')?.champion.runId === runId('b', OTHER, 'temperatureC'))
  expect(told(CANARY, 'temperatureC').map(({ event }) => event)).toEqual(['accepted', 'promoted', 'probation-passed'])
  expect(told(OTHER, 'temperatureC').map(({ event }) => event)).toEqual(['accepted', 'promoted'])
  expect(told(OTHER, 'temperatureC')[1]).toMatchObject({
    at: told(CANARY, 'temperatureC').at(-1)?.at,
    reasons: ['canaries-passed: 1 of 1', expect.stringMatching(/^better/), 'waits-for-canaries: 1 of 1'],
  })

  await tried('dewPointC')
  await publishHours(CANARY, 'dewPointC', 82, 200, BAD)
  await until('the canary is rolled back', () => serving(CANARY, 'dewPointC')?.champion.runId === runId('a', CANARY, 'dewPointC'))
  await publishHours(OTHER, 'dewPointC', 200, 201, GOOD)
  await until('the other is refused', () => serving(OTHER, 'dewPointC')?.challengers.length === 0)
  expect(told(OTHER, 'dewPointC').at(-1)).toMatchObject({
    event: 'rejected',
    reasons: [
      `canaries-rolled-back: 1 of 1, ${CANARY}/dewPointC`,
      expect.stringMatching(/^better/),
      'waits-for-canaries: 1 of 1',
    ],
  })
  expect(serving(OTHER, 'dewPointC')?.champion.runId).toBe(runId('a', OTHER, 'dewPointC'))
  expect(system.failures).toEqual([])
})
