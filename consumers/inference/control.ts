/** control event → swap → acknowledgement. Events of one batch are compacted to the newest per model before any loading. */
import type { FollowerOptions, Publisher } from '../../infra/runtime/kafka/types.ts'
import type { Logger } from '../../infra/runtime/log.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import type { ModelTable } from './models.ts'

export type Deps = {
  readonly models: Pick<ModelTable, 'apply'>
  readonly publisher: Pick<Publisher, 'publish'>
  readonly replicaId: string
  readonly log: Logger
  readonly wallNowMs: () => number
}

export function createControlHandler({
  models,
  publisher,
  replicaId,
  log,
  wallNowMs,
}: Deps): FollowerOptions<'model.control.v1'>['onEvents'] {
  return async (events) => {
    const newest = new Map(events.map((event) => [event.key, event]))
    for (const event of newest.values()) {
      // A tombstone would mean "serve nothing"; nobody may order that by accident, so models are only ever replaced.
      if (event.value === null) continue
      const result = await models.apply(event.value, event.offset)
      const level = result.state === 'serving' ? 'info' : 'error'
      log[level](
        { ...result, replicaId },
        result.state === 'serving' ? 'model swapped in' : 'model refused, old model keeps serving',
      )
      await publisher.publish([
        {
          topic: 'model.status.v1',
          key: `${replicaId}/${modelKey(result.stationId, result.variable)}`,
          value: { ...result, replicaId, since: wallNowMs() },
        },
      ])
    }
  }
}
