import { expect, it } from 'vitest'
import type { TopicName } from '../../schemas/topics.ts'
import { AppError } from '../../infra/runtime/errors.ts'
import { createOthers, decideBacklog, WATCHED } from './backlog.ts'

const network = { stations: 3, models: 18 }
const lags = (stage: string, topic: TopicName, perPartition: readonly number[]) =>
  WATCHED.map(({ name }) =>
    name === stage ? perPartition.map((lag, partition) => ({ topic, partition, committed: 0, end: lag, lag })) : [],
  )

it('counts the events of a topic in hours of the network', () => {
  expect(decideBacklog(lags('features', 'weather.observation-checked.v1', [6, 0, 3]), network)).toEqual({
    stage: 'features',
    hours: 3,
  })
  expect(decideBacklog(lags('drift', 'weather.verification.v1', [30, 6]), network)).toEqual({ stage: 'drift', hours: 2 })
})

it('is endless while a training is open, and nothing when all is done', () => {
  expect(decideBacklog(lags('training', 'model.retrain-request.v1', [0, 1]), network)).toEqual({
    stage: 'training',
    hours: Number.POSITIVE_INFINITY,
  })
  expect(decideBacklog(lags('training', 'model.retrain-request.v1', [0]), network).hours).toBe(0)
})

it('holds the replay until the services have caught up, through an outage of the brokers', async () => {
  const behind = (hours: number) => lags('drift', 'weather.verification.v1', [hours * 18])
  const answers = [behind(30), null, behind(13), behind(12)]
  let looks = 0
  let nowMs = 0
  const others = createOthers({
    read: async () => {
      const answer = answers[looks++]
      nowMs += 1000
      if (!answer) throw new AppError('away', { code: 'kafka-unavailable', retry: 'transient' })
      return answer
    },
    network,
    maxBehindHours: 12,
    nowMs: () => nowMs,
    log: { info: () => undefined, warn: () => undefined },
  })
  await others.keptUp(new AbortController().signal)
  expect(looks).toBe(4)
  // It has just looked: the next hour need not ask again.
  await others.keptUp(new AbortController().signal)
  expect(looks).toBe(4)
})

it('lets go when the replay is to stop', async () => {
  const stop = new AbortController()
  const others = createOthers({
    read: async () => {
      stop.abort()
      return lags('training', 'model.retrain-request.v1', [1])
    },
    network,
    maxBehindHours: 12,
    nowMs: () => 0,
    log: { info: () => undefined, warn: () => undefined },
  })
  await expect(others.keptUp(stop.signal)).resolves.toBeUndefined()
})
