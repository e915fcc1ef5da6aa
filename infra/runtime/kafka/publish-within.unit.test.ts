import { expect, it } from 'vitest'
import { publishWithin } from './publish-within.ts'

it('answers when the brokers do not, and hands on what they say when they do', async () => {
  await expect(publishWithin(5, { publish: () => new Promise(() => {}) })([])).rejects.toMatchObject({
    code: 'kafka-timeout',
    retry: 'transient',
  })
  const refused = new Error('refused')
  await expect(publishWithin(60_000, { publish: () => Promise.reject(refused) })([])).rejects.toBe(refused)
  await expect(publishWithin(60_000, { publish: async () => {} })([])).resolves.toBeUndefined()
})
