/** Environment → typed config. Reports every mistake at once, each with its fix; a secret may come from a file (NAME_FILE). */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { AppError, messageOf } from '../errors.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** kafkaBrokers → KAFKA_BROKERS, s3Endpoint → S3_ENDPOINT. */
export function environmentName(key: string): string {
  return key.replaceAll(/([A-Z])/g, '_$1').toUpperCase()
}

/** Throws AppError `config-invalid` (permanent) whose message lists every problem on its own line. */
export function readConfig<Schema extends z.ZodObject>(schema: Schema, env: Environment): z.output<Schema> {
  const raw: Record<string, string> = {}
  const problems: string[] = []
  for (const key of Object.keys(schema.shape)) {
    const name = environmentName(key)
    const value = env[name]
    const file = env[`${name}_FILE`]
    if (value !== undefined && value !== '' && file !== undefined && file !== '') {
      problems.push(`${name} and ${name}_FILE are both set; keep one of them`)
    } else if (value !== undefined && value !== '') {
      raw[key] = value
    } else if (file !== undefined && file !== '') {
      try {
        const text = readFileSync(file, 'utf8').trim()
        if (text === '') problems.push(`${name}_FILE: ${file} is empty`)
        raw[key] = text
      } catch (error) {
        problems.push(`${name}_FILE: cannot read ${file} (${messageOf(error)})`)
        raw[key] = ''
      }
    }
  }
  const unreadable = new Set(problems.map((line) => line.split(/[ :]/)[0]?.replace(/_FILE$/, '')))
  const result = schema.safeParse(raw)
  if (!result.success) {
    for (const issue of result.error.issues) {
      const key = String(issue.path[0] ?? '')
      const name = environmentName(key)
      if (unreadable.has(name)) continue
      const field = schema.shape[key] as z.ZodType | undefined
      const fix = fieldMeta(field).fix
      const complaint = key in raw ? issue.message : 'is not set'
      problems.push(`${name}: ${complaint}${fix ? `; ${fix}` : ''}`)
    }
  }
  if (problems.length > 0 || !result.success) {
    throw new AppError(`invalid configuration:\n${problems.map((line) => `  ${line}`).join('\n')}`, {
      code: 'config-invalid',
      retry: 'permanent',
      context: { problems },
    })
  }
  return result.data
}

export type FieldMeta = { description?: string; fix?: string; example?: string; secret?: boolean }

/** What a block says about a field, through optional/default wrappers. */
export function fieldMeta(field: z.ZodType | undefined): FieldMeta {
  let current: z.ZodType | undefined = field
  while (current) {
    const meta = z.globalRegistry.get(current) as FieldMeta | undefined
    if (meta) return meta
    const inner = (current as unknown as { def: { innerType?: z.ZodType; in?: z.ZodType } }).def
    current = inner.innerType ?? inner.in
  }
  return {}
}
