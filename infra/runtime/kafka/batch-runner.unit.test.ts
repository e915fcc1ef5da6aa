import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Observation } from '../../../schemas/generated/types.ts'
import { AppError } from '../errors.ts'
import { createLogger } from '../log.ts'
import { createMetrics } from '../metrics.ts'
import { anObservation } from '../testing/fixtures.ts'
import { BatchAbandoned, type BatchGuard, createBatchRunner } from './batch-runner.ts'
import type { FetchedMessage } from './messages.ts'
import { createProcessorMetrics } from './processor-metrics.ts'
import type { RawMessage } from './publisher.ts'
import type { BatchStep, OutboundEvent, Sink, Tombstone } from './types.ts'
import { deadLetter, emit, type Later, skip } from './types.ts'
import { createInFlight } from './in-flight.ts'

const IN = 'weather.observation.v1'
const transient = (message = 'away') => new AppError(message, { code: 'away', retry: 'transient' })
const permanent = (message = 'refused') => new AppError(message, { code: 'refused', retry: 'permanent' })

/** A runner on fakes: messages are numbers as text; `bad` does not decode. */
function setUp(options: {
  step?: BatchStep<typeof IN, number>
  sink?: Sink<number>
  publish?: (events: ReadonlyArray<OutboundEvent | Tombstone>) => Promise<void>
  publishRaw?: (messages: readonly RawMessage[]) => Promise<void>
  maxBatchEvents?: number
  backOffs?: number
  inFlightEvents?: number
  isOurs?: () => boolean
}) {
  const acknowledged: string[] = []
  const passed: string[] = []
  const failures: unknown[] = []
  const letters: RawMessage[] = []
  const stuck: Array<string | null> = []
  let backOffsLeft = options.backOffs ?? 0
  const metrics = createMetrics('test')
  const guard: BatchGuard = {
    check: () => {
      if (options.isOurs?.() === false) throw new BatchAbandoned('reassigned')
    },
    checkBeforeSlice: () => undefined,
    heartbeat: () => Promise.resolve(),
    passed: (offset) => void passed.push(offset),
    acknowledged: (offset) => void acknowledged.push(offset),
    backOff: () => (backOffsLeft-- > 0 ? Promise.resolve() : Promise.reject(new BatchAbandoned('no more patience'))),
    stuck: (reason) => void stuck.push(reason),
  }
  const runner = createBatchRunner<typeof IN, number>({
    name: 'test',
    step: options.step ?? ((events) => events.map(({ value }) => emit([], [value.revision]))),
    sink: options.sink,
    publisher: {
      publish: options.publish ?? (() => Promise.resolve()),
      publishRaw: options.publishRaw ?? ((messages) => Promise.resolve(void letters.push(...messages))),
    },
    codec: {
      decode: (_topic, bytes) => {
        if (bytes.toString() === 'bad') throw new AppError('bad bytes', { code: 'bytes-malformed', retry: 'permanent' })
        return anObservation({ revision: Number(bytes.toString()) }) as never
      },
      prepareDecoding: () => Promise.resolve(),
    },
    maxBatchEvents: options.maxBatchEvents ?? 100,
    ...(options.inFlightEvents === undefined
      ? {}
      : { inFlight: createInFlight(options.inFlightEvents, (error) => void failures.push(error)) }),
    exclusive: (call) => call(),
    metrics: createProcessorMetrics(metrics),
    log: createLogger('test', 'silent'),
    wallNow: () => Date.UTC(2026, 0, 1),
  })
  const run = (values: ReadonlyArray<number | 'bad' | null>, headers: FetchedMessage['headers'] = {}) =>
    runner.run(
      {
        topic: IN,
        partition: 3,
        highWatermark: values.length,
        messages: values.map((value, index) => ({
          key: Buffer.from('k'),
          value: value === null ? null : Buffer.from(String(value)),
          headers,
          offset: String(index),
          timestamp: '0',
        })),
      },
      guard,
    )
  return { run, acknowledged, passed, failures, letters, stuck, metrics }
}
const codes = (letters: readonly RawMessage[]) =>
  letters.map(({ headers }) => `${headers['isobar-offset']}:${headers['isobar-error-code']}`)
const revisions = (events: ReadonlyArray<{ value: Observation }>) => events.map(({ value }) => value.revision)

it('acknowledges slice by slice, each after its rows are durable', async () => {
  const log: string[] = []
  const { run, acknowledged } = setUp({
    maxBatchEvents: 2,
    sink: { write: (rows) => Promise.resolve(void log.push(`${rows.join()} after ${acknowledged.join()}`)) },
  })
  await run([1, 2, 3, 4, 5])
  expect(log).toEqual(['1,2 after ', '3,4 after 1', '5 after 1,3'])
  expect(acknowledged).toEqual(['1', '3', '4'])
})

