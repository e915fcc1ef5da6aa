/** Writes .env.example from the config blocks. `--check` writes nothing and exits 1 when the file on disk differs. Run: npm run codegen */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { z } from 'zod'
import { ALL_BLOCKS } from './blocks.ts'
import { environmentName, fieldMeta } from './read.ts'

export function envExampleText(): string {
  const lines = [
    '# Generated from infra/runtime/config by `npm run codegen`. Do not edit.',
    '# Everything is optional on a laptop: unset server addresses mean the local stack that `npm start` runs.',
    '# Each variable can also be given as NAME_FILE, the path of a file that holds the value.',
  ]
  for (const { title, block } of ALL_BLOCKS) {
    lines.push('', `# --- ${title}`)
    for (const [key, field] of Object.entries(block.shape)) {
      const meta = fieldMeta(field as z.ZodType)
      lines.push(`# ${meta.description ?? ''}${meta.secret ? ' Secret.' : ''}`, `# ${environmentName(key)}=${meta.example ?? ''}`)
    }
  }
  return `${lines.join('\n')}\n`
}

if (import.meta.main) {
  const file = new URL('../../../.env.example', import.meta.url)
  const text = envExampleText()
  const current = existsSync(file) ? readFileSync(file, 'utf8') : null
  if (current !== text) {
    if (process.argv.includes('--check')) {
      console.error('.env.example is out of date; run: npm run codegen')
      process.exitCode = 1
    } else writeFileSync(file, text)
  }
}
