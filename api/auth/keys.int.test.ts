// Keys on a real ClickHouse engine: made, found by hash, listed, revoked for good.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { applyMigrations, type ClickHouse, openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { isolatedConfig } from '../../infra/runtime/testing/fixtures.ts'
import { createKeyStore } from './key-store.ts'
import { createKey, createKeyLookup, hashKey, type KeyStore, listKeys, revokeKey } from './keys.ts'

let clickhouse: ClickHouse
let store: KeyStore

beforeAll(async () => {
  clickhouse = openClickHouse(isolatedConfig())
  await applyMigrations(clickhouse)
  store = createKeyStore(clickhouse)
})
afterAll(async () => {
  await clickhouse?.command(`DROP DATABASE IF EXISTS ${clickhouse.database}`)
  await clickhouse?.close()
})

it('keeps only the hash, finds the key by it, and never finds a revoked one', async () => {
  const { key, stored } = await createKey(store, { name: 'plant', scopes: ['ingest', 'read'], nowMs: 1000 })
  const rows = await clickhouse.query<Record<string, unknown>>('SELECT * FROM api_key_log')
  expect(JSON.stringify(rows)).not.toContain(key)
  expect(JSON.stringify(rows)).toContain(hashKey(key))
  const lookup = createKeyLookup(store, { ttlMs: 0 })
  expect(await lookup(key)).toMatchObject({ keyId: stored.keyId, name: 'plant', scopes: ['read', 'ingest'] })
  expect(await lookup(`${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`)).toBeNull()

  expect(await revokeKey(store, stored.keyId, 2000)).toBe(true)
  // The row of its creation delivered again must not bring it back.
  await store.save({ ...stored, keySha256: hashKey(key) })
  expect(await lookup(key)).toBeNull()
  expect(await listKeys(store)).toEqual([{ ...stored, revokedAt: 2000 }])
  expect(await revokeKey(store, 'key_unknown', 2000)).toBe(false)
})
