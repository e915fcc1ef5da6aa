/**
 * drift | schedule | operator → model.retrain-request.v1. Keeps no state of its own: everything it decides on is in the topics it follows
 * from their beginning, its own requests included. Run one; a second one would ask the same with the same ids.
 */
import { z } from 'zod'
import { FEATURE_SET } from '../../forecasting/features/index.ts'
import { openClickHouse, toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import { canaryBlock, clickhouseBlock, clockBlock, kafkaBlock, registryBlock } from '../../infra/runtime/config/index.ts'
import { openPublisher, startFollower } from '../../infra/runtime/kafka/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import { startTicker } from '../../infra/runtime/ticker.ts'
import { createBook } from './book.ts'
import { retrainingBlock } from './config.ts'
import { createDesk } from './desk.ts'

const ROUND_EVERY_MS = 500

export const service = defineService({
  name: 'retraining',
  config: z.object({
    ...kafkaBlock.shape,
    ...registryBlock.shape,
    ...clickhouseBlock.shape,
    ...clockBlock.shape,
    ...canaryBlock.shape,
    ...retrainingBlock.shape,
  }),
  async start({ config, own, clock, log, metrics, addLoop, fail }) {
    const clickhouse = await own(openClickHouse(config))
    const publisher = await own(openPublisher({ config, name: 'retraining', log }))
    const book = createBook()
    const decisions = metrics.counter('decisions_total', 'Retrainings requested and deferred, by reason.', ['decision', 'reason'])
    const follower = await own(
      startFollower({
        config,
        log,
        name: 'retraining',
        topics: ['model.drift.v1', 'model.control.v1', 'model.lifecycle.v1', 'model.retrain-request.v1', 'audit.v1'],
        from: 'beginning',
        onEvents: (events) => {
          for (const event of events) {
            if (event.value === null) continue
            switch (event.topic) {
              case 'model.drift.v1':
                clock.observe(event.value.at)
                book.onDrift(event.value)
                break
              case 'model.control.v1':
                book.onControl(event.value)
                break
              case 'model.lifecycle.v1':
                book.onLifecycle(event.value, event.offset)
                break
              case 'model.retrain-request.v1':
                book.onRequest(event.value)
                break
              case 'audit.v1':
                book.onAudit(event.value)
                break
            }
          }
        },
      }),
    )
    await follower.caughtUp
    if (clock.mode === 'stream') {
      // In a replay time passes with the observations; live, the wall clock does and nothing needs to be read for it.
      await own(
        startFollower({
          config,
          log,
          name: 'retraining-time',
          topics: ['weather.observation-checked.v1'],
          from: 'end',
          onEvents: (events) => {
            for (const { value } of events) if (value !== null) clock.observe(value.receivedAt)
          },
        }),
      )
    }
    const desk = createDesk({
      book,
      config,
      publisher,
      log,
      now: () => clock.now(),
      onDecision: (decision, reason) => decisions.inc({ decision, reason }),
      countHours: async (stationId, since) => {
        const [row] = await clickhouse.query<{ hours: string }>(
          `SELECT toString(uniqExact(validAt)) AS hours FROM feature_log
           WHERE stationId = {stationId:String} AND featureSet = {featureSet:String} AND validAt > {since:DateTime64(3)}`,
          { stationId, featureSet: FEATURE_SET, since: toClickHouseInstant(since) },
        )
        return Number(row?.hours ?? 0)
      },
    })
    const rounds = startTicker({ what: 'round', everyMs: ROUND_EVERY_MS, tick: async () => void (await desk.round()), log, fail })
    addLoop('rounds', rounds.lastTickAgeMs)
    await own({ stop: rounds.stop })
  },
})
