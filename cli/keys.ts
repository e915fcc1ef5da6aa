/** `isobar keys`: API keys. Only their hashes are kept; a key is shown once, when it is made. */
import type { Command } from 'commander'
import { createKeyStore } from '../api/auth/key-store.ts'
import { createKey, type KeyStore, listKeys, revokeKey, type Scope, SCOPES } from '../api/auth/keys.ts'
import { openClickHouse } from '../infra/runtime/clickhouse/index.ts'
import { clickhouseBlock, readConfig } from '../infra/runtime/config/index.ts'
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
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  isobar keys create --name "station gateway" --scopes read,ingest')
    .action(async ({ name, scopes, json }: { name: string; scopes: string; json?: boolean }) => {
      const wanted = scopes.split(',').map((scope) => scope.trim())
      const unknown = wanted.filter((scope) => !SCOPES.includes(scope as Scope))
      if (unknown.length > 0)
        throw new CliError(`no scope named ${unknown.join(', ')}; there are: ${SCOPES.join(', ')}`, EXIT.usage)
      const made = await withStore((store) => createKey(store, { name, scopes: wanted as Scope[], nowMs: Date.now() }))
      if (json) printJson({ key: made.key, ...made.stored })
      else {
        talk(`${made.stored.keyId} (${made.stored.scopes.join(', ')}); the key is shown this once:`)
        process.stdout.write(`${made.key}\n`)
      }
    })
  keys
    .command('list')
    .description('keys, without the keys themselves')
    .option('--json', 'as JSON')
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
    .action(async (keyId: string) => {
      if (!(await withStore((store) => revokeKey(store, keyId, Date.now()))))
        throw new CliError(`no key with the id ${keyId}; see: isobar keys list`, EXIT.notFound)
      talk(`${keyId} is revoked`)
    })
}

const instant = (ms: number): string => new Date(ms).toISOString()

async function withStore<T>(work: (store: KeyStore) => Promise<T>): Promise<T> {
  const clickhouse = openClickHouse(readConfig(clickhouseBlock, serverEnv()))
  try {
    return await work(createKeyStore(clickhouse))
  } finally {
    await clickhouse.close()
  }
}