it('passes the trace context of an event on to what is made from it, and nothing that is none', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const published: OutboundEvent[] = []
  const { run } = setUp({
    step: (events) =>
      events.map(({ value }) =>
        emit([{ topic: IN, key: 'k', value, ...(value.revision === 2 ? { headers: { own: 'yes' } } : {}) }]),
      ),
    publish: (events) => Promise.resolve(void published.push(...(events as OutboundEvent[]))),
  })
  await run([1, 2], { traceparent: Buffer.from(traceparent), tracestate: Buffer.from('vendor=1'), other: Buffer.from('x') })
  await run([3], { traceparent: Buffer.from('00-1-2-01') })
  await run([4])
  expect(published.map(({ headers }) => headers)).toEqual([
    { traceparent, tracestate: 'vendor=1' },
    { traceparent, tracestate: 'vendor=1', own: 'yes' },
    undefined,
    undefined,
  ])
})

it('pipelined, goes on at once and acknowledges in order', async () => {
  const writes: Array<{ rows: number[]; done: () => void }> = []
  const { run, acknowledged, passed } = setUp({
    maxBatchEvents: 1,
    inFlightEvents: 10,
    sink: { write: (rows) => new Promise((done) => writes.push({ rows: [...rows], done })) },
  })
  await run([1, 2, 3])
  expect([writes.map(({ rows }) => rows), passed, acknowledged]).toEqual([[[1], [2], [3]], ['0', '1', '2'], []])
  writes[1]?.done()
  writes[2]?.done()
  await setImmediate()
  expect(acknowledged).toEqual([])
  writes[0]?.done()
  await setImmediate()
  expect(acknowledged).toEqual(['0', '1', '2'])
})

it('pipelined, waits while too much is under way', async () => {
  const writes: Array<() => void> = []
  const { run, passed } = setUp({
    maxBatchEvents: 2,
    inFlightEvents: 2,
    sink: { write: () => new Promise((done) => writes.push(done)) },
  })
  const running = run([1, 2, 3, 4, 5, 6])
  await setImmediate()
  expect(passed).toEqual(['1', '3', '5'])
  let isOver = false
  void running.then(() => (isOver = true))
  await setImmediate()
  expect(isOver).toBe(false)
  writes[0]?.()
  await running
})

it('pipelined, a slice that fails for good is told, and nothing after it is acknowledged', async () => {
  const { run, acknowledged, failures } = setUp({
    maxBatchEvents: 1,
    inFlightEvents: 1,
    sink: { write: (rows) => (rows.includes(2) ? Promise.reject(new Error('what?')) : Promise.resolve()) },
  })
  await expect(run([1, 2, 3, 4, 5])).rejects.toThrow('what?')
  await setImmediate()
  expect(acknowledged).toEqual(['0'])
  expect(failures[0]).toMatchObject({ message: 'what?' })
})

it('keeps the offset when the DLQ is down', async () => {
  const { run, acknowledged, stuck } = setUp({ publishRaw: () => Promise.reject(transient('no DLQ')), backOffs: 3 })
  await expect(run([1, 'bad', 2])).rejects.toThrow(BatchAbandoned)
  expect(acknowledged).toEqual([])
  expect(stuck.at(-1)).toBe('dead-letter: no DLQ')
})

it('goes on when the DLQ is back, without running the step again', async () => {
  let tries = 0
  let steps = 0
  const { run, acknowledged } = setUp({
    step: (events) => (steps++, events.map(() => skip('seen'))),
    publishRaw: () => (++tries < 3 ? Promise.reject(transient()) : Promise.resolve()),
    backOffs: 5,
  })
  await run(['bad', 1])
  expect([tries, steps, acknowledged]).toEqual([3, 1, ['1']])
})

it('isolates an event whose step throws, tries it alone once more, and keeps the others', async () => {
  const handled: number[] = []
  let soloTries = 0
  const { run, letters, acknowledged } = setUp({
    step: (events) => {
      const seen = revisions(events)
      if (seen.includes(5)) {
        if (seen.length === 1) soloTries += 1
        throw new TypeError('five')
      }
      handled.push(...seen)
      return events.map(() => skip('seen'))
    },
  })
  await run([1, 2, 3, 4, 5, 6, 7, 8])
  expect(handled).toEqual([1, 2, 3, 4, 6, 7, 8])
  expect(soloTries).toBe(2)
  expect(codes(letters)).toEqual(['4:step-threw'])
  expect(letters[0]?.headers).toMatchObject({
    'isobar-error-message': 'five',
    'isobar-step': 'test/step',
    'isobar-attempt': '2',
    'isobar-topic': IN,
    'isobar-partition': '3',
    'isobar-failed-at': '2026-01-01T00:00:00.000Z',
  })
  expect(letters[0]?.value?.toString()).toBe('5')
  expect(acknowledged).toEqual(['7'])
})

