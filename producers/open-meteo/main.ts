/** Open-Meteo → weather.station.v1 and weather.observation.v1 (kind analysis). Data: Weather data by Open-Meteo.com, CC BY 4.0. */
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
import { fetchOpenMeteo } from './fetch-station.ts'
import { waitFromBody } from './parse.ts'
import { openMeteoStations } from './stations.ts'

const OpenMeteoConfig = z.object({
  ...pollingShape,
  openMeteoStations: z.string().meta({
    description: 'Stations: id@latitude,longitude separated by ";", or JSON, or the path of a JSON file.',
    fix: 'write for example tokyo@35.69,139.69',
    example: 'tokyo@35.69,139.69',
  }),
  openMeteoHistoryDays: z.coerce.number().int().min(0).max(3650).default(90).meta({
    description: 'Days fetched for a station that is new.',
    fix: 'use a number of days',
    example: '90',
  }),
  openMeteoIntervalSeconds: z.coerce
    .number()
    .min(60)
    .default(900)
    .meta({ description: 'Seconds between polls.', fix: 'use 60 or more', example: '900' }),
  openMeteoUrl: z
    .url()
    .default('https://api.open-meteo.com/v1/forecast')
    .meta({ description: 'Forecast API.', fix: 'use a URL' }),
  openMeteoArchiveUrl: z
    .url()
    .default('https://archive-api.open-meteo.com/v1/archive')
    .meta({ description: 'Archive API.', fix: 'use a URL' }),
})

const OVERLAP_HOURS = 6
const DAY_MS = 86_400_000

export const service = defineService({
  name: 'open-meteo',
  config: OpenMeteoConfig,
  async start({ config, own, clock, log, metrics }) {
    const stations = await openMeteoStations(config.openMeteoStations, 0)
    const clickhouse = await own(openClickHouse(config))
    const publisher = await own(openPublisher({ config, name: 'open-meteo', log }))
    const feed = createFeed({ publisher, progress: createProgress(clickhouse, 'open-meteo'), overlapHours: OVERLAP_HOURS })
    const fetch = createHttpFetch({ provider: 'Open-Meteo', userAgent: USER_AGENT, waitFromBody })
    const urls = { forecast: config.openMeteoUrl, archive: config.openMeteoArchiveUrl }
    const rounds = metrics.counter('rounds_total', 'Polls, by result', ['result'])
    const observations = metrics.counter('observations_total', 'Observations published')
    await feed.publishStations(stations)
    await own(
      startPoller({
        provider: 'Open-Meteo',
        intervalMs: config.openMeteoIntervalSeconds * 1000,
        log,
        onRound: (result) => rounds.inc({ result }),
        async poll(signal) {
          return forEachStation(stations, async (station) => {
            let published = 0
            const now = clock.now()
            const from = (await feed.resumeFrom(station.stationId)) ?? now - config.openMeteoHistoryDays * DAY_MS
            for await (const portion of fetchOpenMeteo(station, { from, now }, { fetch, urls, signal })) {
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
