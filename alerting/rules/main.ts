/** Weather, drift, lifecycle, control and replica events → alert.v1. Run one; several share partitions safely, except fleet-unconverged. */
import { z } from 'zod'
import { openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { clickhouseBlock, clockBlock, kafkaBlock, registryBlock } from '../../infra/runtime/config/index.ts'
import { openPublisher, startProcessor } from '../../infra/runtime/kafka/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import { startTicker } from '../../infra/runtime/ticker.ts'
import { createMemory, createStateSink, createVersionCounter, readStates } from '../../infra/runtime/state/index.ts'
import { createAssignment } from './assignment.ts'
import { rulesBlock } from './config.ts'
import { createRulesEngine, RULE_TOPICS } from './engine.ts'
import { alertEvent, createRulesStep } from './step.ts'

const NAME = 'alert-rules'
const TICK_MS = 1000

export const service = defineService({
  name: NAME,
  config: z.object({
    ...kafkaBlock.shape,
    ...registryBlock.shape,
    ...clickhouseBlock.shape,
    ...clockBlock.shape,
    ...rulesBlock.shape,
  }),
  async start({ config, own, clock, log, metrics, fail }) {
    const clickhouse = await own(openClickHouse(config))
    const publisher = await own(openPublisher({ config, name: NAME, log }))
    const versions = createVersionCounter(Date.now)
    const memory = createMemory(NAME, () => versions.next())
    const sink = createStateSink(clickhouse, memory)
    const engine = createRulesEngine({ memory, config, clock, wallNow: Date.now })
    const assignment = createAssignment(Date.now)
    const firing = metrics.gauge('firing_alerts', 'Alerts that fire now, by rule.', ['rule'])
    await own(
      startProcessor({
        config,
        log,
        metrics,
        publisher,
        name: NAME,
        topics: [...RULE_TOPICS],
        step: createRulesStep({ engine, memory, onSlice: assignment.noteSlice }),
        sink,
        onAssigned: async (partitions) => {
          const { states, maxVersion } = await readStates(clickhouse, NAME)
          versions.raiseTo(maxVersion)
          memory.restore(states)
          assignment.assign(partitions)
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
          if (!assignment.isKnown()) return
          engine.tick(assignment.timerScope())
          firing.reset()
          for (const [rule, count] of engine.firingByRule()) firing.set({ rule }, count)
          const due = engine.unpublishedTimerAlerts()
          if (due.length === 0) return
          await sink.write(memory.unstoredRows())
          await publisher.publish(due.map(alertEvent))
          engine.timerAlertsPublished(due)
        },
      }),
    )
  },
})
