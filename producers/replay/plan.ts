/** Config → what is to be replayed: reads the CSV, the stations and the scenario. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { AppError, messageOf } from '../../infra/runtime/errors.ts'
import type { Logger } from '../../infra/runtime/log.ts'
import { FORECAST_VARIABLES } from '../../schemas/quantities.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import type { ReplayConfig } from './config.ts'
import { demoScenario } from './demo-scenario.ts'
import type { ReplayPlan } from './replay.ts'
import { ScenarioSchema, prepareScenario } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import { BUNDLED_OBSERVATIONS, BUNDLED_STATIONS, loadSeries } from './series.ts'
import type { ReplaySeries } from './series.ts'
import { readStations } from '../shared/stations.ts'

const HOUR_MS = 3_600_000
const DEFAULT_BACKFILL_SHARE = 2 / 3

export async function loadPlan(
  config: Pick<ReplayConfig, `replay${string}` & keyof ReplayConfig>,
  log: Pick<Logger, 'info' | 'warn'>,
): Promise<ReplayPlan> {
  const isBundled = config.replayCsv === BUNDLED_OBSERVATIONS
  const series = await loadSeries(
    config.replayCsv,
    (problem) => log.warn({ ...problem }, 'replay: row not accepted'),
    config.replayStation,
  )
  const first = series.observations[0]?.observedAt ?? 0
  const last = series.observations.at(-1)?.observedAt ?? 0
  const stationsFile = config.replayStations ?? (isBundled ? BUNDLED_STATIONS : undefined)
  const scenario = await readScenario(config.replayScenario ?? (isBundled ? 'demo' : 'none'))
  const share = Math.floor((first + (last - first) * DEFAULT_BACKFILL_SHARE) / HOUR_MS) * HOUR_MS
  return {
    series,
    stations: stationsFile === undefined ? [] : await readStations(stationsFile, first),
    backfillUntil: config.replayBackfillUntil ?? scenario.backfillUntil ?? share,
    speed: config.replaySpeed,
    fastForward: {
      until: config.replayFastForwardUntil ?? scenario.fastForwardUntil ?? Number.NEGATIVE_INFINITY,
      speed: Math.max(config.replaySpeed, config.replayFastForwardSpeed),
    },
    alter: prepareScenario(scenario, series.observations),
  }
}

/** The models that a replay of `series` should give rise to: `station/variable` wherever the observed quantity occurs. */
export function expectedModels(series: ReplaySeries): string[] {
  const keys = new Set<string>()
  for (const observation of series.observations) {
    for (const variable of FORECAST_VARIABLES) {
      const quantity = variable === 'precipitationProbabilityPct' ? 'precipitationMm' : variable
      if (observation[quantity] !== null) keys.add(modelKey(observation.stationId, variable))
    }
  }
  return [...keys].sort()
}

async function readScenario(name: string): Promise<Scenario> {
  if (name === 'none') return { changes: [] }
  if (name === 'demo') return ScenarioSchema.parse(demoScenario)
  let json: unknown
  try {
    json = JSON.parse(await readFile(name, 'utf8'))
  } catch (error) {
    throw new AppError(`cannot read the scenario ${name}: ${messageOf(error)}`, {
      code: 'scenario-unreadable',
      retry: 'permanent',
      cause: error,
    })
  }
  const parsed = ScenarioSchema.safeParse(json)
  if (!parsed.success)
    throw new AppError(`scenario ${name}: ${z.prettifyError(parsed.error)}`, { code: 'scenario-invalid', retry: 'permanent' })
  return parsed.data
}
