// What the API reads, on the real ClickHouse engine, from rows as the archive writes them.
import { mean, sampleVariance } from 'simple-statistics'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ArchivedTopic, toArchiveRow } from '../../consumers/archive/rows.ts'
import { verifyLead } from '../../forecasting/verification/index.ts'
import { applyMigrations, type ClickHouse, createBatchedWriter, openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import type { InboundEvent, Outcome } from '../../infra/runtime/kafka/types.ts'
import { isolatedConfig } from '../../infra/runtime/testing/fixtures.ts'
import type { EventByTopic } from '../../schemas/generated/types.ts'
import { bucketOf } from '../../forecasting/verification/index.ts'
import { QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { createVerificationStep, type VerificationInput } from '../../stream-processors/verification/step.ts'
import type { Store } from '../../api/ports.ts'
import { skillRows } from '../../api/skill/scores.ts'
import { aCheckedObservation, aControl, aForecast, aLifecycle, HOUR_MS, NOON } from '../../api/testing/app.ts'
import { createStore } from '../../api/store/index.ts'

let clickhouse: ClickHouse
let store: Store
let offset = 0

beforeAll(async () => {
  clickhouse = openClickHouse(isolatedConfig())
  await applyMigrations(clickhouse)
  store = createStore(clickhouse)
})
afterAll(async () => {
  await clickhouse?.command(`DROP DATABASE IF EXISTS ${clickhouse.database}`)
  await clickhouse?.close()
})

function inbound<T extends ArchivedTopic>(topic: T, value: EventByTopic[T]): InboundEvent<T> {
  return { topic, key: 'k', value, partition: 0, offset: offset++, headers: {}, timestampMs: 0 }
}
const archive = async (events: readonly InboundEvent<ArchivedTopic>[]): Promise<void> =>
  createBatchedWriter(clickhouse).write(events.map(toArchiveRow))

describe('skill', () => {
  it('equals an offline recomputation from the archived forecasts and observations to 1e-9', async () => {
    let seed = 11
    const uniform = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647
    const truth = Array.from({ length: 240 }, (_, h) => Math.round(10 * (20 + 6 * Math.sin(h / 3.8) + 3 * uniform())) / 10)
    const events: InboundEvent<VerificationInput>[] = []
    for (const [hour, temperatureC] of truth.entries()) {
      const at = NOON + hour * HOUR_MS
      events.push(
        inbound('weather.observation-checked.v1', aCheckedObservation({ observedAt: at, receivedAt: at, temperatureC })),
      )
      const forecast = aForecast({ issuedAt: at, forecastId: `f${hour}` })
      const levels = [...QUANTILE_LEVELS]
      const centre = 20 + 5 * (uniform() - 0.5)
      const leads = forecast.leadHours
      events.push(
        inbound('weather.forecast.v1', {
          ...forecast,
          // As Avro carries them: 32-bit floats.
          quantiles: leads.map((lead) =>
            levels.map((q) => Math.fround(centre + Math.sin(lead) + (2 + lead / 60) * 2.5 * (q - 0.5))),
          ),
          baselines: {
            persistence: leads.map((_, i) => (i % 9 === 0 ? Number.NaN : Math.fround(temperatureC))),
            recentredClimatology: leads.map((lead) => Math.fround(20 + 4 * Math.sin((hour + lead) / 3.8))),
          },
        }),
      )
    }
    const { step } = createVerificationStep({
      loadLedgers: async () => new Map(),
      loadAdaptation: () => null,
      observeEventTime: () => undefined,
    })
    const outcomes: Outcome[] = []
    const context = { topic: 'weather.forecast.v1', partition: 0, caughtUp: true, heartbeat: async () => undefined } as const
    for (let from = 0; from < events.length; from += 20) outcomes.push(...(await step(events.slice(from, from + 20), context)))
    const verified = outcomes
      .flatMap((outcome) => (outcome.kind === 'emit' ? outcome.events : []))
      .flatMap((event) =>
        event.topic === 'weather.verification.v1' && event.value !== null ? [inbound(event.topic, event.value)] : [],
      )
    expect(verified.length).toBeGreaterThan(200)
    await archive([...events, ...verified])
    const position = () => store.skill.position({ role: 'champion', from: 0, to: NOON * 2 })
    const before = await position()
    expect(await position()).toBe(before)
    // A redelivery changes nothing.
    await archive(verified)
    expect(await position()).not.toBe(before)

    type Sum = {
      n: number
      abs: number
      square: number
      error: number
      crps: number
      in80: number
      in95: number
      pN: number
      p: number
      pOwn: number
      rN: number
      r: number
      rOwn: number
    }
    const sums = new Map<string, Sum>()
    const observed = new Map(
      (await store.observations.range('jfk', { from: 0, to: NOON * 2, limit: 10_000 })).map((o) => [
        o.observedAt,
        o.temperatureC as number,
      ]),
    )
    const archived = await store.forecasts.newest(1000)
    expect(archived).toHaveLength(truth.length)
    for (const forecast of archived) {
      const { issuedAt } = forecast
      for (const [i, lead] of forecast.leadHours.entries()) {
        const value = observed.get(issuedAt + lead * HOUR_MS)
        if (value === undefined) continue
        const score = verifyLead(forecast.quantiles[i] as number[], value, 'temperatureC')
        // The ledger keeps scores as 32-bit floats.
        const error = Math.fround(score.error)
        const p = Math.fround((forecast.baselines.persistence[i] as number) - value)
        const r = Math.fround((forecast.baselines.recentredClimatology[i] as number) - value)
        for (const bucket of [String(bucketOf(lead)), 'all']) {
          const sum = sums.get(bucket) ?? {
            n: 0,
            abs: 0,
            square: 0,
            error: 0,
            crps: 0,
            in80: 0,
            in95: 0,
            pN: 0,
            p: 0,
            pOwn: 0,
            rN: 0,
            r: 0,
            rOwn: 0,
          }
          sums.set(bucket, sum)
          sum.n++
          sum.abs += Math.abs(error)
          sum.square += error * error
          sum.error += error
          sum.crps += Math.fround(score.crps)
          sum.in80 += Number(score.covered80)
          sum.in95 += Number(score.covered95)
          if (Number.isFinite(p)) [sum.pN, sum.p, sum.pOwn] = [sum.pN + 1, sum.p + Math.abs(p), sum.pOwn + Math.abs(error)]
          if (Number.isFinite(r)) [sum.rN, sum.r, sum.rOwn] = [sum.rN + 1, sum.r + Math.abs(r), sum.rOwn + Math.abs(error)]
        }
      }
    }
    const rows = skillRows(await store.skill.sums({ role: 'champion', from: 0, to: NOON * 2 }))
    expect(rows.map(({ leadBucket }) => leadBucket)).toEqual(['1-6', '7-24', '25-72', '73-168', 'all'])
    for (const row of rows) {
      const sum = sums.get(row.leadBucket) as Sum
      expect(row.n, row.leadBucket).toBe(sum.n)
      const expected: Array<[number | null, number]> = [
        [row.mae, sum.abs / sum.n],
        [row.rmse, Math.sqrt(sum.square / sum.n)],
        [row.bias, sum.error / sum.n],
        [row.crps, sum.crps / sum.n],
        [row.coverage80, sum.in80 / sum.n],
        [row.coverage95, sum.in95 / sum.n],
        [row.persistenceMae, sum.p / sum.pN],
        [row.recentredClimatologyMae, sum.r / sum.rN],
        [row.skillOverPersistence, 1 - sum.pOwn / sum.p],
        [row.skillOverRecentredClimatology, 1 - sum.rOwn / sum.r],
      ]
      for (const [ours, offline] of expected) expect(Math.abs((ours as number) - offline), row.leadBucket).toBeLessThan(1e-9)
    }
    expect(rows.at(-1)?.n).toBeGreaterThan(20_000)

    const daily = new Map<number, Map<number, number[]>>()
    for (const { issuedAt, leadHours, quantiles, baselines } of archived) {
      for (const [i, lead] of leadHours.entries()) {
        const at = issuedAt + lead * HOUR_MS
        const value = observed.get(at)
        if (value === undefined) continue
        const gain =
          Math.abs(Math.fround((baselines.recentredClimatology[i] as number) - value)) -
          Math.abs(Math.fround((quantiles[i]?.[3] as number) - value))
        const days = daily.get(lead) ?? new Map<number, number[]>()
        daily.set(lead, days)
        const day = Math.floor(at / (24 * HOUR_MS))
        days.set(day, [...(days.get(day) ?? []), gain])
      }
    }
    const [gains, ...others] = await store.skill.gains({ role: 'champion', from: 0, to: NOON * 2 })
    expect(others).toEqual([])
    expect(gains).toMatchObject({ stationId: 'jfk', variable: 'temperatureC', days: 11 })
    expect(gains?.leads.map(({ lead }) => lead)).toEqual([...daily.keys()].sort((a, b) => a - b))
    for (const { lead, blocks, mean: gain, variance } of gains?.leads ?? []) {
      const days = [...(daily.get(lead) ?? [])]
      const means = [...Map.groupBy(days, ([day]) => Math.floor(day / Math.ceil(lead / 24))).values()].map((block) =>
        mean(block.map(([, ofDay]) => mean(ofDay))),
      )
      expect(blocks, `lead ${lead}`).toBe(means.length)
      expect(Math.abs(gain - mean(means)), `lead ${lead}`).toBeLessThan(1e-9)
      if (means.length === 1) expect(variance).toBeNull()
      else expect(Math.abs((variance ?? Number.NaN) - sampleVariance(means)), `lead ${lead}`).toBeLessThan(1e-9)
    }
    expect(new Set(gains?.leads.map(({ blocks }) => blocks)).size).toBeGreaterThan(5)
    expect(await store.skill.sums({ role: 'challenger', from: 0, to: NOON * 2 })).toEqual([])
    expect(await store.skill.sums({ role: 'champion', modelVersion: 'v9', from: 0, to: NOON * 2 })).toEqual([])

    const residuals = await store.drift.residuals('jfk', 'temperatureC', {
      from: NOON,
      to: NOON + 240 * HOUR_MS,
      leadFrom: 1,
      leadTo: 6,
    })
    const total = residuals.reduce((sum, { n }) => sum + n, 0)
    expect(total).toBe(sums.get('1-6')?.n)
    expect(residuals.reduce((sum, { n, error }) => sum + n * error, 0) / total).toBeCloseTo(
      (sums.get('1-6')?.error ?? 0) / total,
      9,
    )
    expect(await store.forecasts.asIssued('jfk', NOON)).toEqual(archived.slice(-1))
    expect(
      (await store.forecasts.issues('jfk', { from: NOON, to: NOON + 5 * HOUR_MS, limit: 3 })).map(
        ({ issuedAt }) => (issuedAt - NOON) / HOUR_MS,
      ),
    ).toEqual([5, 4, 3])
    expect((await store.forecasts.newest(2)).map(({ issuedAt }) => (issuedAt - NOON) / HOUR_MS)).toEqual([239, 238])
    expect((await store.observations.latest('jfk'))?.observedAt).toBe(NOON + 239 * HOUR_MS)
    expect(
      await store.observations.existing([
        { stationId: 'jfk', observedAt: NOON + HOUR_MS, kind: 'observation' },
        { stationId: 'jfk', observedAt: NOON + 5000 * HOUR_MS, kind: 'observation' },
        { stationId: 'jfk', observedAt: NOON, kind: 'analysis' },
      ]),
    ).toMatchObject([{ observedAt: NOON + HOUR_MS, temperatureC: truth[1] }])
  })
})

describe('past errors', () => {
  it('are one row per issue of about that hour of day that verified at every lead asked for, observed minus forecast', async () => {
    const LEADS = [1, 2, 3, 4, 5, 6]
    const start = Date.UTC(2013, 6, 10)
    /** What a forecast of `issue` (hours from the start) was too high by: tells issue and lead. */
    const tooHigh = (issue: number, lead: number): number => issue * 10 + lead
    const verified = (
      hour: number,
      leadHours: readonly number[],
      over: Partial<EventByTopic['weather.verification.v1']> = {},
    ) => {
      const errors = leadHours.map((lead) => tooHigh(hour - lead, lead))
      const modelVersion = over.modelVersion ?? 'v1'
      return inbound('weather.verification.v1', {
        verificationId: `lga/${hour}/${modelVersion}`,
        stationId: 'lga',
        variable: 'temperatureC',
        observedAt: start + hour * HOUR_MS,
        observed: 20,
        modelVersion,
        role: 'champion',
        leadHours: [...leadHours],
        forecastIds: leadHours.map((lead) => `f${hour - lead}`),
        error: errors,
        crps: errors,
        pit: errors.map(() => 0.5),
        expectedScale: errors.map(() => 1),
        covered80: errors.map(() => true),
        covered95: errors.map(() => true),
        persistenceError: errors,
        recentredClimatologyError: errors,
        knownAt: start + hour * HOUR_MS,
        fallback: null,
        ...over,
      })
    }
    const UNOBSERVED = 51
    const hours = Array.from({ length: 101 }, (_, hour) => hour).filter((hour) => hour !== UNOBSERVED)
    const rows = [
      ...hours.map((hour) => verified(hour, LEADS)),
      // Others: they change nothing.
      ...hours.map((hour) => verified(hour, LEADS, { role: 'challenger', modelVersion: 'v8' })),
      ...hours.map((hour) => verified(hour, LEADS, { stationId: 'ewr' })),
      ...hours.map((hour) => verified(hour, LEADS, { variable: 'dewPointC' })),
      // The issue of hour 24 was made twice, by two champions.
      ...[26, 27, 29].map((hour) => verified(hour, [hour - 24], { modelVersion: 'v2' })),
    ]
    await archive(rows)
    await archive(rows)

    // Leads in no order, with a gap; hour 72 ± 1 of each day before: 71, 49 (its hour 51 was not observed), 48, 47, 25, 24, 23, 1, 0.
    const ask = (issue: number, days: number, hoursApart: number, leadHours = [5, 2, 3]) =>
      store.skill.pastErrors('lga', 'temperatureC', { issuedAt: start + issue * HOUR_MS, leadHours, days, hoursApart })
    const rowsOf = (...issues: number[]) => issues.map((issue) => [5, 2, 3].map((lead) => -tooHigh(issue, lead)))
    // Issue 48 has lead 3 at hour 51, issue 49 lead 2.
    expect(await ask(72, 3, 1)).toEqual(rowsOf(71, 47, 25, 24, 23, 1, 0))
    expect(await ask(72, 2, 1)).toEqual(rowsOf(71, 47, 25, 24))
    expect(await ask(72, 3, 0)).toEqual(rowsOf(24, 0))
    // Of the newest issues the later leads have not verified.
    expect(await ask(99, 1, 4)).toEqual(rowsOf(95, 79, 78, 77, 76, 75))
    expect(
      await store.skill.pastErrors('lga', 'pressureHpa', { issuedAt: start, leadHours: [1], days: 120, hoursApart: 1 }),
    ).toEqual([])
  })
})

describe('history', () => {
  it('tells who was champion when, what runs did, drift, alerts with deliveries and operator actions', async () => {
    await archive([
      inbound('model.control.v1', aControl({ changedAt: NOON, reason: 'first' })),
      inbound('model.control.v1', aControl({ eventId: 'control/2', changedAt: NOON + HOUR_MS, reason: 'better' })),
      inbound('model.lifecycle.v1', aLifecycle()),
      inbound('model.lifecycle.v1', aLifecycle({ version: 'v4', at: NOON + HOUR_MS, eventId: 'lifecycle/run-v4/trained' })),
      ...(['warned', 'confirmed'] as const).map((state, i) =>
        inbound('model.drift.v1', {
          eventId: `drift/${state}`,
          stationId: 'jfk',
          variable: 'temperatureC',
          state,
          previousState: 'stable',
          at: NOON + i * HOUR_MS,
          detector: 'test',
          statistic: 2,
          threshold: 1,
          leadBucket: '1-6',
          evidenceFrom: NOON,
          evidenceTo: NOON + HOUR_MS,
          cause: 'model',
          modelVersion: 'v2',
          changePointAt: i === 0 ? null : NOON,
          estimatedOffset: null,
          changePointFrom: i === 0 ? null : NOON - HOUR_MS,
          changePointTo: i === 0 ? null : NOON + HOUR_MS,
          offsetMargin: i === 0 ? null : 0.5,
          explanation: 'errors grew',
        }),
      ),
      ...(['firing', 'resolved'] as const).map((state, i) =>
        inbound('alert.v1', {
          alertId: 'a1',
          sequence: i + 1,
          rule: 'frost',
          labels: { station: 'jfk' },
          severity: 'warning',
          state,
          startsAt: NOON,
          endsAt: i === 0 ? null : NOON + HOUR_MS,
          annotations: {},
          links: {},
          causedBy: null,
        }),
      ),
      inbound('alert.delivery.v1', {
        alertId: 'a1',
        sequence: 1,
        channel: 'slack',
        attempt: 1,
        state: 'sent',
        detail: null,
        at: NOON,
        messageId: 'm',
      }),
      inbound('audit.v1', {
        auditId: 'audit/1',
        actor: 'op',
        action: 'model.retrain',
        subject: 'jfk/temperatureC',
        reason: 'why',
        at: NOON,
        details: {},
        outcome: 'accepted',
      }),
    ])
    const championAt = async (at: number) =>
      (await store.models.controls('jfk', 'temperatureC', { at, limit: 5 }))[0]?.control.reason
    expect(await championAt(NOON - 1)).toBeUndefined()
    expect(await championAt(NOON)).toBe('first')
    expect(await championAt(NOON + HOUR_MS)).toBe('better')
    expect((await store.models.lifecycle({ stationId: 'jfk', limit: 10 })).map(({ version }) => version)).toEqual(['v4', 'v3'])
    expect((await store.models.lifecycle({ runId: 'run-v3', limit: 10 })).map(({ at }) => at)).toEqual([NOON])
    expect(await store.models.lifecycle({ stationId: 'jfk', at: NOON - 1, limit: 10 })).toEqual([])
    expect(await store.drift.current()).toMatchObject([
      {
        state: 'confirmed',
        changePointAt: NOON,
        changePointFrom: NOON - HOUR_MS,
        changePointTo: NOON + HOUR_MS,
        offsetMargin: 0.5,
        evidenceTo: NOON + HOUR_MS,
      },
    ])
    expect((await store.drift.changes({ limit: 10 })).map(({ state }) => state)).toEqual(['confirmed', 'warned'])
    expect(await store.drift.changes({ eventId: 'drift/warned', limit: 1 })).toMatchObject([
      { state: 'warned', changePointAt: null },
    ])
    expect(await store.alerts.list({ limit: 10 })).toMatchObject([
      { alertId: 'a1', sequence: 2, state: 'resolved', endsAt: NOON + HOUR_MS, labels: { station: 'jfk' } },
    ])
    expect(await store.alerts.list({ state: 'firing', limit: 10 })).toEqual([])
    expect(await store.alerts.deliveries(['a1', 'a2'])).toMatchObject([{ channel: 'slack', at: NOON }])
    expect(await store.audit.list({ action: 'model.retrain', limit: 5 })).toMatchObject([{ actor: 'op', at: NOON }])
    expect(await store.audit.list({ action: 'model.promote', limit: 5 })).toEqual([])
  })

  it('keeps answers by key', async () => {
    const answer = { requestSha256: 'ab', status: 200, body: '{"a":"ü"}', storedAt: Date.now() }
    expect(await store.idempotency.get('k')).toBeNull()
    await store.idempotency.put('k', answer)
    expect(await store.idempotency.get('k')).toEqual(answer)
  })
})
