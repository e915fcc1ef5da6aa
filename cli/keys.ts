/** `isobar keys`: API keys. Only their hashes are kept; a key is shown once, when it is made. */
import type { Command } from 'commander'
import { createKeyStore } from '../api/auth/key-store.ts'
import { createKey, type KeyStore, listKeys, revokeKey, type Scope, SCOPES } from '../api/auth/keys.ts'
import { openClickHouse } from '../infra/runtime/clickhouse/index.ts'
import { clickhouseBlock, readConfig } from '../infra/runtime/config/index.ts'
import { recordAction } from './audit.ts'
import { unknownName } from './arguments.ts'
import { CliError, EXIT } from './exit.ts'
import { printJson, printTable, talk } from './output.ts'
import { serverEnv } from './running.ts'

export function register(program: Command): void {
  const keys = program.command('keys').description('API keys')
  keys
    .command('create')
    .description('make a key and show it, once')
    .requiredOption('--name <name>', 'who or what it is for')
    .option('--scopes <list>', `any of ${SCOPES.join(', ')}, separated by commas`, 'read')
    .option('--dry-run', 'check only')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  isobar keys create --name "station gateway" --scopes read,ingest')
    .action(async ({ name, scopes, dryRun, json }: { name: string; scopes: string; dryRun?: boolean; json?: boolean }) => {
      const wanted = scopes.split(',').map((scope) => scope.trim())
      const unknown = wanted.find((scope) => !SCOPES.includes(scope as Scope))
      if (unknown !== undefined) throw new CliError(unknownName('scope', unknown, SCOPES), EXIT.usage)
      if (dryRun) {
        if (json) printJson({ key: null, name, scopes: wanted })
        else talk(`a key for ${name} with ${wanted.join(', ')} would be made`)
        return
      }
      const made = await withStore((store) => createKey(store, { name, scopes: wanted as Scope[], nowMs: Date.now() }))
      if (json) printJson({ key: made.key, ...made.stored, createdAt: instant(made.stored.createdAt) })
      else {
        talk(`${made.stored.keyId} (${made.stored.scopes.join(', ')}); the key is shown this once:`)
        process.stdout.write(`${made.key}\n`)
      }
      const details = { name, scopes: made.stored.scopes.join(',') }
      await recordAction(serverEnv(), { action: 'key.create', subject: made.stored.keyId, details })
    })
  keys
    .command('list')
    .description('keys, without the keys themselves')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  isobar keys list --json')
    .action(async ({ json }: { json?: boolean }) => {
      const found = await withStore(listKeys)
      const shown = found.map((key) => ({
        ...key,
        createdAt: instant(key.createdAt),
        revokedAt: key.revokedAt === null ? null : instant(key.revokedAt),
      }))
      if (json) printJson(shown)
      else
        printTable(shown, [
          { title: 'id', value: ({ keyId }) => keyId },
          { title: 'name', value: ({ name }) => name },
          { title: 'scopes', value: ({ scopes }) => scopes.join(',') },
          { title: 'created', value: ({ createdAt }) => createdAt },
          { title: 'revoked', value: ({ revokedAt }) => revokedAt },
        ])
    })
  keys
    .command('revoke <keyId>')
    .description('make a key invalid; running services notice within ten seconds')
    .option('--dry-run', 'say which key it is')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  isobar keys revoke 3f9a0c7d --dry-run')
    .action(async (keyId: string, { dryRun, json }: { dryRun?: boolean; json?: boolean }) => {
      await withStore(async (store) => {
        const found = (await listKeys(store)).find((key) => key.keyId === keyId)
        if (!found) throw new CliError(`no key with the id ${keyId}; see: isobar keys list`, EXIT.notFound)
        if (!dryRun) await revokeKey(store, keyId, Date.now())
        if (json) printJson({ keyId, name: found.name, revoked: !dryRun })
        else talk(`${keyId} (${found.name}) ${dryRun ? 'would be' : 'is'} revoked`)
        if (!dryRun) await recordAction(serverEnv(), { action: 'key.revoke', subject: keyId, details: { name: found.name } })
      })
    })
}

/** A person waits: a server that does not answer is to be named before patience ends. */
const TIMEOUT_MS = 15_000
const instant = (ms: number): string => new Date(ms).toISOString()

async function withStore<T>(work: (store: KeyStore) => Promise<T>): Promise<T> {
  const clickhouse = openClickHouse(readConfig(clickhouseBlock, serverEnv()), { requestTimeoutMs: TIMEOUT_MS })
  try {
    return await work(createKeyStore(clickhouse))
  } finally {
    await clickhouse.close()
  }
}
