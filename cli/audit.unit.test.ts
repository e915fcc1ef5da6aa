import { userInfo } from 'node:os'
import { expect, it } from 'vitest'
import type { OutboundEvent, Tombstone } from '../infra/runtime/kafka/types.ts'
import { recordWith } from './audit.ts'

it('records who did what at this terminal', async () => {
  const published: Array<OutboundEvent | Tombstone> = []
  const publisher = { publish: async (events: ReadonlyArray<OutboundEvent | Tombstone>) => void published.push(...events) }
  await recordWith(publisher, { action: 'key.revoke', subject: 'key_1', details: { name: 'gateway' } })
  const actor = `cli:${userInfo().username}`
  expect(published).toMatchObject([
    {
      topic: 'audit.v1',
      key: actor,
      value: { actor, action: 'key.revoke', subject: 'key_1', details: { name: 'gateway' }, outcome: 'accepted' },
    },
  ])
})
