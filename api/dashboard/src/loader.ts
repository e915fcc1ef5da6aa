/** Fetches what the panels show, keeps it fresh, and never lets an old answer overwrite a newer choice. */
import { FORECAST_VARIABLES } from '../../../schemas/quantities.ts'
import { toPipeline, toReplicas, toSkill } from './adapt.ts'
import { ApiError, getJson, getList, segment } from './api.ts'
import { instant } from './format.ts'
import type { Loadable } from './loadable.ts'
import { failed, ready, valueOf } from './loadable.ts'
import { isKnown, noteForecast, noteObservation } from './now.ts'
import type { Scheduler } from './schedule.ts'
import { throttled } from './schedule.ts'
import type { Part, State } from './state.ts'
import { addToStory, tellAlert, tellDrift, tellFirst, tellLifecycle } from './story.ts'
import type {
  Alert,
  CheckedObservation,
  DriftAnswer,
  ForecastBody,
  ModelEvent,
  ModelRow,
  PipelineAnswer,
  ReplicasAnswer,
  Run,
  SkillAnswer,
  Station,
} from './wire.ts'

const HOUR_MS = 3_600_000
const HISTORY_MS = 96 * HOUR_MS
/** Stations whose numbers are fetched at the start; the rest fill in from the live stream. */
const FIRST_STATIONS = 40
/** A replay hurries through a day of events in a second. */
const FORECAST_EVERY_MS = 250

export type Loader = ReturnType<typeof createLoader>

