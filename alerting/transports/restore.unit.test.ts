import { expect, it } from 'vitest'
import { AppError } from '../../infra/runtime/errors.ts'
import { testLog } from '../../infra/runtime/testing/fixtures.ts'
import { createMemory } from '../../infra/runtime/state/index.ts'
import { restoreUntilDone } from './restore.ts'

const away = new AppError('away', { code: 'clickhouse-unavailable', retry: 'transient' })

function restore(answers: Array<Error | object[]>, stopping = new AbortController()) {
  const memory = createMemory('test', () => 1)
  const done = restoreUntilDone({
    clickhouse: {
      query: async () => {
        const answer = answers.shift()
        if (answers.length === 0) stopping.abort()
        if (answer instanceof Error) throw answer
        return (answer ?? []) as never[]
      },
    },
    processor: 'test',
    memory,
    log: testLog,
    signal: stopping.signal,
  })
  return { memory, done }
}

it('waits for a store that is away, and knows then what was sent', async () => {
  const { memory, done } = restore([away, [{ stateKey: 'sent/1', state: '{"at":1}', version: 7 }]])
  expect(await done).toBe(7)
  expect(memory.get('sent/1')).toEqual({ at: 1 })
})

it('gives up only when told to stop; what is not passing ends it', async () => {
  expect(await restore([away]).done).toBeNull()
  await expect(restore([new Error('defect'), []]).done).rejects.toThrow('defect')
})