it('dead-letters a permanent failure of the step under its own code, at once', async () => {
  let tries = 0
  const { run, letters } = setUp({
    step: () => {
      tries += 1
      throw permanent()
    },
  })
  await run([1])
  expect([tries, codes(letters)]).toEqual([1, ['0:refused']])
})

it('waits out a transient failure of the step', async () => {
  let tries = 0
  const { run, letters, acknowledged, stuck } = setUp({
    step: (events) => {
      if (++tries < 3) throw transient()
      return events.map(() => skip('seen'))
    },
    backOffs: 5,
  })
  await run([1, 2])
  expect([letters, acknowledged, stuck.at(-1)]).toEqual([[], ['1'], null])
})

it('isolates a row that the sink refuses for good', async () => {
  const kept: number[] = []
  const { run, letters, acknowledged } = setUp({
    sink: {
      write: (rows) => {
        if (rows.includes(3)) return Promise.reject(permanent())
        kept.push(...rows)
        return Promise.resolve()
      },
    },
  })
  await run([1, 2, 3, 4])
  expect(kept).toEqual([1, 2, 4])
  expect(codes(letters)).toEqual(['2:refused'])
  expect(letters[0]?.headers['isobar-step']).toBe('test/sink')
  expect(acknowledged).toEqual(['3'])
})

it('throws an unknown sink error on, acknowledging nothing', async () => {
  const { run, acknowledged, letters } = setUp({ sink: { write: () => Promise.reject(new Error('what?')) } })
  await expect(run([1, 2])).rejects.toThrow('what?')
  expect([acknowledged, letters]).toEqual([[], []])
})

it('retries only the part that failed: rows stay written while events wait', async () => {
  let writes = 0
  let publishes = 0
  const { run, acknowledged } = setUp({
    step: (events) => events.map(({ value }) => emit([{ topic: IN, key: 'k', value }], [1])),
    sink: { write: () => Promise.resolve(void writes++) },
    publish: () => (++publishes < 4 ? Promise.reject(transient()) : Promise.resolve()),
    backOffs: 5,
  })
  await run([1])
  expect([writes, publishes, acknowledged]).toEqual([1, 4, ['0']])
})

it('refuses a step that answers for more or fewer events than it got', async () => {
  const { run, acknowledged } = setUp({ step: () => [] })
  await expect(run([1])).rejects.toThrow('0 outcomes for 1 events')
  expect(acknowledged).toEqual([])
})

it('passes over tombstones and counts every outcome by reason', async () => {
  const { run, metrics, letters } = setUp({
    step: (events) => events.map(({ value }) => (value.revision === 2 ? deadLetter('too-old', 'detail') : skip('seen'))),
  })
  await run([1, null, 2, 'bad', 1])
  expect(codes(letters)).toEqual(['2:too-old', '3:bytes-malformed'])
  const text = await metrics.registry.metrics()
  expect(text).toContain('isobar_test_outcomes_total{outcome="skip",reason="seen"} 2')
  expect(text).toContain('isobar_test_outcomes_total{outcome="skip",reason="tombstone"} 1')
  expect(text).toContain('isobar_test_outcomes_total{outcome="dead-letter",reason="too-old"} 1')
  expect(text).toContain('isobar_test_outcomes_total{outcome="dead-letter",reason="bytes-malformed"} 1')
  expect(text).toContain(`isobar_test_events_in_total{topic="${IN}"} 5`)
  expect(text).toContain(`isobar_test_dead_letters_total{topic="${IN}"} 2`)
})

