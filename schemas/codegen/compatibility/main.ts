/**
 * Checks every schema against its released versions in schemas/history/<schema>/<n>.avsc, exit 1 when one is incompatible or not
 * recorded yet. `--record` adds the current schema as the newest version where it differs; recorded versions are never changed.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Schema } from 'avsc'
import { TOPICS, TOPIC_NAMES } from '../../topics.ts'
import { findIncompatibilities, type Version } from './compare.ts'
import { isSameSchema, readHistory } from './history.ts'

const record = process.argv.includes('--record')
const problems: string[] = []
for (const topic of TOPIC_NAMES) {
  const name = TOPICS[topic].schema
  const text = readFileSync(new URL(`../../avro/${name}.avsc`, import.meta.url), 'utf8')
  const current: Version = { name: `${name} (working copy)`, schema: JSON.parse(text) as Schema }
  const history = readHistory(name)
  const found = findIncompatibilities(current, history)
  problems.push(...found)
  const newest = history.at(-1)
  if (found.length > 0 || (newest && isSameSchema(newest.schema, current.schema))) continue
  if (!record) {
    problems.push(`${name} differs from its newest recorded version; record it with: npm run codegen`)
    continue
  }
  const file = new URL(`../../history/${name}/${history.length + 1}.avsc`, import.meta.url)
  mkdirSync(dirname(fileURLToPath(file)), { recursive: true })
  writeFileSync(file, text)
  process.stderr.write(`recorded ${name} version ${history.length + 1}\n`)
}
for (const problem of problems) process.stderr.write(`${problem}\n`)
process.exitCode = problems.length === 0 ? 0 : 1
