/** verification → model.drift.v1. Run one: neighbours are compared within a process, and both inputs of a station must meet in it. */
import { z } from 'zod'
import { DEFAULT_DETECTOR, stationBudget } from '../../forecasting/drift/index.ts'
import { openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { clickhouseBlock, kafkaBlock, registryBlock } from '../../infra/runtime/config/index.ts'
import { openPublisher, startFollower, startProcessor } from '../../infra/runtime/kafka/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import { createMemory, createStateSink, createVersionCounter, readStates } from '../../infra/runtime/state/index.ts'
import { createNeighbourhood } from './neighbours.ts'
import { createDriftStep, type DriftInput } from './step.ts'

const NAME = 'drift'
/** States of other charts than these are not read: detectors begin anew. */
const STATES = 'drift-6'
const INPUTS: readonly DriftInput[] = ['weather.verification.v1', 'weather.observation-checked.v1']

export const service = defineService({
  name: NAME,
  config: z.object({
    ...kafkaBlock.shape,
    ...registryBlock.shape,
    ...clickhouseBlock.shape,
    driftFalseAlarmsPerStationYear: z.coerce
      .number()
      .positive()
      .default(DEFAULT_DETECTOR.falseAlarmsPerStationYear)
      .meta({ description: 'False confirmations of drift that are put up with, per station and year.' }),
    driftFalseAlarmsPerWeek: z.coerce
      .number()
      .positive()
      .default(1)
      .meta({ description: 'The same for all stations together, per week: with many stations each is watched more strictly.' }),
    driftCooldownDays: z.coerce
      .number()
      .nonnegative()
      .default(DEFAULT_DETECTOR.cooldownDays)
      .meta({ description: 'Days of event time after a confirmation without another of the same model.' }),
    driftNeighbourKm: z.coerce
      .number()
      .positive()
      .default(150)
      .meta({ description: 'Stations nearer than this are expected to have the same weather.' }),
  }),
  async start({ config, own, log, metrics, addReadiness, fail }) {
    const clickhouse = await own(openClickHouse(config))
    const publisher = await own(openPublisher({ config, name: NAME, log }))
    const versions = createVersionCounter(Date.now)
    const memory = createMemory(STATES, () => versions.next())
    const neighbourhood = createNeighbourhood(config.driftNeighbourKm)
    const stations = await own(
      startFollower({
        config,
        log,
        name: 'drift-stations',
        topics: ['weather.station.v1'],
        from: 'beginning',
        onEvents: (events) => {
          for (const { value } of events) if (value !== null) neighbourhood.add(value)
        },
      }),
    )
    stations.failed.catch(fail)
    await stations.caughtUp
    const processor = await own(
      startProcessor({
        config,
        log,
        metrics,
        publisher,
        name: NAME,
        topics: INPUTS,
        step: createDriftStep({
          memory,
          neighbourhood,
          detector: {
            ...DEFAULT_DETECTOR,
            falseAlarmsPerStationYear: stationBudget(
              config.driftFalseAlarmsPerStationYear,
              config.driftFalseAlarmsPerWeek,
              neighbourhood.size(),
            ),
            cooldownDays: config.driftCooldownDays,
          },
        }),
        sink: createStateSink(clickhouse, memory),
        onAssigned: async () => {
          const { states, maxVersion } = await readStates(clickhouse, STATES)
          versions.raiseTo(maxVersion)
          memory.restore(states)
        },
      }),
    )
    processor.failed.catch(fail)
    addReadiness('processor', () => processor.readiness())
  },
})
