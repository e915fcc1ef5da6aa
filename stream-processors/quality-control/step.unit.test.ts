import { describe, expect, it } from 'vitest'
import { QC_VERSION } from '../../forecasting/quality-control/index.ts'
import { AppError } from '../../infra/runtime/errors.ts'
import type { InboundEvent, Outcome, StepContext } from '../../infra/runtime/kafka/types.ts'
import type { CheckedObservation, Observation } from '../../schemas/generated/types.ts'
import { QUANTITIES } from '../../schemas/quantities.ts'
import { createQualityControlStep } from './step.ts'
import type { Wanted } from './step.ts'

const HOUR = 3_600_000
const START = Date.parse('2013-07-09T00:00:00Z')
type In = InboundEvent<'weather.observation.v1'>

function observe(hour: number, values: Partial<Observation>): Observation {
  const nothing = Object.fromEntries(QUANTITIES.map((q) => [q, null])) as Pick<Observation, (typeof QUANTITIES)[number]>
  const at = START + hour * HOUR
  return {
    stationId: 'lga',
    observedAt: at,
    receivedAt: at,
    source: 'test',
    kind: 'observation',
    revision: 0,
    ...nothing,
    ...values,
  }
}
const event = (offset: number, value: Observation, key = value.stationId): In => ({
  topic: 'weather.observation.v1',
  key,
  value,
  partition: 3,
  offset,
  headers: {},
  timestampMs: 0,
})
const context: StepContext = { topic: 'weather.observation.v1', partition: 3, caughtUp: true, heartbeat: async () => undefined }

function harness(archive: Observation[] = []) {
  const asked: Wanted[][] = []
  let isDown = false
  const { step, forget } = createQualityControlStep({
    history: {
      recent: async (wanted) => {
        if (isDown) throw new AppError('down', { code: 'clickhouse-unreachable', retry: 'transient' })
        asked.push([...wanted])
        return wanted.map((w) =>
          archive.filter((o) => o.stationId === w.stationId && o.kind === w.kind && o.observedAt <= w.until),
        )
      },
    },
  })
  return {
    step: async (events: readonly In[]) => step(events, context),
    forget,
    asked,
    archive,
    setDown: (down: boolean) => void (isDown = down),
  }
}
function checkedOf(outcome: Outcome | undefined): CheckedObservation {
  const first = outcome?.kind === 'emit' ? outcome.events[0] : undefined
  if (first?.topic !== 'weather.observation-checked.v1') throw new Error(`not emitted: ${JSON.stringify(outcome)}`)
  return first.value
}

describe('quality-control step', () => {
  it('emits the observation unchanged with its verdict, keyed by station', async () => {
    const [outcome] = await harness().step([event(0, observe(0, { windSpeedMps: 468.66, temperatureC: 4 }))])
    const checked = checkedOf(outcome)
    expect(checked).toMatchObject({ stationId: 'lga', windSpeedMps: 468.66, temperatureC: 4, qcVersion: QC_VERSION })
    expect(checked.flags).toMatchObject({ windSpeedMps: 'bad', temperatureC: 'good', dewPointC: 'missing' })
    expect(outcome?.kind === 'emit' && outcome.events[0]?.key).toBe('lga')
  })

  it('skips a repeated report and counts a corrected one', async () => {
    const outcomes = await harness().step([
      event(0, observe(0, { temperatureC: 20 })),
      event(1, observe(0, { temperatureC: 20 })),
      event(2, observe(0, { temperatureC: 21 })),
    ])
    expect(outcomes.map((o) => o.kind)).toEqual(['emit', 'skip', 'emit'])
    expect(checkedOf(outcomes[2]).revision).toBe(1)
  })

  it('gives the same outcomes when a batch is delivered again because its results could not be published', async () => {
    const { step } = harness()
    await step([event(0, observe(0, { temperatureC: 30 }))])
    const batch = [event(1, observe(1, { temperatureC: 12 })), event(2, observe(2, { temperatureC: 29 }))]
    const first = await step(batch)
    expect(checkedOf(first[0]).rules['temperatureC']).toEqual(['step'])
    expect(await step(batch)).toEqual(first)
    expect(await step(batch.slice(0, 1))).toEqual(first.slice(0, 1))
  })

  it('rebuilds its context from the archive after a rebalance, station by station, once', async () => {
    const { step, forget, asked, archive } = harness()
    for (let h = 0; h < 16; h++) archive.push(observe(h, { temperatureC: 21.3 }))
    forget()
    const outcomes = await step([event(16, observe(16, { temperatureC: 21.3 })), event(17, observe(17, { temperatureC: 21.3 }))])
    expect(checkedOf(outcomes[0]).rules['temperatureC']).toEqual(['stuck-sensor'])
    expect(checkedOf(outcomes[0]).flags.temperatureC).toBe('bad')
    await step([event(18, observe(18, { temperatureC: 22 }))])
    expect(asked).toEqual([[{ stationId: 'lga', kind: 'observation', until: START + 16 * HOUR }]])
  })

  it('starts over from the archive when the stream goes back behind the newest batch', async () => {
    const { step, asked } = harness()
    await step([event(5, observe(5, { temperatureC: 20 }))])
    await step([event(6, observe(6, { temperatureC: 20 }))])
    expect((await step([event(5, observe(5, { temperatureC: 20 }))]))[0]?.kind).toBe('emit')
    expect(asked).toHaveLength(2)
  })

  it('judges nothing while the archive is down, and the same batch afterwards', async () => {
    const { step, setDown } = harness()
    setDown(true)
    await expect(step([event(0, observe(0, { temperatureC: 20 }))])).rejects.toMatchObject({ retry: 'transient' })
    setDown(false)
    expect((await step([event(0, observe(0, { temperatureC: 20 }))]))[0]?.kind).toBe('emit')
  })

  it('keeps measurements and analyses of one station apart', async () => {
    const outcomes = await harness().step([
      event(0, observe(0, { temperatureC: 30 })),
      event(1, observe(1, { temperatureC: 5, kind: 'analysis' })),
      event(2, observe(2, { temperatureC: 29 })),
    ])
    expect(outcomes.map((o) => checkedOf(o).flags.temperatureC)).toEqual(['good', 'good', 'good'])
  })

  it('keeps what comes from the future, flagged', async () => {
    const [outcome] = await harness().step([event(0, observe(50, { temperatureC: 20, receivedAt: START }))])
    expect(checkedOf(outcome).rules['temperatureC']).toEqual(['future-timestamp'])
  })

  it.each([
    ['a hostile station id', observe(0, { stationId: '<b>' }), '<b>', 'invalid-station-id'],
    ['a key of another station', observe(0, {}), 'jfk', 'key-mismatch'],
    ['an instant that is none', observe(0, { observedAt: NaN }), 'lga', 'invalid-instant'],
    ['an instant in year 5000', observe(0, { observedAt: Date.UTC(5000, 0, 1) }), 'lga', 'invalid-instant'],
  ])('dead-letters %s and goes on', async (_name, value, key, reason) => {
    const outcomes = await harness().step([event(0, value, key), event(1, observe(1, { temperatureC: 20 }))])
    expect(outcomes.map((o) => o.kind)).toEqual(['dead-letter', 'emit'])
    expect(outcomes[0]).toMatchObject({ reason })
  })
})
