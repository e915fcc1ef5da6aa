import { describe, expect, it } from 'vitest'
import { isCanaryStation } from '../../forecasting/promotion/index.ts'
import { canaryBlock } from '../../infra/runtime/config/index.ts'
import { createLogger } from '../../infra/runtime/log.ts'
import type { Audit, Control, Drift, Lifecycle, RetrainRequest } from '../../schemas/generated/types.ts'
import { type Book, createBook } from './book.ts'
import { type RetrainingConfig, retrainingBlock } from './config.ts'
import { createDesk } from './desk.ts'
import { cooldownEnd } from './policy.ts'

const HOUR_MS = 3_600_000
const T0 = Date.UTC(2013, 6, 3)
const at = (hours: number): number => T0 + hours * HOUR_MS
const config = { ...retrainingBlock.parse({}), ...canaryBlock.parse({}) }

function control(stationId: string, hours: number, over: Partial<Control> = {}): Control {
  return {
    eventId: 'c',
    stationId,
    variable: 'temperatureC',
    champion: {
      version: 'v1',
      runId: 'r1',
      family: 'f',
      featureSet: 'f',
      artefact: { uri: 'u', sha256: 's', bytes: 1 },
      since: at(hours),
      changePoints: [],
    },
    previous: null,
    challengers: [],
    shadows: [],
    changedAt: at(hours),
    changedBy: 't',
    reason: 't',
    causedBy: null,
    decisionOffset: -1,
    ...over,
  }
}
function drift(stationId: string, hours: number, over: Partial<Drift> = {}): Drift {
  return {
    eventId: `drift/${stationId}/${hours}`,
    stationId,
    variable: 'temperatureC',
    state: 'confirmed',
    previousState: 'warned',
    at: at(hours),
    detector: 'd',
    statistic: 10,
    threshold: 5,
    leadBucket: '1-6',
    evidenceFrom: at(hours - 24),
    evidenceTo: at(hours),
    cause: 'instrument-change',
    modelVersion: 'v1',
    changePointAt: at(hours - 24),
    estimatedOffset: 2.5,
    changePointFrom: null,
    changePointTo: null,
    offsetMargin: null,
    explanation: 'x',
    ...over,
  }
}
function ended(request: RetrainRequest, event: Lifecycle['event'] = 'evaluated', hours = 0): Lifecycle {
  return {
    eventId: `lifecycle/${request.requestId}/${event}`,
    runId: request.requestId,
    stationId: request.stationId,
    variable: request.variable,
    version: 'v2',
    event,
    at: at(hours),
    family: 'f',
    reasons: [],
    metrics: [],
    artefact: null,
    evaluation: null,
    dataFrom: null,
    dataTo: null,
    rows: 0,
    seed: 0,
    featureSet: 'f',
    codeVersion: 't',
    fitSeconds: 0,
    requestReason: request.reason,
    causedBy: request.requestId,
    actor: 'training',
    changePoints: [],
    waitsFor: [],
    comparison: null,
  }
}
/** Registered, and refused by promotion. */
function finish(book: Book, request: RetrainRequest): void {
  book.onLifecycle(ended(request), 0)
  book.onLifecycle(ended(request, 'rejected'), 1)
}
const order = (over: Partial<Audit> = {}): Audit => ({
  auditId: 'a1',
  actor: 'ops',
  action: 'model.retrain',
  subject: 'jfk/temperatureC',
  reason: 'new sensor hut',
  at: at(0),
  details: {},
  outcome: 'accepted',
  ...over,
})

function createOffice(over: Partial<RetrainingConfig> = {}) {
  const book = createBook()
  const published: RetrainRequest[] = []
  const refused: Audit[] = []
  let now = 0
  let newHours = 1000
  let failures = 0
  const desk = createDesk({
    book,
    config: { ...config, ...over },
    publisher: {
      publish: async (events) => {
        if (failures-- > 0) throw new Error('broker is away')
        for (const event of events) {
          if (event.topic === 'audit.v1') refused.push(event.value as Audit)
          else published.push(event.value as RetrainRequest)
        }
      },
    },
    countHours: async () => newHours,
    now: () => now,
    log: createLogger('test', 'silent'),
  })
  return {
    book,
    published,
    refused,
    setNewHours: (hours: number) => (newHours = hours),
    failNext: () => (failures = 1),
    async round(hours: number) {
      now = at(hours)
      return desk.round()
    },
  }
}

