/** What an interrupted evaluation is known by again: answers from other observations, or of another engine, are no answers of the same run. */
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { StationHours } from './series.ts'

const PROJECT = fileURLToPath(new URL('../../', import.meta.url))

/** SHA-256 of what quality control left of the observations. */
export function observationsFingerprint({ stationId, rows }: StationHours): string {
  const hash = createHash('sha256').update(stationId)
  for (const [hour, row] of [...rows].sort(([a], [b]) => a - b))
    hash.update(`|${hour}|`).update(new Uint8Array(row.buffer, row.byteOffset, row.byteLength))
  return hash.digest('hex')
}

/** SHA-256 of the code that answers: the mathematics and what asks it. */
export function codeFingerprint(): string {
  const hash = createHash('sha256')
  const files = globSync(['forecasting/**/*.ts', 'cli/evaluate/**/*.ts'], { cwd: PROJECT }).filter(
    (file) => !file.endsWith('.test.ts'),
  )
  for (const file of files.sort()) hash.update(`|${file}|`).update(readFileSync(join(PROJECT, file)))
  return hash.digest('hex')
}
