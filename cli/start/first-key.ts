/** The operator's first key of a local run: made once, shown once. */
import { createKeyStore } from '../../api/auth/key-store.ts'
import { createKey } from '../../api/auth/keys.ts'
import { openClickHouse } from '../../infra/runtime/clickhouse/index.ts'
import { clickhouseBlock, readConfig } from '../../infra/runtime/config/index.ts'

const NAME = 'first key of this installation'

/** The new key, or null when there are keys already (they cannot be shown again: only their hashes are kept). */
export async function firstKey(env: NodeJS.ProcessEnv): Promise<string | null> {
  const clickhouse = openClickHouse(readConfig(clickhouseBlock, env))
  try {
    const store = createKeyStore(clickhouse)
    if ((await store.list()).length > 0) return null
    const { key } = await createKey(store, { name: NAME, scopes: ['read', 'ingest', 'operate', 'admin'], nowMs: Date.now() })
    return key
  } finally {
    await clickhouse.close()
  }
}
