/** API keys in ClickHouse (table api_key_log). A revocation replaces the row of its key for good, whichever arrives first. */
import {
  type ClickHouse,
  fromClickHouseInstant,
  toClickHouseInstant,
  toClickHouseInstantOrNull,
} from '../../infra/runtime/clickhouse/index.ts'
import { type KeyStore, type Scope, SCOPES, type StoredKey } from './keys.ts'

type KeyRow = {
  keyId: string
  name: string
  keySha256: string
  scopes: string[]
  createdAt: string
  revokedAt: string | null
}

const COLUMNS = 'keyId, name, keySha256, scopes, createdAt, revokedAt'

/**
 * For the API and for `isobar keys`: `createKey`, `listKeys` and `revokeKey` of keys.ts work on it.
 * Needs the migrations applied. Rejects with AppError (transient while ClickHouse is away).
 */
export function createKeyStore(clickhouse: Pick<ClickHouse, 'query' | 'insert'>): KeyStore {
  return {
    async findByHash(keySha256) {
      const [row] = await clickhouse.query<KeyRow>(
        `SELECT ${COLUMNS} FROM api_key WHERE keySha256 = {keySha256:String} LIMIT 1`,
        { keySha256 },
      )
      return row === undefined ? null : toKey(row)
    },
    async list() {
      return (await clickhouse.query<KeyRow>(`SELECT ${COLUMNS} FROM api_key ORDER BY createdAt, keyId`)).map(toKey)
    },
    async save(key) {
      await clickhouse.insert('api_key_log', [
        {
          ...key,
          scopes: [...key.scopes],
          createdAt: toClickHouseInstant(key.createdAt),
          revokedAt: toClickHouseInstantOrNull(key.revokedAt),
          version: key.revokedAt === null ? 0 : 1,
        },
      ])
    },
  }
}

function toKey(row: KeyRow): StoredKey {
  return {
    ...row,
    scopes: SCOPES.filter((scope: Scope) => row.scopes.includes(scope)),
    createdAt: fromClickHouseInstant(row.createdAt),
    revokedAt: row.revokedAt === null ? null : fromClickHouseInstant(row.revokedAt),
  }
}
