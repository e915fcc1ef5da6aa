/** What feeds a local run: the bundled replay with its declared scenario, or a live provider. */
import { EXIT, CliError } from '../exit.ts'
import type { ScenarioJson } from '../../producers/replay/scenario.ts'
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
}

export function replayPlan(speed: number, scenario: ScenarioJson): ProducerPlan {
  const change = scenario.changes?.find(({ kind }) => kind === 'instrument-change') as { at: string } | undefined
  const stuck = scenario.changes?.find(({ kind }) => kind === 'stuck-sensor') as { stationId: string; from: string; hours: number } | undefined
  return {
    services: ['replay'],
    env: { REPLAY_SPEED: String(speed), REPLAY_SCENARIO: JSON.stringify(scenario), REPLAY_WAIT_FOR_MODELS: 'true' },
    clock: 'stream',
    stationIds: BUNDLED_STATIONS,
    story: {
      stationIds: BUNDLED_STATIONS,
      replicaIds: REPLICA_IDS,
      instrumentChangeAt: change ? Date.parse(change.at) : null,
      stuckSensor: stuck ? { stationId: stuck.stationId, from: Date.parse(stuck.from), to: Date.parse(stuck.from) + stuck.hours * HOUR_MS } : null,
    },
  }
}

/** `id@latitude,longitude` where the provider needs a place, else the provider's own station id. */
export function livePlan(provider: string, stations: readonly string[]): ProducerPlan {
  const parsed = stations.map((text) => {
    const match = /^([A-Za-z0-9_-]{1,64})(?:@(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?))?$/.exec(text)
    if (!match) throw new CliError(`"${text}" is not a station; write id@latitude,longitude or the provider's station id`, EXIT.usage)
    const [, id, latitude, longitude] = match as unknown as [string, string, string | undefined, string | undefined]
    if (provider === 'open-meteo' && latitude === undefined) throw new CliError(`open-meteo needs a place: --station ${id}@latitude,longitude`, EXIT.usage)
    return { stationId: id.toLowerCase(), providerStationId: id, ...(latitude ? { latitude: Number(latitude), longitude: Number(longitude) } : {}) }
  })
  return {
    services: [provider],
    env: { STATIONS: JSON.stringify(parsed) },
    clock: 'system',
    stationIds: parsed.map(({ stationId }) => stationId),
    story: null,
  }
}
