// The loop on real servers without the drift detector: history → first models → step in the series → retrained, tried, promoted, rolled back.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { service as archive } from '../../consumers/archive/main.ts'
import { service as inference } from '../../consumers/inference/main.ts'
import { GATE_POLICY } from '../../forecasting/promotion/index.ts'
import { createRng } from '../../forecasting/verification/index.ts'
import { until } from '../../infra/runtime/testing/fixtures.ts'
import type {
  CheckedObservation,
  Control,
  Forecast,
  Lifecycle,
  ReplicaStatus,
  RetrainRequest,
} from '../../schemas/generated/types.ts'
import { service as features } from '../../stream-processors/features/main.ts'
import { service as promotion } from '../../stream-processors/promotion/main.ts'
import { service as retraining } from '../../stream-processors/retraining/main.ts'
import { service as training } from '../../stream-processors/training/main.ts'
import { service as verification } from '../../stream-processors/verification/main.ts'
import { openTestSystem, type TestSystem } from './support/system.ts'

const HOUR_MS = 3_600_000
const KEY = 'jfk/temperatureC'
const HISTORY_HOURS = 45 * 24
const T0 = Date.UTC(2013, 5, 1)
/** Epoch ms of the nth hour; hours before HISTORY_HOURS are back-fill. */
const at = (hour: number): number => T0 + hour * HOUR_MS
const STEP_HOUR = HISTORY_HOURS + 4
const STEP_C = 4

let system: TestSystem
const seen = {
  controls: [] as Array<Control & { offset: number }>,
  lifecycle: [] as Lifecycle[],
  requests: [] as RetrainRequest[],
  forecasts: [] as Forecast[],
  statuses: [] as ReplicaStatus[],
}

const SERVICES = { archive, features, verification, retraining, training, promotion }

beforeAll(async () => {
  system = await openTestSystem()
  await system.follow(
    ['model.control.v1', 'model.lifecycle.v1', 'model.retrain-request.v1', 'model.status.v1', 'weather.forecast.v1'],
    (events) => {
      for (const event of events) {
        if (event.value === null) continue
        if (event.topic === 'model.control.v1') seen.controls.push({ ...event.value, offset: event.offset })
        else if (event.topic === 'model.lifecycle.v1') seen.lifecycle.push(event.value)
        else if (event.topic === 'model.retrain-request.v1') seen.requests.push(event.value)
        else if (event.topic === 'model.status.v1') seen.statuses.push(event.value)
        else seen.forecasts.push(event.value)
      }
    },
  )
  for (const [name, service] of Object.entries(SERVICES)) await system.start(name, [service])
  for (const replica of ['replica-0', 'replica-1']) await system.start(replica, [inference], { REPLICA_ID: replica })
})
afterAll(() => system?.close())

const FLAG = 'good' as const
const weather = createWeather()
/** A summer with a day, a slow wave and weather of a few days; from STEP_HOUR on a thermometer that reads too high. */
function createWeather(): (hour: number) => CheckedObservation {
  const rng = createRng(11)
  const anomaly: number[] = []
  for (let hour = 0, value = 0; hour < HISTORY_HOURS + 400; hour++) {
    value = 0.96 * value + 0.7 * (rng() + rng() + rng() - 1.5)
    anomaly.push(value)
  }
  return (hour) => {
    const cycle = Math.sin(((hour - 9) * Math.PI) / 12)
    const temperatureC = 21 + 4 * cycle + (anomaly[hour] as number) + (hour >= STEP_HOUR ? STEP_C : 0)
    const value = {
      temperatureC,
      dewPointC: 14 + (anomaly[hour] as number) / 2,
      relativeHumidityPct: 65 - 10 * cycle - (anomaly[hour] as number),
      pressureHpa: 1014 - (anomaly[hour] as number),
      windSpeedMps: 4 + cycle + Math.abs(anomaly[hour] as number) / 3,
      windDirectionDeg: 200,
      precipitationMm: (anomaly[hour] as number) < -2.2 ? 1 : 0,
    }
    const others = {
      stationPressureHpa: null,
      windGustMps: null,
      cloudCoverPct: null,
      visibilityM: null,
      solarWm2: null,
      snowDepthCm: null,
    }
    const flags = Object.fromEntries(
      [...Object.keys(value), ...Object.keys(others)].map((name) => [name, name in value ? FLAG : 'missing']),
    ) as unknown as CheckedObservation['flags']
    return {
      stationId: 'jfk',
      observedAt: at(hour),
      receivedAt: hour < HISTORY_HOURS ? at(HISTORY_HOURS) : at(hour),
      source: 'test',
      kind: 'observation',
      revision: 0,
      ...value,
      ...others,
      flags,
      rules: {},
      qcVersion: 'test',
    } as unknown as CheckedObservation
  }
}

