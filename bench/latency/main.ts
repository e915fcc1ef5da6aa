/**
 * Observation sent → its forecast in the topic, at an even 200 observations a second: quality control and features in one process,
 * inference in another, ClickHouse written meanwhile. Beside it, in the same run, a bare kafkajs relay over as many topics.
 */
import { quantileSorted } from 'simple-statistics'
import { z } from 'zod'
import { deploy } from '../../cli/start/deploy.ts'
import { openArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import { kafkaBlock, readConfig, registryBlock } from '../../infra/runtime/config/index.ts'
import { openPublisher, startFollower } from '../../infra/runtime/kafka/index.ts'
import { createLogger } from '../../infra/runtime/log.ts'
import type { Observation } from '../../schemas/generated/types.ts'
import { type Figure, figure } from '../shared/figures.ts'
import { createObservations, stationIdOf } from '../shared/observations.ts'
import { startService } from '../shared/processes.ts'
import { type BenchEnvironment, isolated, withServers } from '../shared/servers.ts'
import { orderOf, pace, shownQuantiles, untilOrFailed } from '../shared/stream.ts'
import { makeModels } from '../swap/artefacts.ts'
import { timeRelay } from './relay-run.ts'

const PER_SECOND = 200
const STATIONS = 20
const GOAL_P50_MS = 10
const GOAL_P99_MS = 40
const GOAL_OVER_RELAY = 2
const LIMIT_MS = 120_000
const SHOWN = [0.5, 0.9, 0.99, 1]

const log = createLogger('bench', 'warn')
const Config = z.object({ ...kafkaBlock.shape, ...registryBlock.shape })

export async function run({ quick, json }: { quick: boolean; json: boolean }): Promise<Figure[]> {
  const say = (line: string): void => void (json || process.stderr.write(`${line}\n`))
  const seconds = quick ? 15 : 60
  // At this pace the broker's compiler needs minutes, on a core of its own: before, that is what would be measured.
  const warmUp = (quick ? 30 : 120) * PER_SECOND
  const total = warmUp + seconds * PER_SECOND
  return withServers(['kafka', 'registry', 'clickhouse'], say, async (env) => {
    // A broker that is still being compiled takes a whole core: it would slow down whoever comes first.
    await timeRelay(env, (send) => paced(warmUp, send), 0)
    const pipeline = (await timePipeline(isolated(env), total, warmUp)).sort((a, b) => a - b)
    say(`pipeline, ms: ${shownQuantiles(pipeline, SHOWN)}`)
    const relay = (await timeRelay(env, (send) => paced(total, send), warmUp)).sort((a, b) => a - b)
    say(`bare relay, ms: ${shownQuantiles(relay, SHOWN)}`)
    const beside = (p: number): Figure => ({
      ...figure(
        `observation to forecast over bare relay, ${p === 0.5 ? 'median' : '99th percentile'}`,
        quantileSorted(pipeline, p) / quantileSorted(relay, p),
        '×',
        '<=',
        GOAL_OVER_RELAY,
      ),
      peer: { name: 'bare kafkajs relay over four topics, ms', value: quantileSorted(relay, p) },
    })
    return [
      figure('observation to published forecast, median', quantileSorted(pipeline, 0.5), 'ms', '<=', GOAL_P50_MS),
      figure('observation to published forecast, 99th percentile', quantileSorted(pipeline, 0.99), 'ms', '<=', GOAL_P99_MS),
      beside(0.5),
      beside(0.99),
    ]
  })
}

/** Milliseconds of each observation after the warm-up. */
async function timePipeline(env: BenchEnvironment, total: number, warmUp: number): Promise<number[]> {
  const config = readConfig(Config, env)
  await deploy(env, log)
  const publisher = openPublisher({ config, name: 'bench', log })
  const { models } = await makeModels(openArtifactStore({ artifactStore: env['ARTIFACT_STORE'] as string }))
  await publisher.publish(
    Array.from({ length: STATIONS }, (_, i) => {
      const value = orderOf(stationIdOf(i), 'temperatureC', models[0], { changedAtHour: 1, decisionOffset: 0 })
      return { topic: 'model.control.v1' as const, key: `${value.stationId}/${value.variable}`, value }
    }),
  )
  const sentAt = new Map<string, { at: number; n: number }>()
  const latencies: number[] = []
  const arrived = new Set<string>()
  const follower = await startFollower({
    config,
    log,
    name: 'bench',
    topics: ['weather.forecast.v1'],
    from: 'beginning',
    onEvents: (events) => {
      for (const event of events) {
        if (event.value === null || event.topic !== 'weather.forecast.v1') continue
        const key = `${event.value.stationId}|${event.value.issuedAt}`
        const sent = sentAt.get(key)
        if (sent === undefined || arrived.has(key)) continue
        arrived.add(key)
        if (sent.n >= warmUp) latencies.push(performance.now() - sent.at)
      }
    },
  })
  const processes = [startService(['quality-control', 'features'], env), startService(['inference'], env)]
  const failed = Promise.race(processes.map((process) => process.failed))
  try {
    const next = createObservations(STATIONS)
    const send = async (n: number): Promise<void> => {
      const { flags: _flags, rules: _rules, qcVersion: _version, ...value }: ReturnType<typeof next> = next()
      sentAt.set(`${value.stationId}|${value.observedAt}`, { at: performance.now(), n })
      await publisher.publish([{ topic: 'weather.observation.v1', key: value.stationId, value: value satisfies Observation }])
    }
    // The first ones wait until every process has joined its group; they are part of the warm-up only.
    for (let n = 0; n < STATIONS; n++) await send(n)
    await untilOrFailed('the first forecasts', () => arrived.size >= STATIONS, failed, LIMIT_MS)
    await Promise.race([failed, paced(total, (n) => send(n))])
    await untilOrFailed('the last forecasts', () => arrived.size >= sentAt.size, failed, LIMIT_MS)
    return latencies
  } finally {
    await Promise.all(processes.map((process) => process.stop()))
    await follower.stop()
    await publisher.close()
  }
}

function paced(total: number, send: (n: number) => Promise<void>): Promise<void> {
  return pace(PER_SECOND, (n) => n >= total, send)
}
