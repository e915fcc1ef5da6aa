/** What feeds a local run: the bundled replay with its declared scenario. */
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
  const stuck = scenario.changes?.find(({ kind }) => kind === 'stuck-sensor') as
    { stationId: string; from: string; hours: number } | undefined
  return {
    services: ['replay'],
    env: { REPLAY_SPEED: String(speed), REPLAY_SCENARIO: 'demo', REPLAY_WAIT_FOR_MODELS: 'true' },
    clock: 'stream',
    stationIds: BUNDLED_STATIONS,
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
