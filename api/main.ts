/** REST, live events and the page, from the topics followed in memory and from ClickHouse. Several may run side by side. */
import { once } from 'node:events'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serve } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import { z } from 'zod'
import { openArtifactStore } from '../infra/runtime/artifacts/index.ts'
import { openClickHouse } from '../infra/runtime/clickhouse/index.ts'
import {
  artifactBlock,
  clickhouseBlock,
  clockBlock,
  httpBlock,
  kafkaBlock,
  registryBlock,
} from '../infra/runtime/config/index.ts'
import { messageOf } from '../infra/runtime/errors.ts'
import { openPublisher, publishWithin, readEnds, readLags, startFollower } from '../infra/runtime/kafka/index.ts'
import { exposeMetrics } from '../infra/runtime/metrics.ts'
import { defineService } from '../infra/runtime/service/index.ts'
import { TOPIC_NAMES, type TopicName } from '../schemas/topics.ts'
import { createApp } from './app.ts'
import { createKeyLookup } from './auth/keys.ts'
import { createKeyStore } from './auth/key-store.ts'
import { createRateLimiter } from './auth/rate-limit.ts'
import { createOutbox } from './outbox.ts'
import { createLiveFeed, positionKey } from './live/feed.ts'
import { createReadBack } from './live/read-back.ts'
import { createProgress } from './state/progress.ts'
import { createSettledClock } from './state/settled-clock.ts'
import { createSnapshot } from './state/snapshot.ts'
import { createStageReader } from './state/stages.ts'
import { createStore } from './store/index.ts'

const NAME = 'api'
const KEPT_ISSUES = 2
/** Newest events of each partition read at start, so that a stage's place in time is known before anything new comes. */
const LOOK_BACK = 20
const PUBLISH_TIMEOUT_MS = 10_000
const DEAD_FOLLOWER_MS = 60_000
const DASHBOARD = fileURLToPath(new URL('./dashboard/dist', import.meta.url))
/** Held in full: small and compacted. */
const STATE_TOPICS: readonly TopicName[] = ['weather.station.v1', 'model.control.v1', 'model.status.v1']
const STREAM_TOPICS = TOPIC_NAMES.filter((topic) => !STATE_TOPICS.includes(topic))

export const service = defineService({
  name: NAME,
  config: z.object({
    ...kafkaBlock.shape,
    ...registryBlock.shape,
    ...clickhouseBlock.shape,
    ...artifactBlock.shape,
    ...clockBlock.shape,
    ...httpBlock.shape,
    outboxDir: z
      .string()
      .optional()
      .meta({ description: 'Where messages of channels without an address are kept; shown at /outbox.' }),
  }),
  async start({ config, own, clock, log, metrics }) {
    const clickhouse = await own(openClickHouse(config))
    const publisher = await own(openPublisher({ config, name: NAME, log }))
    const artifacts = await own(openArtifactStore(config))
    const snapshot = createSnapshot()
    const progress = createProgress()
    const settled = createSettledClock(clock, Date.now)
    const store = createStore(clickhouse)
    const live = createLiveFeed({ readBack: createReadBack({ config, log }) })
    const take = (event: Parameters<typeof snapshot.apply>[0]): void => {
      snapshot.apply(event)
      if (event.value === null) return
      progress.note(event)
      // As observations come in, not as they get through: a pipeline that stands still must show.
      if (event.topic === 'weather.observation.v1') {
        clock.observe(event.value.receivedAt)
        settled.note()
      }
      live.push(event)
    }
    const shared = { config, log, onEvents: (events: ReadonlyArray<Parameters<typeof take>[0]>) => events.forEach(take) }
    const ends = await readEnds(config, log, STREAM_TOPICS)
    const lookBack = new Map(
      ends.map(({ topic, partition, end }) => [positionKey(topic, partition), Math.max(0, end - LOOK_BACK)]),
    )
    const followers = await Promise.all([
      own(startFollower({ ...shared, name: 'api-state', topics: STATE_TOPICS, from: 'beginning' })),
      own(startFollower({ ...shared, name: 'api-stream', topics: STREAM_TOPICS, from: lookBack })),
    ])
    live.startAt(await readEnds(config, log, TOPIC_NAMES))
    await Promise.all(followers.map(({ caughtUp }) => caughtUp))
    for (const forecast of await store.forecasts.newest(KEPT_ISSUES)) {
      snapshot.applyForecast(forecast)
      clock.observe(forecast.issuedAt)
    }
    settled.note()

    const seconds = metrics.histogram('request_duration_seconds', 'Time to answer.', ['route', 'method', 'status'])
    const streams = metrics.gauge('live_clients_count', 'Connected clients of the live stream.')
    const app = createApp({
      snapshot,
      store,
      live: live.feed,
      publish: publishWithin(PUBLISH_TIMEOUT_MS, publisher),
      stages: createStageReader({ progress, readLags: (groups) => readLags(config, log, groups), wallNow: Date.now }),
      artefact: (artefact) => artifacts.get(artefact),
      now: () => clock.now(),
      settledNow: () => settled.now(),
      wallNow: Date.now,
      clockMode: clock.mode,
      // Hono serves paths relative to the working directory.
      dashboardDir: relative(process.cwd(), DASHBOARD),
      notReady: async () => [
        ...followers.filter((f) => f.lastTickAgeMs() > DEAD_FOLLOWER_MS).map(() => 'Kafka is not heard'),
        ...(await clickhouse.ping().then(
          () => [],
          (error: unknown) => [`ClickHouse: ${messageOf(error)}`],
        )),
      ],
      metrics: () => {
        streams.set(live.subscribers())
        return exposeMetrics([metrics.registry])
      },
      outbox: createOutbox(config.outboxDir ?? null),
      gate: {
        publicRead: config.publicRead,
        lookup: createKeyLookup(createKeyStore(clickhouse)),
        limiter: createRateLimiter(config.rateLimitPerMinute),
        publicLimiter: createRateLimiter(config.publicRateLimitPerMinute),
        callerAddress: (c) => getConnInfo(c).remote.address ?? 'unknown',
        observe: ({ route, method, status, seconds: took }) => seconds.observe({ route, method, status: String(status) }, took),
      },
      corsOrigins: config.corsOrigins,
      onUnexpected: (error) => log.error({ error }, 'a request failed'),
    })
    const server = serve({ fetch: app.fetch, port: config.httpPort ?? 8080, hostname: config.httpHost })
    // Rejects when the port is taken: a service that cannot be reached has not started.
    await once(server, 'listening')
    await own({
      close: () =>
        new Promise<void>((resolve) => {
          server.close(() => resolve())
          if ('closeAllConnections' in server) server.closeAllConnections()
        }),
    })
  },
})