export function createLoader(state: State, scheduler: Scheduler<Part>, seeTime: (eventMs: number | null) => boolean) {
  type Slot =
    | 'pipeline'
    | 'stations'
    | 'observations'
    | 'forecast'
    | 'skill'
    | 'models'
    | 'modelEvents'
    | 'driftStates'
    | 'runs'
    | 'replicas'
    | 'alerts'
  const running = new Map<Slot, number>()

  /** Runs a fetch for a slot; only the newest run of a slot may write its result. */
  async function load<T>(slot: Slot, part: Part, read: () => Promise<T>, done?: (value: T) => void): Promise<void> {
    const run = (running.get(slot) ?? 0) + 1
    running.set(slot, run)
    const put = (value: Loadable<T>): void => {
      ;(state as unknown as Record<Slot, Loadable<T>>)[slot] = value
    }
    try {
      const value = await read()
      if (running.get(slot) !== run) return
      put(ready(value))
      done?.(value)
    } catch (error) {
      if (running.get(slot) !== run) return
      put(failed((state as unknown as Record<Slot, Loadable<T>>)[slot], error))
    }
    scheduler.mark(part)
  }

  const model = (): string | null => state.selected.stationId

  const loaders = {
    pipeline: () =>
      load(
        'pipeline',
        'pipeline',
        async () => toPipeline(await getJson<PipelineAnswer>('/v1/pipeline')),
        (value) => {
          state.clock.mode = value.clock
          if (seeTime(instant(value.now))) scheduler.mark('clock')
        },
      ),
    stations: () =>
      load(
        'stations',
        'stations',
        () => getList<Station>('stations', '/v1/stations'),
        (stations) => {
          if (state.selected.stationId === null && stations[0]) select(stations[0].stationId)
          void fillStationNumbers(stations)
        },
      ),
    observations: async () => {
      const id = model()
      if (id === null) return
      const from = state.clock.nowMs === null ? undefined : new Date(state.clock.nowMs - HISTORY_MS).toISOString()
      await load('observations', 'observations', () =>
        getList<CheckedObservation>('observations', `/v1/stations/${segment(id)}/observations`, { from }),
      )
    },
    forecast: async () => {
      const id = model()
      if (id === null) return
      await load(
        'forecast',
        'forecast',
        () =>
          getJson<ForecastBody>(`/v1/stations/${segment(id)}/forecast`, {
            variables: state.selected.variable,
            quantiles: 'all',
            hours: 168,
          }),
        (body) => {
          seeTime(instant(body.featureKnownAt))
          if (noteForecast(state, id, body)) scheduler.mark('stations')
        },
      )
    },
    skill: async () => {
      const id = model()
      if (id === null) return
      const hadNone = valueOf(state.skill)?.length === 0
      await load(
        'skill',
        'skill',
        async () => {
          const answer = await getJson<SkillAnswer>('/v1/skill', { stationId: id, variable: state.selected.variable })
          state.headlines = answer.headlines
          return toSkill(answer.skill)
        },
        (skill) => {
          if (hadNone && skill.length > 0 && state.clock.nowMs !== null)
            tell([tellFirst('verified', id, state.clock.nowMs, null)])
        },
      )
    },
    models: () => load('models', 'models', () => getList<ModelRow>('models', '/v1/models')),
    modelEvents: async () => {
      const id = model()
      if (id === null) return
      await load(
        'modelEvents',
        'models',
        async () => {
          const answers = await Promise.all(
            FORECAST_VARIABLES.map(async (variable) => {
              try {
                return await getList<ModelEvent>('events', `/v1/models/${segment(id)}/${variable}/history`)
              } catch (error) {
                // No model of this variable yet: nothing to show, not a failure.
                if (error instanceof ApiError && error.status === 404) return []
                throw error
              }
            }),
          )
          return answers.flat()
        },
        (events) => tell(events.map(tellLifecycle)),
      )
    },
    drift: () =>
      load('driftStates', 'drift', async () => {
        const answer = await getJson<DriftAnswer>('/v1/drift')
        state.drift = ready(answer.drift)
        tell(answer.drift.map(tellDrift))
        return answer.states
      }),
    runs: async () => {
      const id = model()
      if (id === null) return
      await load('runs', 'runs', () => getList<Run>('runs', '/v1/runs', { stationId: id, limit: 60 }))
    },
    replicas: () => load('replicas', 'replicas', () => getJson<ReplicasAnswer>('/v1/replicas').then(toReplicas)),
    alerts: () =>
      load(
        'alerts',
        'alerts',
        () => getList<Alert>('alerts', '/v1/alerts'),
        (alerts) => tell(alerts.map(tellAlert)),
      ),
  }

  function tell(entries: Array<ReturnType<typeof tellLifecycle>>): void {
    const added = entries.filter((entry) => entry !== null)
    if (added.length === 0) return
    state.story = addToStory(state.story, added)
    scheduler.mark('story')
  }

  async function fillStationNumbers(stations: readonly Station[]): Promise<void> {
    for (const { stationId } of stations.slice(0, FIRST_STATIONS)) {
      if (state.lacking.has(stationId) && stationId !== state.selected.stationId) continue
      const [forecast, observations] = await Promise.allSettled([
        getJson<ForecastBody>(`/v1/stations/${segment(stationId)}/forecast`, { hours: 1, quantiles: '0.1,0.5,0.9' }),
        getList<CheckedObservation>('observations', `/v1/stations/${segment(stationId)}/observations`, {
          from: state.clock.nowMs === null ? undefined : new Date(state.clock.nowMs - 6 * HOUR_MS).toISOString(),
        }),
      ])
      // A station without forecast or observation is shown as such; the panels say why for the selected one.
      if (forecast.status === 'fulfilled') noteForecast(state, stationId, forecast.value)
      if (observations.status === 'fulfilled') for (const o of observations.value) noteObservation(state, o)
      // "There is none" is an answer too; no answer is not.
      const isAnswered = [forecast, observations].every(
        (one) => one.status === 'fulfilled' || (one.reason instanceof ApiError && one.reason.status !== null),
      )
      if (isAnswered && !state.lacking.has(stationId)) state.lacking.set(stationId, new Set(lackingNow(stationId)))
      scheduler.mark('stations')
    }
  }

  const lackingNow = (stationId: string) => [
    ...(isKnown(state, stationId, 'observedAt') ? [] : (['observation'] as const)),
    ...(isKnown(state, stationId, 'issuedAt') ? [] : (['forecast'] as const)),
  ]

  function select(stationId: string): void {
    if (state.selected.stationId === stationId) return
    state.selected.stationId = stationId
    state.observations = { status: 'loading' }
    state.modelEvents = { status: 'loading' }
    state.runs = { status: 'loading' }
    afterSelection()
    void loaders.observations()
    void loaders.modelEvents()
    void loaders.runs()
  }

  function chooseVariable(variable: State['selected']['variable']): void {
    if (state.selected.variable === variable) return
    state.selected.variable = variable
    afterSelection()
  }

  function afterSelection(): void {
    state.forecast = { status: 'loading' }
    state.skill = { status: 'loading' }
    scheduler.mark('selection', 'forecast', 'observations', 'skill', 'runs')
    void loaders.forecast()
    void loaders.skill()
  }

  const every = (milliseconds: number, work: () => Promise<void>): void => {
    setInterval(() => {
      // A hidden page asks for nothing; what changed is fetched when it is shown again.
      if (!document.hidden) void work()
    }, milliseconds)
  }

  /** Everything anew: at the start, after a lost connection, when the page is shown again. */
  function reloadAll(): void {
    void loaders.pipeline().then(() => {
      void loaders.stations()
      void loaders.observations()
      void loaders.forecast()
    })
    void loaders.skill()
    void loaders.models()
    void loaders.modelEvents()
    void loaders.runs()
    void loaders.drift()
    void loaders.replicas()
    void loaders.alerts()
  }

  return {
    select,
    chooseVariable,
    reloadAll,
    tell,
    /** Soon, at most this often: for bursts of live events. */
    soon: {
      forecast: throttled(FORECAST_EVERY_MS, () => void loaders.forecast()),
      replicas: throttled(1000, () => void loaders.replicas()),
      models: throttled(2000, () => void Promise.all([loaders.models(), loaders.modelEvents(), loaders.runs()])),
      stations: throttled(2000, () => void loaders.stations()),
    },
    startPolling(): void {
      every(2000, loaders.pipeline)
      every(6000, loaders.skill)
      every(15_000, loaders.replicas)
      every(20_000, loaders.alerts)
      every(30_000, loaders.models)
      every(30_000, loaders.stations)
      every(45_000, loaders.drift)
      every(60_000, loaders.modelEvents)
      every(60_000, loaders.runs)
      // A failed or quiet piece is asked for again even when the stream says nothing.
      every(10_000, async () => {
        if (state.forecast.status !== 'ready' || state.connection.state !== 'live') await loaders.forecast()
        if (valueOf(state.observations) === undefined || state.connection.state !== 'live') await loaders.observations()
      })
    },
  }
}
