/** What feeds a local run: the bundled replay with its declared scenario, or a live provider. */
import type { ScenarioJson } from '../../producers/replay/scenario.ts'
import { unknownName } from '../arguments.ts'
import { CliError, EXIT } from '../exit.ts'
import { REPLICA_IDS } from './processes.ts'
import type { StoryOptions } from './story.ts'

const HOUR_MS = 3_600_000
const BUNDLED_STATIONS = ['ewr', 'jfk', 'lga']

export type ProducerPlan = {
  readonly services: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly clock: 'stream' | 'system'
  readonly stationIds: readonly string[]
  readonly story: StoryOptions | null
  /** A live provider may be out of reach: its process counts as up when it runs, and what it lacks is told beside. */
  readonly upWhen: '/readyz' | '/livez'
}

/** Provider → service, its variable for the stations, what a station looks like, what separates them, and its id here. */
const LIVE = {
  'open-meteo': {
    variable: 'OPEN_METEO_STATIONS',
    pattern: /^([a-z0-9][a-z0-9_-]{0,63})@-?\d+(\.\d+)?,-?\d+(\.\d+)?$/,
    form: 'tokyo@35.69,139.69',
    separator: ';',
  },
  metar: { variable: 'METAR_STATIONS', pattern: /^([A-Za-z0-9]{4})$/, form: 'KJFK', separator: ',' },
} as const
export type LiveProvider = keyof typeof LIVE
const LIVE_PROVIDERS = Object.keys(LIVE) as LiveProvider[]

/** `--live PROVIDER --station …`: real observations as they come, on the wall clock. */
export function livePlan(provider: string, stations: readonly string[]): ProducerPlan {
  if (!LIVE_PROVIDERS.includes(provider as LiveProvider)) {
    throw new CliError(unknownName('provider', provider, LIVE_PROVIDERS), EXIT.usage)
  }
  const { variable, pattern, form, separator } = LIVE[provider as LiveProvider]
  if (stations.length === 0)
    throw new CliError(`--live ${provider} needs at least one --station, for example --station ${form}`, EXIT.usage)
  const ids = stations.map((station) => {
    const id = pattern.exec(station)?.[1]
    if (id === undefined)
      throw new CliError(`--station "${station}" is not what ${provider} takes; write for example ${form}`, EXIT.usage)
    return id.toLowerCase()
  })
  return {
    services: [provider],
    env: { [variable]: stations.join(separator) },
    clock: 'system',
    stationIds: ids,
    story: null,
    upWhen: '/livez',
  }
}

/** `pace.throughout`: the spectator asked for this speed, so that no stretch is fast-forwarded. */
export function replayPlan(pace: { readonly speed: number; readonly throughout: boolean }, scenario: ScenarioJson): ProducerPlan {
  const change = scenario.changes?.find(({ kind }) => kind === 'instrument-change') as { at: string } | undefined
  const stuck = scenario.changes?.find(({ kind }) => kind === 'stuck-sensor') as
    { stationId: string; from: string; hours: number } | undefined
  return {
    services: ['replay'],
    // REPLAY_SCENARIO is left to the replay: the declared alterations belong to the bundled data and never to a series of one's own.
    env: {
      REPLAY_SPEED: String(pace.speed),
      REPLAY_WAIT_FOR_MODELS: 'true',
      REPLAY_WAIT_FOR_REPLICAS: String(REPLICA_IDS.length),
      ...(pace.throughout ? { REPLAY_FAST_FORWARD_SPEED: String(pace.speed) } : {}),
    },
    clock: 'stream',
    stationIds: BUNDLED_STATIONS,
    upWhen: '/readyz',
    story: {
      stationIds: BUNDLED_STATIONS,
      replicaIds: REPLICA_IDS,
      instrumentChangeAt: change ? Date.parse(change.at) : null,
      stuckSensor: stuck
        ? { stationId: stuck.stationId, from: Date.parse(stuck.from), to: Date.parse(stuck.from) + stuck.hours * HOUR_MS }
        : null,
    },
  }
}
