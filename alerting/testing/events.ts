/** Events for tests: complete, with everything overridable. Instants: START plus whole hours. */
import type {
  Alert,
  CheckedObservation,
  Control,
  Drift,
  Forecast,
  Lifecycle,
  QualityFlags,
  ReplicaStatus,
} from '../../schemas/generated/types.ts'
import { HORIZON_HOURS, QUANTITIES } from '../../schemas/quantities.ts'

export const HOUR_MS = 3_600_000
const START = Date.UTC(2013, 4, 1)
export const at = (hours: number): number => START + hours * HOUR_MS

export function checked(
  hours: number,
  flags: Partial<QualityFlags> = {},
  over: Partial<CheckedObservation> = {},
): CheckedObservation {
  const values = Object.fromEntries(QUANTITIES.map((quantity) => [quantity, 10])) as Record<(typeof QUANTITIES)[number], number>
  const good = Object.fromEntries(QUANTITIES.map((quantity) => [quantity, 'good'])) as QualityFlags
  return {
    stationId: 'ewr',
    observedAt: at(hours),
    receivedAt: at(hours),
    source: 'replay:test',
    kind: 'observation',
    revision: 0,
    ...values,
    flags: { ...good, ...flags },
    rules: Object.fromEntries(Object.keys(flags).map((quantity) => [quantity, ['stuck-sensor']])),
    qcVersion: 'test',
    ...over,
  }
}

/** The same seven quantiles for every lead, around `median` with q90 − q10 = 2.5631·scale. */
export function forecast(hours: number, median: number, over: Partial<Forecast> = {}): Forecast {
  const scale = 1
  const quantiles = [-1.96, -1.2816, -0.6745, 0, 0.6745, 1.2816, 1.96].map((z) => median + z * scale)
  const leadHours = Array.from({ length: HORIZON_HOURS }, (_, i) => i + 1)
  return {
    forecastId: `ewr/temperatureC/${hours}`,
    stationId: 'ewr',
    variable: 'temperatureC',
    issuedAt: at(hours),
    leadHours,
    quantiles: leadHours.map(() => quantiles),
    baselines: { persistence: [], recentredClimatology: [] },
    modelId: 'ewr/temperatureC',
    modelVersion: 'v1',
    modelSha256: '0'.repeat(64),
    role: 'champion',
    controlOffset: 0,
    featureKnownAt: at(hours),
    status: 'fresh',
    statusReason: null,
    fallback: null,
    logFactors: [],
    ...over,
  }
}

export function drift(hours: number, state: Drift['state'], over: Partial<Drift> = {}): Drift {
  return {
    eventId: `drift/${hours}`,
    stationId: 'ewr',
    variable: 'temperatureC',
    state,
    previousState: 'warned',
    at: at(hours),
    detector: 'cusum',
    statistic: 6,
    threshold: 5,
    leadBucket: '7-24',
    evidenceFrom: at(hours - 48),
    evidenceTo: at(hours),
    cause: 'model',
    modelVersion: 'v1',
    changePointAt: null,
    estimatedOffset: null,
    changePointFrom: null,
    changePointTo: null,
    offsetMargin: null,
    explanation: 'errors are too large',
    ...over,
  }
}

export function lifecycle(hours: number, event: Lifecycle['event'], over: Partial<Lifecycle> = {}): Lifecycle {
  return {
    eventId: `run-1/${event}/${hours}`,
    runId: 'run-1',
    stationId: 'ewr',
    variable: 'temperatureC',
    version: 'v2',
    event,
    at: at(hours),
    family: 'ridge',
    reasons: ['crps better by 12 %'],
    metrics: [],
    artefact: null,
    evaluation: null,
    dataFrom: null,
    dataTo: null,
    rows: 1000,
    seed: 1,
    featureSet: 'f',
    codeVersion: 'test',
    fitSeconds: 1,
    requestReason: 'drift',
    causedBy: null,
    actor: 'promotion',
    changePoints: [],
    waitsFor: [],
    comparison: null,
    ...over,
  }
}

export function control(hours: number, version: string): Control {
  const champion = {
    version,
    runId: 'run-1',
    family: 'ridge',
    featureSet: 'f',
    artefact: { uri: 'file:x', sha256: '0', bytes: 1 },
    since: at(hours),
    changePoints: [],
  }
  return {
    eventId: `control/${version}`,
    stationId: 'ewr',
    variable: 'temperatureC',
    champion,
    previous: null,
    challengers: [],
    shadows: [],
    decisionOffset: -1,
    changedAt: at(hours),
    changedBy: 'promotion',
    reason: 'better',
    causedBy: null,
  }
}

export function status(replicaId: string, controlOffset: number, over: Partial<ReplicaStatus> = {}): ReplicaStatus {
  return {
    replicaId,
    stationId: 'ewr',
    variable: 'temperatureC',
    version: 'v2',
    servingVersion: 'v2',
    state: 'serving',
    error: null,
    since: 1_000_000,
    controlOffset,
    swapMilliseconds: 12,
    ...over,
  }
}

export function alert(over: Partial<Alert> = {}): Alert {
  return {
    alertId: 'a1',
    sequence: 1,
    rule: 'frost',
    labels: { kind: 'weather', station: 'ewr', variable: 'temperatureC' },
    severity: 'warning',
    state: 'firing',
    startsAt: at(0),
    endsAt: null,
    annotations: { summary: 'Frost at Newark', description: 'Cold.' },
    links: { runbook: 'docs/runbooks/frost.md' },
    causedBy: null,
    ...over,
  }
}

/** Names that users of a network may really type, or mean harm by. */
export const HOSTILE_NAMES = [
  '<script>alert(1)</script>',
  '<!channel> <@U123> <https://evil.example|click>',
  'two\r\nlines\nBcc: victim@example.org',
  '\u202Egnp.exe\u2066 rtl',
  '"onmouseover="x" \'quoted\' & ampersand',
  'x'.repeat(10_000),
  '<'.repeat(10_000),
  '😀'.repeat(5000),
  'half \ud83d surrogate',
] as const
