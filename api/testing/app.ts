/** The HTTP app on in-memory ports, for tests. */
import type { OutboundEvent } from '../../infra/runtime/kafka/types.ts'
import type {
  CheckedObservation,
  Control,
  Feature,
  Forecast,
  Lifecycle,
  Station,
  Verification,
} from '../../schemas/generated/types.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import { QUANTILE_LEVELS, QUANTITIES, type ForecastVariable } from '../../schemas/quantities.ts'
import type { Silence } from '../../schemas/silence.ts'
import { createApp, type AppDeps } from '../app.ts'
import { createKey, createKeyLookup, type KeyStore, type Scope, type StoredKey } from '../auth/keys.ts'
import { createRateLimiter } from '../auth/rate-limit.ts'
import { createLiveFeed } from '../live/feed.ts'
import type { Gains, IdempotentAnswer, SkillSums, StageState, Store } from '../ports.ts'
import { createSnapshot } from '../state/snapshot.ts'

export const HOUR_MS = 3_600_000
export const NOON = Date.UTC(2013, 6, 1, 12)

function aStation(overrides: Partial<Station> = {}): Station {
  return {
    stationId: 'jfk',
    name: 'Kennedy',
    latitude: 40.6,
    longitude: -73.8,
    elevationM: 4,
    timezone: 'America/New_York',
    provider: 'test',
    providerStationId: 'JFK',
    kind: 'airport',
    validFrom: 0,
    ...overrides,
  }
}

/** Quantile q at lead h is base + h / 100 + 2 q. */
export function aForecast(overrides: Partial<Forecast> & { base?: number } = {}): Forecast {
  const { base = 20, ...rest } = overrides
  const leadHours = Array.from({ length: 168 }, (_, i) => i + 1)
  const variable: ForecastVariable = rest.variable ?? 'temperatureC'
  const version = rest.modelVersion ?? 'v1'
  return {
    forecastId: `jfk/${variable}/${rest.issuedAt ?? NOON}/${version}`,
    stationId: 'jfk',
    variable,
    issuedAt: NOON,
    leadHours,
    quantiles: leadHours.map((h) => QUANTILE_LEVELS.map((q) => base + h / 100 + 2 * q)),
    baselines: { persistence: leadHours.map(() => base), recentredClimatology: leadHours.map(() => base) },
    modelId: `jfk/${variable}`,
    modelVersion: version,
    modelSha256: 'ab'.repeat(32),
    role: 'champion',
    controlOffset: 1,
    featureKnownAt: NOON,
    status: 'fresh',
    statusReason: null,
    fallback: null,
    logFactors: [],
    ...rest,
  }
}

export function aCheckedObservation(overrides: Partial<CheckedObservation> = {}): CheckedObservation {
  return {
    stationId: 'jfk',
    observedAt: NOON,
    receivedAt: NOON,
    source: 'test',
    kind: 'observation',
    revision: 0,
    ...(Object.fromEntries(QUANTITIES.map((q) => [q, null])) as Record<(typeof QUANTITIES)[number], null>),
    temperatureC: 21,
    flags: Object.fromEntries(QUANTITIES.map((q) => [q, 'good'])) as CheckedObservation['flags'],
    rules: {},
    qcVersion: 'test',
    ...overrides,
  }
}

export function aControl(overrides: Partial<Control> = {}): Control {
  const served = (version: string) => ({
    version,
    runId: `run-${version}`,
    family: 'ridge',
    featureSet: 'fs',
    artefact: { uri: `file:${version}`, sha256: 'ab', bytes: 1 },
    since: NOON,
    changePoints: [],
  })
  return {
    eventId: 'control/1',
    stationId: 'jfk',
    variable: 'temperatureC',
    champion: served('v2'),
    previous: served('v1'),
    challengers: [],
    shadows: [],
    decisionOffset: -1,
    changedAt: NOON,
    changedBy: 'promotion',
    reason: 'better',
    causedBy: null,
    ...overrides,
  }
}

