/** observation → checked observation. */
import { z } from 'zod'
import { openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { clickhouseBlock, kafkaBlock, registryBlock } from '../../infra/runtime/config/index.ts'
import { openPublisher, startProcessor } from '../../infra/runtime/kafka/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import { createObservationHistory } from './history.ts'
import { createQualityControlStep } from './step.ts'

const QualityControlConfig = z.object({ ...kafkaBlock.shape, ...registryBlock.shape, ...clickhouseBlock.shape })

export const service = defineService({
  name: 'quality-control',
  config: QualityControlConfig,
  async start({ config, own, log, metrics }) {
    const clickhouse = await own(openClickHouse(config))
    const publisher = await own(openPublisher({ config, name: 'quality-control', log }))
    const flags = metrics.counter('flags_total', 'Flags raised on quantities, by rule', ['rule'])
    const { step, forget } = createQualityControlStep({
      history: createObservationHistory(clickhouse),
      onFlag: (rule) => flags.inc({ rule }),
    })
    const onAssigned = async (): Promise<void> => forget()
    await own(
      startProcessor({
        config,
        log,
        metrics,
        publisher,
        name: 'quality-control',
        topics: ['weather.observation.v1'],
        step,
        onAssigned,
        isPipelined: true,
      }),
    )
  },
})