describe('drift', () => {
  it.each(['model', 'network', 'instrument-change'] as const)(
    'of cause %s asks for a model, with the change point',
    async (cause) => {
      const office = createOffice()
      office.book.onControl(control('jfk', 0))
      office.book.onDrift(drift('jfk', 50, { cause }))
      await office.round(50)
      expect(office.published).toMatchObject([
        {
          requestId: 'drift/jfk/temperatureC/2013-07-05T02:00:00.000Z/1',
          reason: 'drift',
          causedBy: 'drift/jfk/50',
          requestedAt: at(50),
          changePointAt: at(26),
          estimatedOffset: 2.5,
          changePoints: [{ variable: 'temperatureC', at: at(26), offset: 2.5 }],
        },
      ])
    },
  )
  it.each(['sensor', 'feed', 'unknown'] as const)('of cause %s never does', async (cause) => {
    const office = createOffice()
    office.book.onControl(control('jfk', 0))
    office.book.onDrift(drift('jfk', 50, { cause }))
    for (let hours = 50; hours < 24 * 60; hours += 12) await office.round(hours)
    expect(office.published.filter(({ reason }) => reason === 'drift')).toEqual([])
  })
  it('that is only warned, or has recovered, asks for nothing', async () => {
    const office = createOffice()
    office.book.onControl(control('jfk', 0))
    office.book.onDrift(drift('jfk', 50, { state: 'warned' }))
    await office.round(50)
    office.book.onDrift(drift('jfk', 51))
    office.book.onDrift(drift('jfk', 60, { state: 'recovered' }))
    await office.round(60)
    expect(office.published).toEqual([])
  })
  it('asks once however often it is looked at, also after a restart', async () => {
    const office = createOffice()
    office.book.onControl(control('jfk', 0))
    office.book.onDrift(drift('jfk', 50))
    for (let i = 0; i < 5; i++) await office.round(50 + i)
    expect(office.published).toHaveLength(1)
    const restarted = createOffice()
    restarted.book.onControl(control('jfk', 0))
    restarted.book.onDrift(drift('jfk', 50))
    restarted.book.onRequest(office.published[0] as RetrainRequest)
    await restarted.round(55)
    expect(restarted.published).toEqual([])
  })
  it('asks again after a failed publish', async () => {
    const office = createOffice()
    office.book.onControl(control('jfk', 0))
    office.book.onDrift(drift('jfk', 50))
    office.failNext()
    await expect(office.round(50)).rejects.toThrow('broker is away')
    await office.round(50)
    expect(office.published).toHaveLength(1)
  })
  it('waits for new data and for a trial under way', async () => {
    const office = createOffice()
    office.book.onControl(control('jfk', 0, { challengers: [control('jfk', 1).champion] }))
    office.book.onDrift(drift('jfk', 50))
    await office.round(50)
    office.book.onControl(control('jfk', 0))
    office.setNewHours(23)
    await office.round(51)
    expect(office.published).toEqual([])
    office.setNewHours(24)
    await office.round(52)
    expect(office.published).toMatchObject([{ requestedAt: at(52) }])
  })
  it('waits from the end of a training on until promotion has said what becomes of the model, however fast event time runs', async () => {
    const office = createOffice()
    office.book.onControl(control('jfk', 0))
    office.book.onDrift(drift('jfk', 50))
    const [request] = await office.round(50)
    if (!request) throw new Error('nothing was asked for')
    // The order that puts it in trial is under way while the replay hurries on.
    office.book.onLifecycle(ended(request), 7)
    await office.round(50 + 78)
    expect(office.published).toHaveLength(1)
    office.book.onControl(control('jfk', 50, { challengers: [control('jfk', 1).champion], decisionOffset: 7 }))
    await office.round(50 + 80)
    expect(office.published).toHaveLength(1)
    office.book.onLifecycle(ended(request, 'rejected'), 9)
    office.book.onControl(control('jfk', 50, { decisionOffset: 9 }))
    // Registered again, as by a trainer that was killed before it committed: promotion has nothing more to say.
    office.book.onLifecycle(ended(request), 11)
    await office.round(50 + 82)
    expect(office.published).toHaveLength(2)
  })
  it('does not ask again while the model that was made against it proves itself; after that it does, and after a rollback', async () => {
    for (const { isRolledBack, untilHours } of [
      { isRolledBack: false, untilHours: 150 + 240 },
      { isRolledBack: true, untilHours: 200 + 96 },
    ]) {
      const office = createOffice({ retrainSchedule: 'never' })
      office.book.onControl(control('jfk', 0))
      office.book.onDrift(drift('jfk', 50))
      const [request] = await office.round(50)
      if (!request) throw new Error('nothing was asked for')
      office.book.onLifecycle(ended(request), 0)
      office.book.onLifecycle(ended(request, 'accepted', 150), 1)
      office.book.onControl(control('jfk', 150, { decisionOffset: 1 }))
      if (isRolledBack) {
        office.book.onLifecycle(ended(request, 'rolled-back', 200), 2)
        office.book.onControl(control('jfk', 200, { decisionOffset: 2 }))
      }
      await office.round(untilHours - 1)
      expect(office.published).toHaveLength(1)
      await office.round(untilHours)
      expect(office.published).toHaveLength(2)
    }
  })
  it('takes a run for decided when its order is read before it', async () => {
    const office = createOffice()
    office.book.onControl(control('jfk', 60, { decisionOffset: 9 }))
    office.book.onLifecycle(
      ended({ ...drift('jfk', 1), requestId: 'drift/x/1', reason: 'drift' } as unknown as RetrainRequest),
      7,
    )
    office.book.onDrift(drift('jfk', 200))
    await office.round(200)
    expect(office.published).toHaveLength(1)
  })
  it('keeps the steps the champion was homogenised for, and replaces an older estimate of the same step', async () => {
    const office = createOffice()
    const { champion } = control('jfk', 0)
    const changePoints = [
      { variable: 'temperatureC', at: at(-500), offset: -1 },
      { variable: 'temperatureC', at: at(20), offset: 2 },
    ]
    office.book.onControl(control('jfk', 0, { champion: { ...champion, changePoints } }))
    office.book.onDrift(drift('jfk', 50))
    await office.round(50)
    expect(office.published[0]?.changePoints).toEqual([changePoints[0], { variable: 'temperatureC', at: at(26), offset: 2.5 }])
  })
  it('asks first where most is to be gained, and for no more than there are places', async () => {
    const office = createOffice({ retrainMaxInFlight: 2 })
    for (const [stationId, statistic] of [
      ['a', 6],
      ['b', 30],
      ['c', 12],
    ] as const) {
      office.book.onControl(control(stationId, 0))
      office.book.onDrift(drift(stationId, 50, { statistic }))
    }
    await office.round(50)
    expect(office.published.map(({ stationId }) => stationId)).toEqual(['b', 'c'])
    finish(office.book, office.published[0] as RetrainRequest)
    await office.round(51)
    expect(office.published.map(({ stationId }) => stationId)).toEqual(['b', 'c', 'a'])
  })
  it('of 100 models at once stays within the places and within the budget of the day', async () => {
    const office = createOffice({ retrainMaxInFlight: 4, retrainBudgetPerDay: 30 })
    for (let i = 0; i < 100; i++) {
      office.book.onControl(control(`s${i}`, 0))
      office.book.onDrift(drift(`s${i}`, 50))
    }
    let open: RetrainRequest[] = []
    for (let hours = 50; hours < 50 + 96; hours++) {
      open.push(...(await office.round(hours)))
      expect(open.length).toBeLessThanOrEqual(4)
      const lastDay = office.published.filter(({ reason }) => reason === 'drift').length
      expect(lastDay).toBeLessThanOrEqual(30 * (1 + Math.floor((hours - 50) / 24)))
      for (const request of open) finish(office.book, request)
      open = []
    }
    expect(new Set(office.published.map(({ stationId }) => stationId)).size).toBe(100)
  })
})

