/**
 * Control event → all replicas serving. Four replica processes on one Kafka, artefacts on the local disk, a stream of features and of requests
 * to the API meanwhile. Every swap loads: the model that comes is neither champion nor previous. In the full run a replica is killed and
 * started half-way.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { quantileSorted } from 'simple-statistics'
import { z } from 'zod'
import { deploy } from '../../cli/start/deploy.ts'
import { openArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import { kafkaBlock, readConfig, registryBlock } from '../../infra/runtime/config/index.ts'
import { type KafkaPublisher, openPublisher, startFollower } from '../../infra/runtime/kafka/index.ts'
import { createLogger } from '../../infra/runtime/log.ts'
import type { Control } from '../../schemas/generated/types.ts'
import { type BenchOptions, type Figure, figure } from '../shared/figures.ts'
import { isolated, withServers } from '../shared/servers.ts'
import { orderOf, shownQuantiles } from '../shared/stream.ts'
import { makeModels, type MadeModels } from './artefacts.ts'
import { type Replica, startReplica } from './replicas.ts'
import { introduce, type Requests, startRequests } from './requests.ts'

/** Models of the full run's crowded replica, each loaded by itself though they are copies. */
const MANY = 1000

const REPLICAS = 4
const FEATURES_PER_SECOND = 200
const HOUR_MS = 3_600_000
const STATION = 'bench-0'
const GOAL_MS = 250
const SHOWN = [0, 0.5, 0.9, 0.99, 1]

export async function run({ quick, json }: BenchOptions): Promise<Figure[]> {
  const say = (line: string): void => void (json || process.stderr.write(`${line}\n`))
  return withServers(['kafka', 'registry', 'clickhouse'], say, (servers) =>
    measure({ env: { ...isolated(servers), LOG_LEVEL: 'error' }, swaps: quick ? 25 : 100, killsOne: !quick, say }),
  )
}

type Setting = {
  readonly env: Readonly<Record<string, string>>
  readonly swaps: number
  readonly killsOne: boolean
  readonly say: (line: string) => void
}

