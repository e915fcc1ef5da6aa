/**
 * Writes schemas/generated/types.ts from the .avsc files. `--check` writes nothing and exits 1 when the file on disk differs.
 * Run: npm run codegen
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { TOPICS, type TopicName } from '../topics.ts'
import { type AvroRecord, recordToTypeScript } from './avro-types.ts'

const outputs: Array<{ file: URL; text: string }> = [
  { file: new URL('../generated/types.ts', import.meta.url), text: typesSource() },
]

const check = process.argv.includes('--check')
let stale = 0
for (const { file, text } of outputs) {
  const current = readIfPresent(file)
  if (current === text) continue
  stale++
  if (check) console.error(`${file.pathname} is out of date; run: npm run codegen`)
  else writeFileSync(file, text)
}
process.exit(check && stale > 0 ? 1 : 0)

function typesSource(): string {
  const seen = new Set<string>()
  const blocks: string[] = []
  const rows: string[] = []
  const loaders: string[] = []
  for (const [topic, spec] of Object.entries(TOPICS) as Array<[TopicName, (typeof TOPICS)[TopicName]]>) {
    const schema = JSON.parse(readFileSync(new URL(`../avro/${spec.schema}.avsc`, import.meta.url), 'utf8')) as AvroRecord
    for (const block of recordToTypeScript(schema)) {
      if (seen.has(block)) continue
      seen.add(block)
      blocks.push(block)
    }
    rows.push(`  '${topic}': ${schema.name}`)
    loaders.push(`  '${topic}': ${JSON.stringify(schema)},`)
  }
  return [
    '// Generated from schemas/avro by `npm run codegen`. Do not edit.',
    "import type { AvroRecord } from '../codegen/avro-types.ts'\n",
    blocks.join('\n\n'),
    `\n/** Event type by topic. Instants are epoch milliseconds, UTC. */\nexport type EventByTopic = {\n${rows.join('\n')}\n}`,
    `\n/** The schema of each topic as registered. */\nexport const SCHEMA_BY_TOPIC: { readonly [T in keyof EventByTopic]: AvroRecord } = {\n${loaders.join('\n')}\n}`,
    '',
  ].join('\n')
}

function readIfPresent(file: URL): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
