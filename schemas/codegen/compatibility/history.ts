/** The recorded versions of a schema: files, not commits, so that a shallow clone can check as well. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { Schema } from 'avsc'
import type { Version } from './compare.ts'

/** Versions 1, 2, … of schemas/history/<name>/, oldest first. Throws when one is missing in between. */
export function readHistory(name: string): Version[] {
  const folder = new URL(`../../history/${name}/`, import.meta.url)
  if (!existsSync(folder)) return []
  const numbers = readdirSync(folder)
    .filter((file) => /^\d+\.avsc$/.test(file))
    .map((file) => Number.parseInt(file, 10))
    .sort((a, b) => a - b)
  return numbers.map((number, index) => {
    if (number !== index + 1) throw new Error(`schemas/history/${name}: version ${index + 1} is missing`)
    const schema = JSON.parse(readFileSync(new URL(`${number}.avsc`, folder), 'utf8')) as Schema
    return { name: `${name} version ${number}`, schema }
  })
}

/** Also documentation counts: consumers read it. */
export function isSameSchema(a: Schema, b: Schema): boolean {
  return isDeepStrictEqual(a, b)
}
