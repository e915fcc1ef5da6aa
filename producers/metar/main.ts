/** METAR reports of aviationweather.gov → weather.station.v1 and weather.observation.v1. US government data, public domain. */
import { z } from 'zod'
import { openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { openPublisher } from '../../infra/runtime/kafka/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import type { Observation } from '../../schemas/generated/types.ts'
import { createFeed } from '../shared/feed.ts'
import { createHttpFetch } from '../shared/http-fetch.ts'
import { startPoller } from '../shared/poller.ts'
import { USER_AGENT, pollingShape } from '../shared/polling-config.ts'
import { createProgress } from '../shared/progress.ts'
import { HISTORY_HOURS, fetchReports } from './fetch-reports.ts'

const MetarConfig = z.object({
  ...pollingShape,
  metarStations: z
    .string()
    .transform((text) => text.split(',').map((id) => id.trim().toUpperCase()))
    .refine((ids) => ids.every((id) => /^[A-Z0-9]{4}$/.test(id)), 'not a list of ICAO ids')
    .meta({ description: 'ICAO ids, separated by commas.', fix: 'write for example KJFK,RJTT', example: 'KJFK,RJTT' }),
  metarIntervalSeconds: z.coerce
    .number()
    .min(60)
    .default(300)
    .meta({ description: 'Seconds between polls.', fix: 'use 60 or more', example: '300' }),
  metarUrl: z.url().default('https://aviationweather.gov/api/data/metar').meta({ description: 'METAR API.', fix: 'use a URL' }),
})

/** Reports are corrected (COR) and arrive late. */
const OVERLAP_HOURS = 3
const HOUR_MS = 3_600_000

export const service = defineService({
  name: 'metar',
  config: MetarConfig,
  async start({ config, own, clock, log, metrics }) {
    const clickhouse = await own(openClickHouse(config))
    const publisher = await own(openPublisher({ config, name: 'metar', log }))
    const feed = createFeed({ publisher, progress: createProgress(clickhouse, 'metar'), overlapHours: OVERLAP_HOURS })
    const fetch = createHttpFetch({ provider: 'aviationweather.gov', userAgent: USER_AGENT })
    const rounds = metrics.counter('rounds_total', 'Polls, by result', ['result'])
    const observations = metrics.counter('observations_total', 'Observations published')
    const unreadable = metrics.counter('reports_not_understood_total', 'Reports that could not be parsed')
    const described = new Set<string>()
    await own(
      startPoller({
        provider: 'aviationweather.gov',
        intervalMs: config.metarIntervalSeconds * 1000,
        log,
        onRound: (result) => rounds.inc({ result }),
        async poll(signal) {
          const now = clock.now()
          const ids = config.metarStations
          const resume = await Promise.all(ids.map((id) => feed.resumeFrom(id.toLowerCase())))
          // One slow or new station must not make all the others ask for two weeks again.
          const byHours = Map.groupBy(ids.keys(), (i) =>
            Math.ceil((now - (resume[i] ?? now - HISTORY_HOURS * HOUR_MS)) / HOUR_MS),
          )
          let published = 0
          for (const [hours, indexes] of byHours) {
            const group = indexes.map((i) => ids[i] as string)
            for await (const parsed of fetchReports(group, hours, { fetch, url: config.metarUrl, signal, receivedAt: now })) {
              for (const problem of parsed.problems) log.warn({ problem }, 'METAR report not understood')
              unreadable.inc(parsed.problems.length)
              const fresh = [...parsed.stations.values()].filter(({ stationId }) => !described.has(stationId))
              await feed.publishStations(fresh.map((station) => ({ ...station, validFrom: 0 })))
              for (const { stationId } of fresh) described.add(stationId)
              for (const [stationId, reports] of Map.groupBy(parsed.observations, (o: Observation) => o.stationId)) {
                const count = await feed.publish(stationId, reports)
                observations.inc(count)
                published += count
              }
            }
          }
          return published
        },
      }),
    )
  },
})
