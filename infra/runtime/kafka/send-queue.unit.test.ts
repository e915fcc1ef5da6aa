import { expect, it } from 'vitest'
import { createSendQueue } from './send-queue.ts'

const messages = (topic: string, count: number, bytes = 10, from = 0) =>
  Array.from({ length: count }, (_, i) => ({ topic, bytes, message: { key: String(from + i), value: null } }))

/** A transport whose sends are answered by hand. */
function setUp(maxBytes = 100) {
  const sends: Array<{ batch: string; answer: (error?: Error) => void }> = []
  const queue = createSendQueue(
    maxBytes,
    (topicMessages) =>
      new Promise((resolve, reject) => {
        const batch = topicMessages
          .map(({ topic, messages }) => `${topic}:${messages.map(({ key }) => String(key)).join()}`)
          .join(' ')
        sends.push({ batch, answer: (error) => (error ? reject(error) : resolve()) })
      }),
  )
  const settled: string[] = []
  const push = (name: string, ...args: Parameters<typeof messages>) =>
    queue.push(messages(...args)).then(
      () => void settled.push(`${name} ok`),
      (error: Error) => void settled.push(`${name} ${error.message}`),
    )
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return { queue, sends, settled, push, turn }
}

it('sends one at a time, coalescing what arrives meanwhile, in order', async () => {
  const { sends, settled, push, turn } = setUp()
  void push('a', 'x', 1)
  void push('b', 'x', 2, 10, 1)
  void push('c', 'y', 1, 10, 3)
  expect(sends.map(({ batch }) => batch)).toEqual(['x:0'])
  sends[0]?.answer()
  await turn()
  expect(settled).toEqual(['a ok'])
  expect(sends[1]?.batch).toBe('x:1,2 y:3')
  sends[1]?.answer()
  await turn()
  expect(settled).toEqual(['a ok', 'b ok', 'c ok'])
})

it('splits by bytes and resolves only when the last part is acknowledged', async () => {
  const { sends, settled, push, turn } = setUp(30)
  void push('a', 'x', 7)
  for (const expected of ['x:0,1,2', 'x:3,4,5', 'x:6']) {
    expect(sends.at(-1)?.batch).toBe(expected)
    expect(settled).toEqual([])
    sends.at(-1)?.answer()
    await turn()
  }
  expect(settled).toEqual(['a ok'])
})

it('fails everything in a failed send, the rest of a split push too, and goes on with the next', async () => {
  const { sends, settled, push, turn } = setUp(30)
  void push('first', 'x', 1)
  void push('split', 'x', 4, 10, 1)
  void push('later', 'x', 1, 10, 9)
  sends[0]?.answer()
  await turn()
  expect(sends[1]?.batch).toBe('x:1,2,3')
  sends[1]?.answer(new Error('lost'))
  await turn()
  expect(settled).toEqual(['first ok', 'split lost'])
  expect(sends[2]?.batch).toBe('x:9')
  sends[2]?.answer()
  await turn()
  expect(settled).toEqual(['first ok', 'split lost', 'later ok'])
})

it('sends a message larger than the limit alone', () => {
  const { sends, push } = setUp(5)
  void push('a', 'x', 1, 50)
  expect(sends[0]?.batch).toBe('x:0')
})

it('drains, and rejects what is left on demand', async () => {
  const { queue, sends, settled, push, turn } = setUp()
  await queue.drained()
  void push('a', 'x', 1)
  void push('b', 'x', 1)
  let isDrained = false
  void queue.drained().then(() => (isDrained = true))
  await turn()
  expect(isDrained).toBe(false)
  queue.reject(new Error('closing'))
  await turn()
  expect(settled).toEqual(['a closing', 'b closing'])
  sends[0]?.answer()
  await turn()
  expect(isDrained).toBe(true)
  expect(sends).toHaveLength(1)
})