describe('loop guard', () => {
  it('drift that is confirmed again after every promotion slows retraining down instead of speeding it up', async () => {
    const office = createOffice({ retrainSchedule: 'never' })
    office.book.onControl(control('jfk', 0))
    const times: number[] = []
    for (let hours = 50; hours < 50 + 60 * 24; hours++) {
      office.book.onDrift(drift('jfk', hours))
      for (const request of await office.round(hours)) {
        times.push(hours)
        finish(office.book, request)
        office.book.onControl(control('jfk', hours))
        office.book.onDrift(drift('jfk', hours, { state: 'recovered' }))
      }
    }
    // Every hour would be 1,440; the plain cooldown of 48 h 30.
    expect(times.length).toBeLessThanOrEqual(15)
    const gaps = times.slice(1).map((time, i) => time - (times[i] as number))
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(48)
  })
  it('a rollback lengthens the wait', () => {
    const book = createBook()
    book.onControl(control('jfk', 0))
    const request = {
      ...ended({ requestId: 'x' } as RetrainRequest),
      requestId: 'drift/x/1',
      requestedAt: at(0),
      reason: 'drift',
      stationId: 'jfk',
      variable: 'temperatureC',
    } as unknown as RetrainRequest
    book.onRequest({ ...request, requestedBy: 't', comment: null, changePointAt: null, estimatedOffset: null, changePoints: [] })
    const record = book.of('jfk/temperatureC')
    if (!record) throw new Error('no record')
    expect(cooldownEnd(record, at(1), config)).toBe(at(48))
    book.onLifecycle(ended(request, 'rolled-back', 30), 0)
    expect(cooldownEnd(record, at(31), config)).toBe(at(30 + 96))
  })
})

