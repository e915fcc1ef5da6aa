/** Everything the page knows, in one place; panels read it, `live-events.ts` and `loader.ts` write it. */
import type { ForecastVariable } from '../../../schemas/quantities.ts'
import type { Loadable } from './loadable.ts'
import type { ConnectionState } from './sse.ts'
import type { StoryEntry } from './story.ts'
import type {
  Alert,
  CheckedObservation,
  Delivery,
  DriftEvent,
  DriftState,
  ForecastBody,
  Headline,
  ModelEvent,
  ModelRow,
  Pipeline,
  Replicas,
  Run,
  SkillRow,
  Station,
} from './wire.ts'

/** What a draw can depend on. */
export type Part =
  | 'connection'
  | 'clock'
  | 'pipeline'
  | 'story'
  | 'stations'
  | 'selection'
  | 'observations'
  | 'forecast'
  | 'skill'
  | 'models'
  | 'drift'
  | 'runs'
  | 'replicas'
  | 'alerts'
  | 'zone'
  | 'theme'

/** The newest numbers of one station and variable, for the station list. */
export type StationNow = {
  observed: number | null
  observedAt: number | null
  /** Next hour: median and the 80 % range. */
  forecast: { validAt: number; median: number | null; low: number | null; high: number | null } | null
  issuedAt: number | null
  status: string | null
  statusReason: string | null
  fallback: string | null
}

export type State = {
  connection: ConnectionState
  /** Newest event time seen, epoch ms, and its pace (event seconds per wall second). */
  clock: { mode: 'system' | 'stream' | null; nowMs: number | null; speed: number | null }
  pipeline: Loadable<Pipeline>
  story: StoryEntry[]
  stations: Loadable<Station[]>
  /** stationId → variable → numbers. */
  now: Map<string, Map<string, StationNow>>
  /** Stations whose numbers the server was asked for, and what it had none of then: what comes first of it is news. */
  lacking: Map<string, Set<'observation' | 'forecast'>>
  selected: { stationId: string | null; variable: ForecastVariable }
  observations: Loadable<CheckedObservation[]>
  forecast: Loadable<ForecastBody>
  skill: Loadable<SkillRow[]>
  headlines: Headline[]
  models: Loadable<ModelRow[]>
  /** Lifecycle of the selected station's models, newest first. */
  modelEvents: Loadable<ModelEvent[]>
  drift: Loadable<DriftEvent[]>
  driftStates: Loadable<DriftState[]>
  /** Training runs of the selected station, newest first. */
  runs: Loadable<Run[]>
  replicas: Loadable<Replicas>
  alerts: Loadable<Alert[]>
  deliveries: Map<string, Delivery>
  zone: 'station' | 'UTC'
}

export function createState(): State {
  return {
    connection: { state: 'connecting' },
    clock: { mode: null, nowMs: null, speed: null },
    pipeline: { status: 'loading' },
    story: [],
    stations: { status: 'loading' },
    now: new Map(),
    lacking: new Map(),
    selected: { stationId: null, variable: 'temperatureC' },
    observations: { status: 'loading' },
    forecast: { status: 'loading' },
    skill: { status: 'loading' },
    headlines: [],
    models: { status: 'loading' },
    modelEvents: { status: 'loading' },
    drift: { status: 'loading' },
    driftStates: { status: 'loading' },
    runs: { status: 'loading' },
    replicas: { status: 'loading' },
    alerts: { status: 'loading' },
    deliveries: new Map(),
    zone: 'station',
  }
}

export function stationNow(state: State, stationId: string, variable: string): StationNow {
  let byVariable = state.now.get(stationId)
  if (!byVariable) state.now.set(stationId, (byVariable = new Map()))
  let now = byVariable.get(variable)
  if (!now) {
    now = { observed: null, observedAt: null, forecast: null, issuedAt: null, status: null, statusReason: null, fallback: null }
    byVariable.set(variable, now)
  }
  return now
}

export function selectedStation(state: State): Station | null {
  const stations = state.stations.status === 'ready' ? state.stations.value : (state.stations.previous ?? [])
  return stations.find((station) => station.stationId === state.selected.stationId) ?? null
}

const SPEED_WINDOW_MS = 8000

/** Follows event time (it never runs back) and measures its pace over the last 8 s of wall time. */
export function createClockTracker(state: State, wall: () => number = () => performance.now()) {
  let samples: Array<{ wall: number; event: number }> = []
  return (eventMs: number | null): boolean => {
    if (eventMs === null || eventMs <= (state.clock.nowMs ?? -Infinity)) return false
    state.clock.nowMs = eventMs
    const at = wall()
    samples.push({ wall: at, event: eventMs })
    samples = samples.filter((s) => at - s.wall <= SPEED_WINDOW_MS).slice(-200)
    const first = samples[0]
    if (first && at - first.wall > 1500) state.clock.speed = (eventMs - first.event) / (at - first.wall)
    return true
  }
}
