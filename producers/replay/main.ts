/** Replays an observation CSV: back-fill at full speed, then paced. */
import { pause, retryTransient } from '../../infra/runtime/backoff.ts'
import { openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { openPublisher, readLags, startFollower } from '../../infra/runtime/kafka/index.ts'
import { defineService } from '../../infra/runtime/service/index.ts'
import { createProgress } from '../shared/progress.ts'
import { ReplayConfig } from './config.ts'
import { createOthers, WATCHED } from './backlog.ts'
import { createModelWatch } from './model-watch.ts'
import { expectedModels, loadPlan } from './plan.ts'
import { runReplay } from './replay.ts'
import { resumeKey } from './series.ts'

export const service = defineService({
  name: 'replay',
  config: ReplayConfig,
  async start({ config, own, clock, log, metrics, signal, fail }) {
    const plan = await loadPlan(config, log)
    const clickhouse = await own(openClickHouse(config))
    const publisher = await own(openPublisher({ config, name: 'replay', log }))
    const progress = createProgress(clickhouse, 'replay')
    const key = resumeKey(plan.series)
    const expected = expectedModels(plan.series)
    const models = createModelWatch(expected, config.replayWaitForReplicas)
    if (config.replayWaitForModels) {
      await own(
        startFollower({
          config,
          log,
          name: 'replay-models',
          topics: ['model.control.v1', 'model.status.v1'],
          from: 'beginning',
          onEvents: (events) => models.onEvents(events),
        }),
      )
    }
    const position = metrics.gauge(
      'published_through_seconds',
      'Event time up to which observations were published, epoch seconds',
    )
    const waiting = { signal, log }
    const running = runReplay(plan, {
      publisher: { publish: (events) => retryTransient('publishing observations', () => publisher.publish(events), waiting) },
      clock,
      progress: {
        load: () => retryTransient('reading the progress', () => progress.load(key), waiting),
        save: (through) => retryTransient('saving the progress', () => progress.save(key, through), waiting),
      },
      models: config.replayWaitForModels ? models : null,
      others:
        config.replayMaxBehindHours === 0
          ? null
          : createOthers({
              read: () => readLags(config, log, WATCHED),
              network: { stations: new Set(plan.series.observations.map((o) => o.stationId)).size, models: expected.length },
              maxBehindHours: config.replayMaxBehindHours,
              nowMs: () => performance.now(),
              log,
            }),
      pacer: { nowMs: () => performance.now(), sleep: (ms, until) => pause(ms, until) },
      log,
      onProgress: ({ publishedThrough }) => position.set((publishedThrough ?? 0) / 1000),
      signal,
    })
    running.catch((error: unknown) => {
      // What is given up because of a stop is done again by the next start.
      if (!signal.aborted) fail(error)
    })
    await own({
      close: () => running.catch((error: unknown) => log.debug({ error }, 'the replay ended with the failure already reported')),
    })
  },
})