async function publishHours(from: number, to: number): Promise<void> {
  await system.publisher.publish(
    Array.from({ length: to - from }, (_, i) => ({
      topic: 'weather.observation-checked.v1' as const,
      key: 'jfk',
      value: weather(from + i),
    })),
  )
}
/** Publishes hours one by one, each only when both roles have forecast from it: as live hours come. */
async function liveHours(from: number, to: number, wanted: (forecasts: readonly Forecast[]) => boolean): Promise<void> {
  for (let hour = from; hour < to; hour++) {
    await publishHours(hour, hour + 1)
    await until(`forecasts of hour ${hour}`, () => wanted(ofModel().filter(({ issuedAt }) => issuedAt === at(hour))))
  }
}
const ofModel = (): Forecast[] => seen.forecasts.filter(({ stationId, variable }) => `${stationId}/${variable}` === KEY)
const controls = () => seen.controls.filter(({ stationId, variable }) => `${stationId}/${variable}` === KEY)
const control = (): Control | undefined => controls().at(-1)
const events = (event: Lifecycle['event']): Lifecycle[] =>
  seen.lifecycle.filter((one) => `${one.stationId}/${one.variable}` === KEY && one.event === event)
const hasChampion = (forecasts: readonly Forecast[]): boolean => forecasts.some(({ role }) => role === 'champion')
const hasChallenger = (forecasts: readonly Forecast[]): boolean => forecasts.some(({ role }) => role === 'challenger')
const replicasServe = (version: string | undefined): boolean =>
  ['replica-0', 'replica-1'].every((replicaId) =>
    seen.statuses.some(
      (status) => status.replicaId === replicaId && status.servingVersion === version && status.variable === 'temperatureC',
    ),
  )

