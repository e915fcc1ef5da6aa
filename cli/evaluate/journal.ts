/** What an interrupted run had finished: one JSON line an origin, under a first line that says which run it was. */
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Answer } from './evaluated.ts'
import type { OriginResult } from './origins.ts'

export type Journal = {
  readonly results: readonly OriginResult[]
  append(result: OriginResult): void
  /** The run is complete: nothing to go on with. */
  done(): void
}

/** `path` null: nothing is kept. A journal of other settings is begun anew. */
export function openJournal(path: string | null, settings: unknown): Journal {
  if (path === null) return { results: [], append: () => undefined, done: () => undefined }
  const heading = JSON.stringify(settings)
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []
  const results = lines[0] === heading ? lines.slice(1).flatMap(parse) : []
  if (lines[0] !== heading) writeFileSync(path, `${heading}\n`)
  // A kill may have left half a line: what follows must begin on its own.
  else if (lines.at(-1) !== '') appendFileSync(path, '\n')
  return {
    results,
    append: ({ origin, answers, observed }) =>
      appendFileSync(path, `${JSON.stringify({ origin, answers: plain(answers), observed: [...observed] })}\n`),
    done: () => rmSync(path, { force: true }),
  }
}

function plain(answers: OriginResult['answers']): unknown {
  return Object.fromEntries(
    Object.entries(answers).map(([name, answer]) => [name, answer.ok ? { ...answer, quantiles: [...answer.quantiles] } : answer]),
  )
}

function parse(line: string): OriginResult[] {
  if (line === '') return []
  let read: { origin: number; answers: Record<string, Answer>; observed: Array<number | null> }
  try {
    read = JSON.parse(line)
  } catch {
    return []
  }
  const answers = Object.fromEntries(
    Object.entries(read.answers).map(([name, answer]) => [
      name,
      answer.ok ? { ...answer, quantiles: Float32Array.from(answer.quantiles) } : answer,
    ]),
  )
  return [{ origin: read.origin, answers, observed: Float64Array.from(read.observed, (value) => value ?? Number.NaN) }]
}
