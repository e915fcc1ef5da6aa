/** RabbitMQ → Slack, e-mail, webhook; every attempt → alert.delivery.v1. Run one: what was told is remembered per process. */
import { z } from 'zod'
import { openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { amqpBlock, clickhouseBlock, kafkaBlock, registryBlock } from '../../infra/runtime/config/index.ts'
import { openPublisher } from '../../infra/runtime/kafka/index.ts'
import { openRabbit } from '../../infra/runtime/rabbitmq/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import { startTicker } from '../../infra/runtime/ticker.ts'
import { alertTopology, declareTopology } from '../bridge/topology.ts'
import { queuesBlock } from '../shared/config.ts'
import { createMemory, createStateSink, createVersionCounter } from '../../infra/runtime/state/index.ts'
import { createTransports, transportsBlock } from './config.ts'
import { restoreUntilDone } from './restore.ts'
import { createWorker, forgetOldMessages } from './worker.ts'

const NAME = 'alert-transports'
const HOUR_MS = 3_600_000
const KEEP_SENT_MS = 7 * 24 * HOUR_MS
/** Well below what the liveness probe takes for a stuck loop. */
const TIDY_EVERY_MS = 20_000

export const service = defineService({
  name: NAME,
  config: z.object({
    ...kafkaBlock.shape,
    ...registryBlock.shape,
    ...clickhouseBlock.shape,
    ...amqpBlock.shape,
    ...queuesBlock.shape,
    ...transportsBlock.shape,
  }),
  async start({ config, own, log, metrics, fail, signal, addReadiness }) {
    const transports = createTransports(config)
    const clickhouse = await own(openClickHouse(config))
    const publisher = await own(openPublisher({ config, name: NAME, log }))
    const versions = createVersionCounter(Date.now)
    const memory = createMemory(NAME, () => versions.next())
    const sink = createStateSink(clickhouse, memory)
    const store = async (): Promise<void> => {
      const rows = memory.unstoredRows()
      if (rows.length > 0) await sink.write(rows)
    }
    let isRestored = false
    addReadiness('memory', () => (isRestored ? { ready: true } : { ready: false, reason: 'reading what was sent before' }))
    const maxVersion = await restoreUntilDone({ clickhouse, processor: NAME, memory, log, signal })
    if (maxVersion === null) return
    versions.raiseTo(maxVersion)
    isRestored = true

    const topology = alertTopology(
      config.amqpPrefix,
      transports.map(({ channel }) => channel),
    )
    for (const transport of transports) await own({ close: () => transport.close?.() })
    const rabbit = await own(openRabbit(config.amqpUrl, { log, setup: (channel) => declareTopology(channel, topology) }))
    const outcomes = metrics.counter('deliveries_total', 'What became of messages.', ['channel', 'outcome'])
    for (const transport of transports) {
      const handle = createWorker({
        transport,
        rabbit,
        publisher,
        memory,
        store,
        topology,
        maxAttempts: config.alertMaxAttempts,
        wallNow: Date.now,
        onOutcome: (channel, outcome) => outcomes.inc({ channel, outcome }),
      })
      // One at a time: a resolved message never overtakes the firing one in front of it.
      await rabbit.consume(topology.queueOf(transport.channel), handle, { prefetch: 1 })
    }
    await own(
      startTicker({
        what: 'timer work',
        everyMs: TIDY_EVERY_MS,
        log,
        fail,
        tick: async () => {
          if (forgetOldMessages(memory, Date.now(), KEEP_SENT_MS) > 0) await store()
        },
      }),
    )
  },
})
