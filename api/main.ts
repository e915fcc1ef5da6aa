/** REST, live events and the page, from the topics followed in memory and from ClickHouse. */
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serve } from '@hono/node-server'
import { z } from 'zod'
import { openClickHouse } from '../infra/runtime/clickhouse/index.ts'
import { clickhouseBlock, clockBlock, httpBlock, kafkaBlock, registryBlock } from '../infra/runtime/config/index.ts'
import { type InboundEvent, startFollower } from '../infra/runtime/kafka/index.ts'
import { defineService } from '../infra/runtime/service/index.ts'
import { createApp } from './app.ts'
import { createSnapshot } from './state/snapshot.ts'
import { createStore } from './store/clickhouse.ts'

const KEPT_ISSUES = 2
const DASHBOARD = fileURLToPath(new URL('./dashboard/dist', import.meta.url))

export const service = defineService({
  name: 'api',
  config: z.object({
    ...kafkaBlock.shape,
    ...registryBlock.shape,
    ...clickhouseBlock.shape,
    ...clockBlock.shape,
    ...httpBlock.shape,
  }),
  async start({ config, own, clock, log }) {
    const clickhouse = await own(openClickHouse(config))
    const snapshot = createSnapshot()
    const store = createStore(clickhouse)
    const listeners = new Set<(event: InboundEvent) => void>()
    const take = (event: Parameters<typeof snapshot.apply>[0] | InboundEvent): void => {
      snapshot.apply(event)
      if (event.value === null) return
      const live = event as InboundEvent
      if (live.topic === 'weather.observation-checked.v1') clock.observe(live.value.receivedAt)
      for (const listener of listeners) listener(live)
    }
    const registry = await own(
      startFollower({
        config,
        log,
        name: 'api-state',
        topics: ['weather.station.v1', 'model.control.v1', 'model.status.v1'],
        from: 'beginning',
        onEvents: (events) => events.forEach(take),
      }),
    )
    const weather = await own(
      startFollower({
        config,
        log,
        name: 'api-weather',
        topics: [
          'weather.observation.v1',
          'weather.observation-checked.v1',
          'weather.feature.v1',
          'weather.forecast.v1',
          'weather.verification.v1',
          'model.lifecycle.v1',
        ],
        from: 'end',
        onEvents: (events) => events.forEach(take),
      }),
    )
    await Promise.all([registry.caughtUp, weather.caughtUp])
    for (const forecast of await store.newestForecasts(KEPT_ISSUES)) {
      snapshot.applyForecast(forecast)
      clock.observe(forecast.issuedAt)
    }
    const app = createApp({
      snapshot,
      store,
      now: clock.now,
      clockMode: clock.mode,
      // Hono serves paths relative to the working directory.
      dashboardDir: relative(process.cwd(), DASHBOARD),
      live: {
        subscribe: (listener) => {
          listeners.add(listener)
          return () => listeners.delete(listener)
        },
      },
    })
    const server = serve({ fetch: app.fetch, port: config.httpPort ?? 8080, hostname: config.httpHost })
    await own({
      close: () =>
        new Promise<void>((resolve) => {
          server.close(() => resolve())
          if ('closeAllConnections' in server) server.closeAllConnections()
        }),
    })
  },
})