export function aVerification(overrides: Partial<Verification> = {}): Verification {
  return {
    verificationId: 'jfk/temperatureC/1',
    stationId: 'jfk',
    variable: 'temperatureC',
    observedAt: NOON,
    observed: 20,
    modelVersion: 'v1',
    role: 'champion',
    leadHours: [1],
    forecastIds: ['f'],
    error: [0.5],
    crps: [0.3],
    pit: [0.5],
    expectedScale: [1],
    covered80: [true],
    covered95: [true],
    persistenceError: [1],
    recentredClimatologyError: [1],
    knownAt: NOON,
    fallback: null,
    ...overrides,
  }
}

export function aLifecycle(overrides: Partial<Lifecycle> = {}): Lifecycle {
  const version = overrides.version ?? 'v3'
  return {
    eventId: `lifecycle/run-${version}/trained`,
    runId: `run-${version}`,
    stationId: 'jfk',
    variable: 'temperatureC',
    version,
    event: 'trained',
    at: NOON,
    family: 'ridge',
    reasons: [],
    metrics: [],
    artefact: { uri: `file:${version}`, sha256: 'ab', bytes: 1 },
    evaluation: null,
    dataFrom: 0,
    dataTo: NOON,
    rows: 100,
    seed: 1,
    featureSet: 'fs',
    codeVersion: '1',
    fitSeconds: 0.1,
    requestReason: 'drift',
    causedBy: 'request/1',
    actor: 'training',
    changePoints: [],
    waitsFor: [],
    comparison: null,
    ...overrides,
  }
}

const inbound = { partition: 0, offset: 1, headers: {}, timestampMs: 0 }

type World = {
  now: number
  wallNow: number
  published: OutboundEvent[]
  forecasts: Forecast[]
  observations: CheckedObservation[]
  newestFeature: Feature | null
  controls: Control[]
  lifecycle: Lifecycle[]
  silences: Silence[]
  sums: SkillSums[]
  gains: Gains[]
  ledgerPosition: string
  skillReads: number
  pastErrors: number[][]
  pastErrorsFail: Error | null
  stages: StageState[]
  answers: Map<string, IdempotentAnswer>
  publishFails: Error | null
  onPublish: () => void
}

