/**
 * Memory that a station costs: what the features and the inference process hold after many observations of 10,000 stations, less what
 * they hold after as many of 100. Stations without a model; what a model costs is measured by the swap bench.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { kafkaBlock, readConfig, registryBlock } from '../../infra/runtime/config/index.ts'
import { applyTopics, readEnds, readLag } from '../../infra/runtime/kafka/index.ts'
import { createLogger } from '../../infra/runtime/log.ts'
import { registerSchemas } from '../../infra/runtime/registry/index.ts'
import { type Figure, figure } from '../shared/figures.ts'
import { fillObservations } from '../shared/observations.ts'
import { type BenchProcess, memoryKibOf, startNode, startService } from '../shared/processes.ts'
import { type BenchEnvironment, isolated, withServers } from '../shared/servers.ts'

const FEW = 100
const MANY = 10_000
const GOAL_KIB = 40
const LIMIT_MS = 180_000
const FEATURES = fileURLToPath(new URL('../ingest/topic-to-topic.ts', import.meta.url))

const log = createLogger('bench', 'warn')
const Config = z.object({ ...kafkaBlock.shape, ...registryBlock.shape })
type Memory = { readonly features: number; readonly inference: number }

export async function run({ quick, json }: { quick: boolean; json: boolean }): Promise<Figure[]> {
  const say = (line: string): void => void (json || process.stderr.write(`${line}\n`))
  if (process.platform !== 'linux') throw new Error('stations reads /proc, which this system does not have')
  const observations = MANY * (quick ? 12 : 48)
  return withServers(['kafka', 'registry'], say, async (env) => {
    const few = await measure(isolated(env), FEW, observations)
    const many = await measure(isolated(env), MANY, observations)
    const each = (part: keyof Memory): number => Math.round((10 * (many[part] - few[part])) / (MANY - FEW)) / 10
    for (const [stations, memory] of [[FEW, few] as const, [MANY, many] as const])
      say(`${stations} stations: features ${memory.features} KiB, inference ${memory.inference} KiB`)
    return [
      figure('memory of a station, features process', each('features'), 'KiB', '<=', GOAL_KIB),
      figure('memory of a station, features and inference process', each('features') + each('inference'), 'KiB', '<=', GOAL_KIB),
    ]
  })
}

/** Resident memory of both processes once each has read everything. */
async function measure(env: BenchEnvironment, stations: number, observations: number): Promise<Memory> {
  const config = readConfig(Config, env)
  await applyTopics(config, log)
  await registerSchemas(config)
  await fillObservations(config, log, stations, observations)
  const features = await memoryWhen(startNode([FEATURES], env), async () => {
    const ends = await readEnds(config, log, ['weather.feature.v1'])
    return ends.reduce((sum, { end }) => sum + end, 0) >= observations
  })
  const inference = await memoryWhen(startService(['inference'], env), async () => {
    const lags = await readLag(config, log, 'isobar-inference', ['weather.feature.v1'])
    return lags.every(({ lag }) => lag === 0)
  })
  return { features, inference }
}

async function memoryWhen(process: BenchProcess, done: () => Promise<boolean>): Promise<number> {
  try {
    const deadline = performance.now() + LIMIT_MS
    while (!(await Promise.race([done(), process.failed]))) {
      if (performance.now() > deadline) throw new Error(`not done within ${LIMIT_MS / 1000} s`)
      await sleep(200)
    }
    return memoryKibOf(process.pid) as number
  } finally {
    await process.stop()
  }
}