async function measure({ env, swaps, killsOne, say }: Setting): Promise<Figure[]> {
  const log = createLogger('bench', 'error')
  const config = readConfig(z.object({ ...kafkaBlock.shape, ...registryBlock.shape }), env)
  await deploy(env, log)
  const publisher = openPublisher({ config, name: 'bench', log })
  const made = await makeModels(openArtifactStore({ artifactStore: env['ARTIFACT_STORE'] as string }))
  say(
    `two models of ${Math.round(made.models[0].artefact.bytes / 1024)} KiB; ${REPLICAS} replicas, ${FEATURES_PER_SECOND} features/s`,
  )

  /** By control offset, then replica: wall instant at which it served, and how long the swap itself took. */
  const answers = new Map<number, Map<string, { at: number; milliseconds: number }>>()
  /** Reports by replica. */
  const ready = new Map<string, number>()
  const versionAt = new Map<number, string>()
  const forecasts = new Set<string>()
  /** Hours of the features that have one: read again after a kill, a feature may be forecast once more, by a newer version. */
  const hoursForecast = new Set<number>()
  let wrongVersion = 0
  let refused = 0
  const follower = await startFollower({
    config,
    log,
    name: 'bench',
    topics: ['model.control.v1', 'model.status.v1', 'weather.forecast.v1'],
    from: 'end',
    onEvents: (events) => {
      for (const event of events) {
        if (event.value === null) continue
        if (event.topic === 'model.control.v1') versionAt.set(event.offset, event.value.champion.version)
        else if (event.topic === 'model.status.v1') {
          const { controlOffset, replicaId, since, swapMilliseconds, state } = event.value
          if (state === 'rejected') refused++
          ready.set(replicaId, (ready.get(replicaId) ?? 0) + 1)
          const of = answers.get(controlOffset) ?? new Map<string, { at: number; milliseconds: number }>()
          answers.set(controlOffset, of)
          if (!of.has(replicaId)) of.set(replicaId, { at: since, milliseconds: swapMilliseconds ?? 0 })
        } else {
          const { forecastId, controlOffset, modelVersion, issuedAt } = event.value
          // A version that the order it names did not put in place; orders are read before what they cause.
          const expected = versionAt.get(controlOffset)
          if (expected !== undefined && expected !== modelVersion) wrongVersion++
          forecasts.add(forecastId)
          hoursForecast.add(issuedAt)
        }
      }
    },
  })
  let replicas: Replica[] = []
  const traffic = { stop: false, sent: 0 }
  let requests: { readonly stop: () => Promise<Requests> } | null = null
  try {
    await introduce(publisher, STATION)
    await publisher.publish([order(made, 0)])
    replicas = Array.from({ length: REPLICAS }, (_, i) => startReplica(`bench-${i}`, env))
    await waitFor('the replicas', () => (answers.get(0)?.size ?? 0) === REPLICAS, 120_000)
    const streaming = streamFeatures(publisher, made, traffic)
    await waitFor('the first forecasts', () => forecasts.size > FEATURES_PER_SECOND, 60_000)
    requests = await startRequests(env, STATION, made.models)

    const toAll: number[] = []
    const inReplica: number[] = []
    let restartSeconds: number | null = null
    for (let n = 1; n <= swaps; n++) {
      const isKill = killsOne && n === Math.floor(swaps / 2)
      const askedAt = Date.now()
      const published = publisher.publish([order(made, n)])
      if (isKill) {
        await (replicas[0] as Replica).kill()
        replicas[0] = startReplica('bench-0', env)
      }
      await published
      await waitFor(`swap ${n}`, () => (answers.get(n)?.size ?? 0) === REPLICAS, 60_000)
      const of = [...(answers.get(n)?.values() ?? [])]
      if (isKill) restartSeconds = (Math.max(...of.map(({ at }) => at)) - askedAt) / 1000
      else {
        toAll.push(Math.max(...of.map(({ at }) => at)) - askedAt)
        inReplica.push(...of.map(({ milliseconds }) => milliseconds))
      }
      await sleep(50)
    }
    const asked = await requests.stop()
    requests = null
    traffic.stop = true
    await streaming
    await waitFor('the last forecasts', () => hoursForecast.size >= traffic.sent, 60_000)
    const crowded = killsOne ? await startCrowded() : []

    toAll.sort((a, b) => a - b)
    inReplica.sort((a, b) => a - b)
    say(`control → all ${REPLICAS} serving, ms: ${shownQuantiles(toAll, SHOWN)}`)
    say(`load → verify → warm → replace in one replica, ms: ${shownQuantiles(inReplica, SHOWN)}`)
    return [
      figure('control event to all replicas serving, median', quantileSorted(toAll, 0.5), 'ms', '<=', GOAL_MS),
      figure('control event to all replicas serving, 99th percentile', quantileSorted(toAll, 0.99), 'ms', '<=', GOAL_MS),
      figure('control event to all replicas serving, slowest', toAll.at(-1) ?? Number.NaN, 'ms', '<=', 2 * GOAL_MS),
      figure('swaps in a row', toAll.length, 'swaps', '>=', killsOne ? swaps - 1 : swaps),
      figure('orders refused', refused, 'orders', '<=', 0),
      figure('forecasts whose version is not the one their order names', wrongVersion, `of ${forecasts.size}`, '<=', 0),
      figure('requests that failed', asked.failed, `of ${asked.sent}`, '<=', 0),
      figure('answers that mix versions', asked.mixed, `of ${asked.sent}`, '<=', 0),
      figure('features without a forecast', traffic.sent - hoursForecast.size, `of ${traffic.sent}`, '<=', 0),
      ...crowded,
      ...(restartSeconds === null ? [] : [figure('killed replica serves the newest order again', restartSeconds, 's', '<=', 30)]),
    ]
  } finally {
    traffic.stop = true
    await requests?.stop()
    ready.clear()
    await follower.stop()
    await Promise.all(replicas.map((replica) => replica.stop()))
    await publisher.close()
  }

  /** One replica that must load MANY models before it serves. */
  async function startCrowded(): Promise<Figure[]> {
    await Promise.all(replicas.map((replica) => replica.stop()))
    // A fresh replica with one model is what the crowded one is measured against: a busy one has grown for other reasons.
    const fresh = startReplica('bench-lean', env)
    replicas = [fresh]
    await waitFor('the lean replica', () => (ready.get('bench-lean') ?? 0) > 0, 60_000)
    const lean = fresh.memoryKib()
    await fresh.stop()
    await publisher.publish(
      Array.from({ length: MANY }, (_, i) => {
        const one = order(made, i)
        const stationId = `bench-many-${i}`
        return { ...one, key: `${stationId}/temperatureC`, value: { ...one.value, stationId } }
      }),
    )
    const startedAt = performance.now()
    const replica = startReplica('bench-crowded', env)
    replicas = [replica]
    await waitFor('the crowded replica', () => (ready.get('bench-crowded') ?? 0) > MANY, 180_000)
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10
    const memory = replica.memoryKib()
    return [
      figure(`replica start to serving ${MANY} models`, seconds, 's', '<=', 60),
      ...(memory === null || lean === null
        ? []
        : [figure('memory of a loaded model', Math.round((memory - lean) / MANY), 'KiB', '<=', 400)]),
    ]
  }
}

function order({ models }: MadeModels, n: number) {
  const champion = models[n % 2] as Control['champion']
  const value: Control = {
    ...orderOf(STATION, 'temperatureC', champion, { changedAtHour: n, decisionOffset: n }),
    eventId: `control/bench/${n}`,
  }
  return { topic: 'model.control.v1' as const, key: `${STATION}/temperatureC`, value }
}

/** Live features at an even pace; only the station with a model makes forecasts, so it gets all of them. */
async function streamFeatures(
  publisher: KafkaPublisher,
  { models, features }: MadeModels,
  traffic: { stop: boolean; sent: number },
): Promise<void> {
  const start = performance.now()
  const first = Date.UTC(2013, 0, 1)
  while (!traffic.stop) {
    const due = Math.floor(((performance.now() - start) / 1000) * FEATURES_PER_SECOND) - traffic.sent
    if (due > 0) {
      await publisher.publish(
        Array.from({ length: due }, (_, i) => {
          const validAt = first + (traffic.sent + i) * HOUR_MS
          return {
            topic: 'weather.feature.v1' as const,
            key: STATION,
            value: {
              stationId: STATION,
              validAt,
              knownAt: validAt,
              featureSet: models[0].featureSet,
              values: features,
              cause: 'new' as const,
            },
          }
        }),
      )
      traffic.sent += due
    }
    await sleep(10)
  }
}

async function waitFor(what: string, condition: () => boolean, limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within ${limitMs / 1000} s: ${what}`)
    await sleep(5)
  }
}
