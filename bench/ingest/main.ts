/**
 * Checked observations through the features processor, from a backlog: topic → topic (the step in the shared loop, every guarantee on) by one
 * process and by two of the same consumer group, and topic → queryable (the service as it runs, until its rows can be read in ClickHouse).
 * 1, 100 and 10,000 stations in turn, several rounds, medians: on a shared machine one run differs from the next by more than 100 stations do
 * from 10,000. Then what others reach on this machine in the same run (bench/peers).
 */
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { applyMigrations, openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { clickhouseBlock, kafkaBlock, readConfig, registryBlock } from '../../infra/runtime/config/index.ts'
import { applyTopics, readEnds } from '../../infra/runtime/kafka/index.ts'
import { createLogger } from '../../infra/runtime/log.ts'
import { registerSchemas } from '../../infra/runtime/registry/index.ts'
import { countsOf, measurePeers, PEER_STATIONS, peerFigures } from '../peers/measure.ts'
import { medianPace, type Pace, shownPace, timeBacklog } from '../shared/backlog.ts'
import { type Figure, figure } from '../shared/figures.ts'
import { fillObservations } from '../shared/observations.ts'
import { profileFlags, startNode, startService } from '../shared/processes.ts'
import { type BenchEnvironment, isolated, withServers } from '../shared/servers.ts'

const STATIONS = [1, 100, 10_000] as const
const TOPIC_TO_TOPIC = fileURLToPath(new URL('topic-to-topic.ts', import.meta.url))
const ROUNDS = 3
const GOAL_TOPIC = 50_000
const GOAL_QUERYABLE = 20_000
const GOAL_FLATNESS = 1.15

/** A station's observations are one partition's: of one station, the second of two processes has nothing to do. */
type Measured = { readonly toTopic: Pace; readonly toTopicByTwo: Pace; readonly toStore: Pace }

const log = createLogger('bench', 'warn')
const Config = z.object({ ...kafkaBlock.shape, ...registryBlock.shape, ...clickhouseBlock.shape })

export async function run({ quick, json }: { quick: boolean; json: boolean }): Promise<Figure[]> {
  const say = (line: string): void => void (json || process.stderr.write(`${line}\n`))
  return withServers(['kafka', 'registry', 'clickhouse'], say, async (env) => {
    const rounds: Measured[][] = STATIONS.map(() => [])
    for (let round = 0; round < (quick ? 1 : ROUNDS); round++)
      for (const [i, stations] of STATIONS.entries()) rounds[i]!.push(await measure(isolated(env), stations, quick, say))
    const medians = (path: keyof Measured): Pace[] => rounds.map((paces) => medianPace(paces.map((measured) => measured[path])))
    const toTopic = medians('toTopic')
    const toTopicByTwo = medians('toTopicByTwo')
    const toStore = medians('toStore')
    const peers = await measurePeers(env, countsOf(quick), say)
    return [
      ...STATIONS.map((stations, i) => pace('topic → topic, one process', stations, toTopic[i]!, GOAL_TOPIC)),
      ...flatness('topic → topic', toTopic),
      ...STATIONS.map((stations, i) => pace('topic → topic, two processes', stations, toTopicByTwo[i]!, GOAL_TOPIC)),
      ...peerFigures(toTopic[STATIONS.indexOf(PEER_STATIONS)]!, peers),
      ...STATIONS.map((stations, i) => pace('topic → queryable', stations, toStore[i]!, GOAL_QUERYABLE)),
      ...flatness('topic → queryable', toStore),
    ]
  })
}

function pace(path: string, stations: number, { perSecond }: Pace, goal: number): Figure {
  return figure(`${path}, ${stations} station${stations === 1 ? '' : 's'}`, Math.round(perSecond), 'observations/s', '>=', goal)
}

/** CPU time, not wall time: what other processes of the machine do must not pass for a cost of stations. */
function flatness(path: string, paces: readonly Pace[]): Figure[] {
  const costs = paces.flatMap(({ cpuMicroseconds }) => (cpuMicroseconds === null ? [] : [cpuMicroseconds]))
  if (costs.length < paces.length) return []
  return [
    figure(
      `${path}, dearest over cheapest CPU time per observation`,
      Math.max(...costs) / Math.min(...costs),
      '',
      '<=',
      GOAL_FLATNESS,
    ),
  ]
}

async function measure(env: BenchEnvironment, stations: number, quick: boolean, say: (line: string) => void): Promise<Measured> {
  const config = readConfig(Config, env)
  await applyTopics(config, log, ['weather.observation-checked.v1', 'weather.feature.v1'])
  await registerSchemas(config)
  const clickhouse = openClickHouse(config)
  try {
    await applyMigrations(clickhouse)
    // Every station's memory exists and holds two days before the clock starts.
    const warmUp = Math.max(100_000, stations * (quick ? 12 : 48))
    const measured = quick ? 160_000 : 300_000
    const total = warmUp + measured
    await fillObservations(config, log, stations, total)

    const toTopic = await topicToTopic(1)
    const toTopicByTwo = await topicToTopic(2)

    const rows = async (): Promise<number> => {
      const [row] = await clickhouse.query<{ rows: number }>('SELECT count() AS rows FROM feature_log')
      return row?.rows ?? 0
    }
    const toStore = await timeBacklog([startService(['features'], env, profileFlags('store'))], rows, warmUp, total)
    const [distinct] = await clickhouse.query<{ rows: number }>('SELECT count() AS rows FROM feature_version')
    if (distinct?.rows !== total) throw new Error(`${total} observations became ${distinct?.rows ?? 0} vectors in the store`)
    say(`${stations} stations, topic → queryable: ${shownPace(toStore)}`)
    return { toTopic, toTopicByTwo, toStore }

    async function topicToTopic(members: number): Promise<Pace> {
      const sent = async (): Promise<number> => {
        const ends = await readEnds(config, log, ['weather.feature.v1'])
        return ends.reduce((sum, { end }) => sum + end, 0)
      }
      const before = await sent()
      const own = { ...env, BENCH_GROUP: `bench-topic-to-topic-${members}` }
      const processes = Array.from({ length: members }, () =>
        startNode([...profileFlags(`topic-${members}`), TOPIC_TO_TOPIC], own),
      )
      const paced = await timeBacklog(processes, async () => (await sent()) - before, warmUp, total)
      say(`${stations} stations, topic → topic, processes: ${members}: ${shownPace(paced)}`)
      return paced
    }
  } finally {
    await clickhouse.close()
  }
}
