// Writes .env for docker-compose.yml with fresh secrets: `node infra/docker/make-env.mjs [FILE]`.
// An existing file is kept as it is and only gains what it lacks: changing the password of a store that has data locks everyone out.
// Plain JavaScript without dependencies, so that it runs before anything is installed.
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

/** Hex and base64url only: the values also stand in URLs. */
const password = () => randomBytes(24).toString('base64url')

/** Everything docker-compose.yml demands (`${NAME:?…}`) and how it is made. */
export const GENERATED = {
  KAFKA_CLUSTER_ID: () => randomBytes(16).toString('base64url'),
  CLICKHOUSE_PASSWORD: password,
  GRAFANA_CLICKHOUSE_PASSWORD: password,
  RABBITMQ_PASSWORD: password,
  S3_ACCESS_KEY: () => randomBytes(10).toString('hex'),
  S3_SECRET_KEY: password,
  GRAFANA_ADMIN_PASSWORD: password,
}

/** The text of the file: what is there already, then what is missing. */
export function completeEnv(present) {
  const known = new Set([...present.matchAll(/^\s*([A-Z][A-Z0-9_]*)=./gm)].map(([, name]) => name))
  const missing = Object.entries(GENERATED).filter(([name]) => !known.has(name))
  const head = present === '' ? '# Secrets of docker-compose.yml. Keep it out of version control; mode 600.\n' : present
  const lines = missing.map(([name, make]) => `${name}=${make()}`)
  return {
    text: lines.length === 0 ? head : `${head.replace(/\n*$/, '\n')}${lines.join('\n')}\n`,
    added: missing.map(([name]) => name),
  }
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const file = process.argv[2] ?? '.env'
  const { text, added } = completeEnv(existsSync(file) ? readFileSync(file, 'utf8') : '')
  if (added.length > 0) writeFileSync(file, text, { mode: 0o600 })
  console.error(added.length > 0 ? `${file}: wrote ${added.join(', ')}` : `${file}: complete, nothing changed`)
}