export function createTestApp(
  options: {
    publicRead?: boolean
    perMinute?: number
    publicPerMinute?: number
    corsOrigins?: string[]
    dashboardDir?: string
    clockMode?: 'system' | 'stream'
  } = {},
) {
  const world: World = {
    now: NOON,
    wallNow: Date.UTC(2026, 0, 1),
    published: [],
    forecasts: [],
    observations: [],
    newestFeature: null,
    controls: [],
    lifecycle: [],
    silences: [],
    sums: [],
    gains: [],
    ledgerPosition: '',
    skillReads: 0,
    pastErrors: [],
    pastErrorsFail: null,
    stages: [],
    answers: new Map(),
    publishFails: null,
    onPublish: () => undefined,
  }
  const snapshot = createSnapshot()
  const live = createLiveFeed({ readBack: async () => 'gone' })
  const keys: StoredKey[] = []
  const keyStore: KeyStore = {
    findByHash: async (hash) => keys.findLast(({ keySha256 }) => keySha256 === hash) ?? null,
    list: async () => keys,
    save: async (key) => void keys.push(key),
  }
  const unexpected: unknown[] = []
  const deps: AppDeps = {
    snapshot,
    store: createTestStore(world),
    live: live.feed,
    publish: async (events) => {
      if (world.publishFails) throw world.publishFails
      world.published.push(...events)
      world.onPublish()
    },
    stages: { read: async () => world.stages },
    artefact: async ({ uri }) => new TextEncoder().encode(JSON.stringify({ uri })),
    now: () => world.now,
    settledNow: () => world.now,
    wallNow: () => world.wallNow,
    clockMode: options.clockMode ?? 'stream',
    dashboardDir: options.dashboardDir ?? 'api/testing',
    notReady: async () => [],
    metrics: async () => ({ contentType: 'text/plain', body: 'up 1\n' }),
    outbox: { newest: async () => [] },
    gate: {
      publicRead: options.publicRead ?? true,
      lookup: createKeyLookup(keyStore),
      limiter: createRateLimiter(options.perMinute ?? 1000),
      publicLimiter: createRateLimiter(options.publicPerMinute ?? 1000),
      callerAddress: () => '127.0.0.1',
      observe: () => undefined,
    },
    corsOrigins: options.corsOrigins ?? [],
    onUnexpected: (error) => unexpected.push(error),
  }
  snapshot.applyStation(aStation())
  const app = createApp(deps)
  return {
    app,
    world,
    snapshot,
    live,
    unexpected,
    key: async (...scopes: Scope[]) => (await createKey(keyStore, { name: scopes.join('+'), scopes, nowMs: 0 })).key,
    /** Makes a model's control known, as its topic would. */
    control: (control: Control, offset = 1) => {
      world.controls.push(control)
      snapshot.apply({
        ...inbound,
        topic: 'model.control.v1',
        key: modelKey(control.stationId, control.variable),
        value: control,
        offset,
      })
    },
    /** The same of what has verified. */
    verification: (verification: Verification) =>
      snapshot.apply({ ...inbound, topic: 'weather.verification.v1', key: verification.stationId, value: verification }),
    get: async (path: string, headers: Record<string, string> = {}) => app.request(path, { headers }),
    post: async (path: string, body: unknown, key?: string, headers: Record<string, string> = {}) =>
      app.request(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(key ? { authorization: `Bearer ${key}` } : {}), ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
  }
}

function createTestStore(world: World): Store {
  const byModel = <T extends { stationId: string; variable: string }>(
    rows: readonly T[],
    stationId?: string,
    variable?: string,
  ): T[] => rows.filter((row) => (!stationId || row.stationId === stationId) && (!variable || row.variable === variable))
  return {
    forecasts: {
      newest: async () => world.forecasts,
      asIssued: async (stationId, issuedAt) =>
        world.forecasts.filter((f) => f.stationId === stationId && f.issuedAt === issuedAt),
      issues: async (stationId) =>
        world.forecasts
          .filter((f) => f.stationId === stationId)
          .map((f) => ({ issuedAt: f.issuedAt, variables: [f.variable], modelVersions: [f.modelVersion], status: f.status })),
    },
    observations: {
      range: async (_stationId, { limit }) => world.observations.slice(-limit),
      latest: async () => world.observations.at(-1) ?? null,
      existing: async (wanted) =>
        world.observations.filter((o) =>
          wanted.some((key) => key.stationId === o.stationId && key.observedAt === o.observedAt && key.kind === o.kind),
        ),
      newestFeature: async () => world.newestFeature,
    },
    skill: {
      position: async () => world.ledgerPosition,
      sums: async () => {
        world.skillReads++
        return world.sums
      },
      gains: async () => world.gains,
      pastErrors: async (_stationId, _variable, { leadHours }) => {
        if (world.pastErrorsFail) throw world.pastErrorsFail
        return world.pastErrors.map((row) => leadHours.map((lead) => row[lead - 1] ?? Number.NaN))
      },
    },
    models: {
      controls: async (stationId, variable, { at }) =>
        byModel(world.controls, stationId, variable)
          .filter(({ changedAt }) => at === undefined || changedAt <= at)
          .sort((a, b) => b.changedAt - a.changedAt)
          .map((control, index) => ({ control, controlOffset: index })),
      lifecycle: async ({ stationId, variable, version, runId, at, limit }) =>
        byModel(world.lifecycle, stationId, variable)
          .filter(
            (e) =>
              (version === undefined || e.version === version) &&
              (runId === undefined || e.runId === runId) &&
              (at === undefined || e.at <= at),
          )
          .slice(0, limit),
    },
    drift: { current: async () => [], changes: async () => [], retrainRequests: async () => [], residuals: async () => [] },
    alerts: { list: async () => [], deliveries: async () => [] },
    silences: {
      list: async () => world.silences,
      save: async (silence) => {
        world.silences = [...world.silences.filter(({ id }) => id !== silence.id), silence]
      },
    },
    audit: { list: async () => [] },
    idempotency: {
      get: async (key) => world.answers.get(key) ?? null,
      put: async (key, answer) => void world.answers.set(key, answer),
    },
  }
}