describe('schedule', () => {
  it('goes on while observations come late, not while a sensor is in doubt', async () => {
    const asked = async (cause: Drift['cause']) => {
      const office = createOffice()
      office.book.onControl(control('jfk', 0))
      office.book.onDrift(drift('jfk', 50, { cause }))
      for (let hours = 0; hours < 24 * 60; hours += 12) await office.round(hours)
      return office.published.map(({ reason }) => reason)
    }
    expect(new Set(await asked('feed'))).toEqual(new Set(['schedule']))
    expect(await asked('sensor')).toEqual([])
  })
  it('asks once per scheduled time and model, also across a restart', async () => {
    const office = createOffice()
    office.book.onControl(control('jfk', 0))
    for (let hours = 0; hours < 24 * 70; hours += 6) {
      for (const request of await office.round(hours)) finish(office.book, request)
    }
    expect(office.published.map(({ requestId }) => requestId)).toEqual([
      'schedule/jfk/temperatureC/2013-08-01T04:00:00.000Z',
      'schedule/jfk/temperatureC/2013-09-01T04:00:00.000Z',
    ])
    const restarted = createOffice()
    restarted.book.onControl(control('jfk', 0))
    for (const request of office.published) {
      restarted.book.onRequest(request)
      finish(restarted.book, request)
    }
    await restarted.round(24 * 70)
    expect(restarted.published).toEqual([])
  })
  it('leaves out a time shortly after a model was trained or changed, instead of putting it off', async () => {
    const office = createOffice()
    office.book.onControl(control('jfk', 24 * 20))
    for (let hours = 24 * 20; hours < 24 * 50; hours += 6) await office.round(hours)
    expect(office.published).toEqual([])
  })
  it('does not put every model in trial at once', async () => {
    const office = createOffice({ retrainMaxTrials: 3 })
    for (let i = 0; i < 10; i++) office.book.onControl(control(`s${i}`, 0))
    const due = 24 * 40
    for (let hours = due; hours < due + 10; hours++) {
      for (const request of await office.round(hours)) {
        finish(office.book, request)
        const { champion } = control(request.stationId, 0)
        office.book.onControl(control(request.stationId, 0, { challengers: [champion] }))
      }
    }
    expect(office.published).toHaveLength(3)
    office.book.onControl(control(office.published[0]?.stationId ?? '', 0))
    await office.round(due + 20)
    expect(office.published).toHaveLength(4)
  })
  it('begins with the canary stations, whose probation the others wait for', async () => {
    const stations = Array.from({ length: 20 }, (_, i) => `s${i}`)
    const canaries = stations.filter((stationId) => isCanaryStation(stationId, 0.2))
    expect(canaries.length).toBeGreaterThan(0)
    const office = createOffice({ promotionCanaryShare: 0.2, retrainMaxTrials: canaries.length })
    for (const stationId of stations) office.book.onControl(control(stationId, 0))
    await office.round(24 * 40)
    expect(office.published.map(({ stationId }) => stationId).toSorted()).toEqual(canaries.toSorted())
  })
  it('after an outage over several scheduled times catches up with the latest, or leaves it out', async () => {
    const latest = createOffice({ retrainCatchUp: 'latest' })
    latest.book.onControl(control('jfk', 0))
    await latest.round(24 * 100)
    expect(latest.published.map(({ requestId }) => requestId)).toEqual(['schedule/jfk/temperatureC/2013-10-01T04:00:00.000Z'])
    const skip = createOffice({ retrainCatchUp: 'skip' })
    skip.book.onControl(control('jfk', 0))
    await skip.round(24 * 100)
    expect(skip.published).toEqual([])
  })
  it('refuses a pattern that is none, with the fix', () => {
    expect(retrainingBlock.safeParse({ retrainSchedule: 'mondays' }).error?.issues[0]?.message).toMatch(
      /cron pattern of five fields/,
    )
    expect(retrainingBlock.safeParse({ retrainSchedule: 'never' }).success).toBe(true)
  })
})

describe('operator', () => {
  it('gets a training at once, whatever the cooldown says, with the reason', async () => {
    const office = createOffice()
    office.book.onControl(control('jfk', 0))
    office.book.onDrift(drift('jfk', 50))
    await office.round(50)
    finish(office.book, office.published[0] as RetrainRequest)
    office.book.onAudit(order())
    await office.round(51)
    await office.round(52)
    expect(office.published.slice(1)).toMatchObject([
      { requestId: 'operator/a1', reason: 'operator', requestedBy: 'ops', comment: 'new sensor hut', causedBy: 'audit/a1' },
    ])
  })
  it('is told once that a model does not exist', async () => {
    const office = createOffice()
    office.book.onAudit(order({ subject: 'nowhere/temperatureC' }))
    await office.round(1)
    await office.round(2)
    expect(office.refused).toMatchObject([
      { auditId: 'a1/refused', outcome: 'refused', reason: 'there is no model nowhere/temperatureC' },
    ])
    office.book.onAudit(office.refused[0] as Audit)
    expect(office.book.orders()).toEqual([])
  })
})
