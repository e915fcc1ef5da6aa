import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createLogger } from '../log.ts'
import { createCommitter } from './committer.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function setUp(commit: (offsets: string) => Promise<void> = () => Promise.resolve()) {
  const commits: string[] = []
  let errors = 0
  const committer = createCommitter(
    {
      commitOffsets: async (positions) => {
        const text = positions.map(({ topic, partition, offset }) => `${topic}/${partition}@${offset}`).join(' ')
        commits.push(text)
        await commit(text)
      },
    },
    { commitError: () => void (errors += 1) },
    createLogger('test', 'silent'),
  )
  return { committer, commits, errors: () => errors }
}

it('commits the newest offset of each partition once per interval, and nothing while nothing is new', async () => {
  const { committer, commits } = setUp()
  committer.remember('a', 0, 1n)
  committer.remember('a', 0, 5n)
  committer.remember('a', 1, 2n)
  expect(commits).toEqual([])
  await vi.advanceTimersByTimeAsync(1000)
  expect(commits).toEqual(['a/0@5 a/1@2'])
  committer.remember('a', 0, 6n)
  await vi.advanceTimersByTimeAsync(200)
  expect(commits).toEqual(['a/0@5 a/1@2', 'a/0@6'])
})

it('tries a failed commit again, with newer offsets where there are any', async () => {
  let fail = true
  const { committer, commits, errors } = setUp(() => (fail ? Promise.reject(new Error('coordinator moved')) : Promise.resolve()))
  committer.remember('a', 0, 1n)
  committer.remember('a', 1, 1n)
  await vi.advanceTimersByTimeAsync(200)
  committer.remember('a', 0, 2n)
  fail = false
  await vi.advanceTimersByTimeAsync(200)
  expect(errors()).toBe(1)
  expect(commits.at(-1)?.split(' ').toSorted()).toEqual(['a/0@2', 'a/1@1'])
})

it('forgets what belonged to an earlier assignment, also when its commit fails afterwards', async () => {
  const answer = Promise.withResolvers<void>()
  const { committer, commits } = setUp(() => answer.promise)
  committer.remember('a', 0, 7n)
  await vi.advanceTimersByTimeAsync(200)
  committer.reset()
  answer.reject(new Error('generation is over'))
  await vi.advanceTimersByTimeAsync(1000)
  await committer.close()
  expect(commits).toEqual(['a/0@7'])
})

it('commits what is left on close', async () => {
  const { committer, commits } = setUp()
  committer.remember('a', 0, 9n)
  await committer.close()
  expect(commits).toEqual(['a/0@9'])
})
