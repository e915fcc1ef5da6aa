/**
 * API keys. A key is `isk_` and 32 random bytes (base64url); only its SHA-256 is stored, which is enough because the key has
 * full entropy. The key itself is shown once, when it is created.
 */
import { createHash, randomBytes } from 'node:crypto'

export const SCOPES = ['read', 'ingest', 'operate', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

export type StoredKey = {
  readonly keyId: string
  readonly name: string
  readonly keySha256: string
  readonly scopes: readonly Scope[]
  readonly createdAt: number
  readonly revokedAt: number | null
}
export type KeyStore = {
  findByHash(keySha256: string): Promise<StoredKey | null>
  list(): Promise<StoredKey[]>
  save(key: StoredKey): Promise<void>
}
export type KeySummary = Omit<StoredKey, 'keySha256'>

const KEY_PATTERN = /^isk_[A-Za-z0-9_-]{43}$/

function isWellFormedKey(key: string): boolean {
  return KEY_PATTERN.test(key)
}

export function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

/**
 * Makes and stores a key; `key` is the only place where it can ever be read. `nowMs` is wall time: keys are an operator's affair, not
 * the stream's. The store of a running system is `createKeyStore(openClickHouse(config))` in key-store.ts.
 */
export async function createKey(
  store: KeyStore,
  input: { name: string; scopes: readonly Scope[]; nowMs: number },
): Promise<{ key: string; stored: KeySummary }> {
  const key = `isk_${randomBytes(32).toString('base64url')}`
  const stored: StoredKey = {
    keyId: `key_${randomBytes(9).toString('base64url')}`,
    name: input.name,
    keySha256: hashKey(key),
    scopes: SCOPES.filter((scope) => input.scopes.includes(scope)),
    createdAt: input.nowMs,
    revokedAt: null,
  }
  await store.save(stored)
  return { key, stored: summary(stored) }
}

/** Revokes by key id. False: no such key. Revoking twice keeps the first instant. Running services notice within 10 s. */
export async function revokeKey(store: KeyStore, keyId: string, nowMs: number): Promise<boolean> {
  const found = (await store.list()).find((key) => key.keyId === keyId)
  if (found === undefined) return false
  if (found.revokedAt === null) await store.save({ ...found, revokedAt: nowMs })
  return true
}

export async function listKeys(store: KeyStore): Promise<KeySummary[]> {
  return (await store.list()).map(summary)
}

function summary({ keySha256: _hash, ...rest }: StoredKey): KeySummary {
  return rest
}

/** Looks keys up with a short memory, so that one request does not cost one query and a revocation is still noticed soon. */
export function createKeyLookup(
  store: KeyStore,
  options: { ttlMs?: number; wallNow?: () => number } = {},
): (key: string) => Promise<StoredKey | null> {
  const { ttlMs = 10_000, wallNow = Date.now } = options
  const known = new Map<string, { key: StoredKey | null; until: number }>()
  return async (key) => {
    if (!isWellFormedKey(key)) return null
    const hash = hashKey(key)
    const hit = known.get(hash)
    if (hit !== undefined && hit.until > wallNow()) return hit.key
    const found = await store.findByHash(hash)
    const active = found !== null && found.revokedAt === null ? found : null
    // Guesses must not fill the memory.
    if (known.size >= 10_000) known.clear()
    known.set(hash, { key: active, until: wallNow() + (active ? ttlMs : Math.min(ttlMs, 2_000)) })
    return active
  }
}