it('carries a step in the series from a confirmed drift to a promoted model and back by order, across restarts', async () => {
  await publishHours(0, HISTORY_HOURS + 1)
  await until('the first champion', () => control() !== undefined)
  const first = (control() as Control).champion.version
  await until('both replicas serve it', () => replicasServe(first))
  // One request and one run per variable, however often the station asked.
  await until('all first runs', () => seen.lifecycle.filter(({ event }) => event === 'evaluated').length >= 6)

  let hour = HISTORY_HOURS + 1
  await liveHours(hour, (hour += 30), hasChampion)
  expect(seen.requests.filter(({ reason }) => reason === 'cold-start')).toHaveLength(6)
  expect(new Set(seen.lifecycle.filter(({ event }) => event === 'evaluated').map(({ runId }) => runId)).size).toBe(6)
  expect(ofModel().filter(({ status }) => status === 'stale')).toEqual([])

  await system.publisher.publish([
    {
      topic: 'model.drift.v1',
      key: KEY,
      value: {
        eventId: 'drift/test',
        stationId: 'jfk',
        variable: 'temperatureC',
        state: 'confirmed',
        previousState: 'warned',
        at: at(hour - 1),
        detector: 'test',
        statistic: 9,
        threshold: 3,
        leadBucket: '1-6',
        evidenceFrom: at(STEP_HOUR),
        evidenceTo: at(hour - 1),
        cause: 'instrument-change',
        modelVersion: first,
        changePointAt: at(STEP_HOUR),
        estimatedOffset: STEP_C,
        changePointFrom: null,
        changePointTo: null,
        offsetMargin: null,
        explanation: 'test',
      },
    },
  ])
  await until('a challenger', () => (control()?.challengers.length ?? 0) > 0)
  const second = (control() as Control).challengers[0]?.version
  const request = seen.requests.find(({ reason }) => reason === 'drift')
  expect(request).toMatchObject({ causedBy: 'drift/test', changePointAt: at(STEP_HOUR), estimatedOffset: STEP_C })
  expect(control()?.champion.version).toBe(first)
  expect(control()?.challengers[0]?.changePoints).toEqual([{ variable: 'temperatureC', at: at(STEP_HOUR), offset: STEP_C }])
  await until('both replicas have read the order', () => {
    const offset = controls().at(-1)?.offset as number
    return ['replica-0', 'replica-1'].every((id) => seen.statuses.some((s) => s.replicaId === id && s.controlOffset === offset))
  })

  await liveHours(hour, (hour += 40), hasChallenger)
  await system.stop('promotion')
  await system.start('promotion', [promotion])
  const trialStart = hour
  while (events('accepted').length < 2 && hour < trialStart + GATE_POLICY.maximumHours) await liveHours(hour, ++hour, hasChampion)
  await until('the promotion', () => control()?.champion.version === second)
  const accepted = events('accepted').at(-1) as Lifecycle
  expect(accepted.reasons[0]).toMatch(/^better/)
  expect(control()).toMatchObject({ previous: { version: first }, shadows: [{ version: first }], challengers: [] })
  await until('both replicas serve the new model', () => replicasServe(second))
  const isBy = (role: Forecast['role'], version: string | undefined, forecasts: readonly Forecast[]): boolean =>
    forecasts.some((one) => one.role === role && one.modelVersion === version)
  await liveHours(hour, (hour += 3), (forecasts) => isBy('champion', second, forecasts) && isBy('shadow', first, forecasts))

  // Every forecast was made by a model that the order it names put in that role.
  const byOffset = new Map(controls().map((one) => [one.offset, one]))
  for (const forecast of ofModel()) {
    const order = byOffset.get(forecast.controlOffset) as Control
    const roles = { champion: [order.champion], challenger: order.challengers, shadow: order.shadows }
    expect(roles[forecast.role].map(({ version }) => version)).toContain(forecast.modelVersion)
  }

  await system.publisher.publish([
    {
      topic: 'audit.v1',
      key: 'ops',
      value: {
        auditId: 'back',
        actor: 'ops',
        action: 'model.rollback',
        subject: KEY,
        reason: 'the old thermometer is back',
        at: Date.now(),
        details: {},
        outcome: 'accepted',
      },
    },
  ])
  await until('the rollback', () => control()?.champion.version === first)
  expect(events('rolled-back')).toMatchObject([{ version: second, actor: 'ops' }])
  await until('both replicas serve the first model again', () => {
    const offset = controls().at(-1)?.offset as number
    return ['replica-0', 'replica-1'].every((id) =>
      seen.statuses.some((s) => s.replicaId === id && s.controlOffset === offset && s.servingVersion === first),
    )
  })

  const stored = async (): Promise<string[]> =>
    (
      await system.clickhouse.query<{ event: string }>(
        "SELECT event FROM lifecycle WHERE stationId = 'jfk' AND variable = 'temperatureC' ORDER BY kafkaOffset",
      )
    ).map(({ event }) => event)
  const run = ['training-started', 'trained', 'evaluated', 'accepted', 'promoted']
  await until('the archive', async () => (await stored()).includes('rolled-back'))
  // The drift is still confirmed: with the cooldown over, another run may begin at once.
  const whole = [...run, ...run, 'rolled-back']
  expect((await stored()).slice(0, whole.length)).toEqual(whole)
  const duplicates = await system.clickhouse.query<{ n: string }>(
    'SELECT toString(count() - uniqExact(forecastId)) AS n FROM forecast',
  )
  expect(duplicates[0]?.n).toBe('0')
  expect(system.failures).toEqual([])
})
