/** Meteostat → weather.station.v1 and weather.observation.v1. Data: Meteostat and its providers, CC BY 4.0. */
import { z } from 'zod'
import { openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { openPublisher } from '../../infra/runtime/kafka/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import { forEachStation } from '../shared/each-station.ts'
import { createFeed } from '../shared/feed.ts'
import { createHttpFetch } from '../shared/http-fetch.ts'
import { startPoller } from '../shared/poller.ts'
import { USER_AGENT, pollingShape } from '../shared/polling-config.ts'
import { createProgress } from '../shared/progress.ts'
import { readStations } from '../shared/stations.ts'
import { fetchMeteostat } from './fetch-station.ts'

const MeteostatConfig = z.object({
  ...pollingShape,
  meteostatStations: z.string().meta({
    description: 'Stations: JSON list or the path of a JSON file; providerStationId is the Meteostat id.',
    fix: 'give the path of a .json',
    example: 'meteostat-stations.json',
  }),
  meteostatApiKey: z
    .string()
    .optional()
    .meta({ description: 'RapidAPI key; unset: the bulk files, which need none.', secret: true }),
  meteostatHistoryDays: z.coerce.number().int().min(0).max(36_500).default(365).meta({
    description: 'Days fetched for a station that is new.',
    fix: 'use a number of days',
    example: '365',
  }),
  meteostatIntervalSeconds: z.coerce
    .number()
    .min(600)
    .default(3600)
    .meta({ description: 'Seconds between polls.', fix: 'use 600 or more', example: '3600' }),
  meteostatUrl: z
    .url()
    .default('https://meteostat.p.rapidapi.com/stations/hourly')
    .meta({ description: 'JSON API.', fix: 'use a URL' }),
  meteostatBulkUrl: z.url().default('https://data.meteostat.net/hourly').meta({ description: 'Bulk files.', fix: 'use a URL' }),
})

/** Meteostat completes the last day for about a day. */
const OVERLAP_HOURS = 30
const DAY_MS = 86_400_000

export const service = defineService({
  name: 'meteostat',
  config: MeteostatConfig,
  async start({ config, own, clock, log, metrics }) {
    const stations = await readStations(config.meteostatStations, 0)
    const clickhouse = await own(openClickHouse(config))
    const publisher = await own(openPublisher({ config, name: 'meteostat', log }))
    const feed = createFeed({ publisher, progress: createProgress(clickhouse, 'meteostat'), overlapHours: OVERLAP_HOURS })
    const fetch = createHttpFetch({ provider: 'Meteostat', userAgent: USER_AGENT })
    const rounds = metrics.counter('rounds_total', 'Polls, by result', ['result'])
    const observations = metrics.counter('observations_total', 'Observations published')
    await feed.publishStations(stations)
    await own(
      startPoller({
        provider: 'Meteostat',
        intervalMs: config.meteostatIntervalSeconds * 1000,
        log,
        onRound: (result) => rounds.inc({ result }),
        async poll(signal) {
          const access = {
            fetch,
            signal,
            apiUrl: config.meteostatUrl,
            bulkUrl: config.meteostatBulkUrl,
            apiKey: config.meteostatApiKey ?? null,
          }
          return forEachStation(stations, async (station) => {
            let published = 0
            const now = clock.now()
            const from = (await feed.resumeFrom(station.stationId)) ?? now - config.meteostatHistoryDays * DAY_MS
            for await (const portion of fetchMeteostat(station, { from, now }, access)) {
              const count = await feed.publish(station.stationId, portion)
              observations.inc(count)
              published += count
            }
            return published
          })
        },
      }),
    )
  },
})
