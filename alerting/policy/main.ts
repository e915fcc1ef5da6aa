/** alert.v1 → grouped notifications → RabbitMQ. Run one: groups span all alerts. */
import { z } from 'zod'
import { openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import {
  amqpBlock,
  clickhouseBlock,
  clockBlock,
  kafkaBlock,
  registryBlock,
  webhookBlock,
} from '../../infra/runtime/config/index.ts'
import { openPublisher, startFollower, startProcessor } from '../../infra/runtime/kafka/index.ts'
import { openRabbit } from '../../infra/runtime/rabbitmq/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import { startTicker } from '../../infra/runtime/ticker.ts'
import { createBridge } from '../bridge/bridge.ts'
import { alertTopology, declareTopology } from '../bridge/topology.ts'
import { queuesBlock } from '../shared/config.ts'
import { createMemory, createStateSink, createVersionCounter, readStates } from '../../infra/runtime/state/index.ts'
import { enabledChannels } from '../shared/notification.ts'
import { policyBlock } from './config.ts'
import { createPolicyEngine } from './engine.ts'
import { DEFAULT_INHIBITIONS } from './inhibition.ts'
import { createPolicyClock } from './policy-clock.ts'
import { createSilenceStore } from './silences.ts'
import { createPolicySink, createPolicyStep } from './step.ts'

const NAME = 'alert-policy'
const TICK_MS = 500
const SILENCES_EVERY_MS = 5000

export const service = defineService({
  name: NAME,
  config: z.object({
    ...kafkaBlock.shape,
    ...registryBlock.shape,
    ...clickhouseBlock.shape,
    ...amqpBlock.shape,
    ...webhookBlock.shape,
    ...queuesBlock.shape,
    ...clockBlock.shape,
    ...policyBlock.shape,
  }),
  async start({ config, own, clock, log, metrics, fail }) {
    const clickhouse = await own(openClickHouse(config))
    const publisher = await own(openPublisher({ config, name: NAME, log }))
    const topology = alertTopology(config.amqpPrefix, enabledChannels(config))
    const rabbit = await own(openRabbit(config.amqpUrl, { log, setup: (channel) => declareTopology(channel, topology) }))
    const versions = createVersionCounter(Date.now)
    const memory = createMemory(NAME, () => versions.next())
    const silences = createSilenceStore(clickhouse, log)
    const timing = {
      groupWaitMs: config.alertGroupWaitSeconds * 1000,
      groupIntervalMs: config.alertGroupIntervalSeconds * 1000,
      repeatIntervalMs: config.alertRepeatIntervalSeconds * 1000,
    }
    const engine = createPolicyEngine({
      memory,
      timing,
      groupBy: config.alertGroupBy,
      inhibitions: DEFAULT_INHIBITIONS,
      silences: silences.current,
    })
    const { now } = createPolicyClock(clock, Date.now, timing.groupWaitMs + timing.groupIntervalMs)
    const bridge = createBridge({ rabbit, publisher, topology, wallNow: Date.now })
    const sink = createPolicySink({ engine, memory, stateSink: createStateSink(clickhouse, memory), send: bridge.send })
    if (clock.mode === 'stream') {
      // Alerts are rare: without the observations a replay's time would stand still between them.
      await own(
        startFollower({
          config,
          log,
          name: `${NAME}-time`,
          topics: ['weather.observation-checked.v1'],
          from: 'end',
          onEvents: (events) => {
            for (const { value } of events) if (value !== null) clock.observe(value.receivedAt)
          },
        }),
      )
    }
    let isRestored = false
    let silencesReadAt = 0
    await own(
      startProcessor({
        config,
        log,
        metrics,
        publisher,
        name: NAME,
        topics: ['alert.v1'],
        step: createPolicyStep({ engine, memory, clock, now }),
        sink,
        onAssigned: async (partitions) => {
          isRestored = false
          const { states, maxVersion } = await readStates(clickhouse, NAME)
          versions.raiseTo(maxVersion)
          memory.restore(states)
          await silences.refresh()
          // A second instance stands by without partitions: it must decide nothing.
          isRestored = partitions.length > 0
        },
      }),
    )
    await own(
      startTicker({
        what: 'timer work',
        everyMs: TICK_MS,
        log,
        fail,
        tick: async () => {
          if (!isRestored) return
          if (Date.now() - silencesReadAt >= SILENCES_EVERY_MS) {
            await silences.refresh()
            silencesReadAt = Date.now()
          }
          engine.advance(now())
          await sink.flush()
        },
      }),
    )
  },
})