describe('what may wait', () => {
  const made = (revision: number): OutboundEvent => ({ topic: IN, key: 'k', value: anObservation({ revision }) })
  const shown = (events: ReadonlyArray<OutboundEvent | Tombstone>): string =>
    revisions(events as ReadonlyArray<{ value: Observation }>).join()
  /** Each event makes itself at once, and ten and twenty times itself later. */
  const step: BatchStep<typeof IN, number> = (events) =>
    events.map(({ value: { revision } }) =>
      emit([made(revision)], [], [() => [made(10 * revision)], () => [made(20 * revision)]]),
    )

  it('is made and published after what is waited for, and before the offset goes on', async () => {
    const log: string[] = []
    const { run, acknowledged } = setUp({
      step,
      publish: async (events) => void log.push(`${shown(events)} after ${acknowledged.join()}`),
    })
    await run([1, 2])
    expect(log).toEqual(['1,2 after ', '10,20 after ', '20,40 after '])
    expect(acknowledged).toEqual(['1'])
  })

  it('pipelined, is passed by slices that come later, keeps its order, and offsets follow it', async () => {
    const log: string[] = []
    const { run, acknowledged, passed } = setUp({
      step,
      maxBatchEvents: 1,
      inFlightEvents: 10,
      publish: async (events) => void log.push(shown(events)),
    })
    await run([1, 2, 3])
    expect([passed, acknowledged]).toEqual([['0', '1', '2'], []])
    await expect.poll(() => acknowledged).toEqual(['0', '1', '2'])
    expect(log.join().startsWith('1,2,3,')).toBe(true)
    expect(log.join()).toBe('1,2,3,10,20,20,40,30,60')
  })

  it('gives everything else a turn before each piece', async () => {
    const log: string[] = []
    const later =
      (name: string): Later =>
      () => {
        globalThis.setImmediate(() => log.push(`turn after ${name}`))
        log.push(name)
        return []
      }
    const { run } = setUp({ step: (events) => events.map(() => emit([], [], [later('a'), later('b')])) })
    await run([1, 2])
    expect(log).toEqual(['a', 'turn after a', 'b', 'turn after b', 'a', 'turn after a', 'b'])
  })

  it('pipelined, holds up the loop when as much waits as may be under way', async () => {
    const laterSends: Array<() => void> = []
    const { run, passed } = setUp({
      step,
      maxBatchEvents: 1,
      inFlightEvents: 1,
      publish: (events) =>
        Number(shown(events)) < 10 ? Promise.resolve() : new Promise((resolve) => void laterSends.push(resolve)),
    })
    const running = run([4, 5, 6, 7])
    await expect.poll(() => laterSends.length).toBe(1)
    expect(passed).toEqual(['0', '1', '2'])
    laterSends[0]?.()
    await expect.poll(() => passed).toEqual(['0', '1', '2', '3'])
    const answers = setInterval(() => laterSends.forEach((answer) => answer()), 1)
    await running
    clearInterval(answers)
  })

  it('is tried again when the brokers were away, and nothing else with it', async () => {
    let steps = 0
    let makes = 0
    const published: string[] = []
    let failures = 2
    const { run, acknowledged } = setUp({
      step: (events) => (steps++, events.map(() => emit([made(1)], [], [() => (makes++, [made(2)])]))),
      publish: async (events) => {
        if (shown(events) === '2' && failures-- > 0) throw transient()
        published.push(shown(events))
      },
      backOffs: 5,
    })
    await run([1])
    expect([steps, makes, published, acknowledged]).toEqual([1, 1, ['1', '2'], ['0']])
  })

  it('keeps the offset while the brokers take none of it', async () => {
    const { run, acknowledged, stuck } = setUp({
      step,
      publish: (events) => (shown(events) === '1' ? Promise.resolve() : Promise.reject(transient('no brokers'))),
      backOffs: 3,
    })
    await expect(run([1])).rejects.toThrow(BatchAbandoned)
    expect([acknowledged, stuck.at(-1)]).toEqual([[], 'publish: no brokers'])
  })

  it('sends its event to the dead letters when it throws or is refused; everything else is published', async () => {
    const published: string[] = []
    const { run, letters, acknowledged } = setUp({
      step: (events) =>
        events.map(({ value: { revision } }) =>
          emit(
            [made(revision)],
            [],
            [
              () => {
                if (revision === 2) throw new TypeError('two')
                return [made(10 * revision)]
              },
              () => [made(20 * revision)],
            ],
          ),
        ),
      publish: async (events) => {
        if (revisions(events as never).includes(30)) throw permanent('thirty')
        published.push(shown(events))
      },
    })
    await run([1, 2, 3])
    expect(published).toEqual(['1,2,3', '10,20', '40'])
    expect(codes(letters)).toEqual(['1:step-threw', '2:refused'])
    expect(letters.map(({ headers }) => [headers['isobar-step'], headers['isobar-error-message']])).toEqual([
      ['test/later', 'two'],
      ['test/publish', 'thirty'],
    ])
    expect(acknowledged).toEqual(['2'])
  })

  it('is left to whoever has the partition next', async () => {
    let isOurs = true
    const published: string[] = []
    const { run, acknowledged, failures } = setUp({
      step: (events) =>
        events.map(() =>
          emit(
            [made(1)],
            [],
            [
              () => {
                isOurs = false
                return [made(10)]
              },
              () => [made(20)],
            ],
          ),
        ),
      publish: async (events) => void published.push(shown(events)),
      inFlightEvents: 10,
      isOurs: () => isOurs,
    })
    await run([1])
    await expect.poll(() => failures).toEqual([expect.any(BatchAbandoned)])
    expect([published, acknowledged]).toEqual([['1'], []])
  })
})
