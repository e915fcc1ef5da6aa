/** Parameters shared by routes: instants, lists of names, ids. Each parse error says how to fix it. */
import { z } from '@hono/zod-openapi'
import {
  FORECAST_VARIABLES,
  QUANTILE_LEVELS,
  QUANTITIES,
  STATION_ID_PATTERN,
  type ForecastVariable,
  type Quantity,
} from '../schemas/quantities.ts'
import { nearest } from './nearest.ts'

const ISO_INSTANT = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/

/** ISO 8601 instant with zone, or a date (midnight UTC); null when it is neither. */
export function parseInstant(text: string): number | null {
  // A '+' in a query string arrives as a space.
  const candidate = text.trim().replace(/ (\d{2}:\d{2})$/, '+$1')
  if (!ISO_INSTANT.test(candidate)) return null
  const ms = Date.parse(candidate)
  return Number.isFinite(ms) ? ms : null
}

export const instantParam = (description: string) =>
  z
    .string()
    .transform((text, ctx) => {
      const ms = parseInstant(text)
      if (ms !== null) return ms
      ctx.addIssue({
        code: 'custom',
        message: `'${text.slice(0, 40)}' is not an ISO 8601 instant.`,
        params: { code: 'invalid-instant', fix: 'Write it like 2013-05-01T12:00:00Z, or a date like 2013-05-01.' },
      })
      return z.NEVER
    })
    .openapi({ type: 'string', format: 'date-time', description, example: '2013-05-01T12:00:00Z' })

export const stationIdParam = z
  .string()
  .min(1)
  .max(200)
  .openapi({ description: `Station id, ${STATION_ID_PATTERN.source}.`, example: 'jfk' })

function listOf<T extends string>(names: readonly T[], kind: string, description: string, example: string) {
  return z
    .string()
    .transform((text, ctx): T[] => {
      const out: T[] = []
      for (const part of text
        .split(',')
        .map((p) => p.trim())
        .filter(Boolean)) {
        const name = names.find((n) => n === part)
        if (name === undefined) {
          const near = nearest(part, names)
          ctx.addIssue({
            code: 'custom',
            message: `Unknown ${kind} '${part.slice(0, 80)}'.${near ? ` Did you mean '${near}'?` : ''}`,
            params: { code: `unknown-${kind}`, fix: near ? `Use '${near}'.` : `Use one of: ${names.join(', ')}.` },
          })
        } else if (!out.includes(name)) out.push(name)
      }
      if (out.length === 0 && text.trim() === '')
        ctx.addIssue({
          code: 'custom',
          message: 'The list is empty.',
          params: { code: 'empty-list', fix: `Name one or more of: ${names.join(', ')}.` },
        })
      return out
    })
    .openapi({ type: 'string', description: `${description} One or more of: ${names.join(', ')}.`, example })
}

export const variablesParam = listOf<ForecastVariable>(
  FORECAST_VARIABLES,
  'variable',
  'Forecast variables, separated by commas.',
  'temperatureC',
)
export const quantitiesParam = listOf<Quantity>(
  QUANTITIES,
  'variable',
  'Observed quantities, separated by commas.',
  'temperatureC',
)
export const variableParam = z
  .string()
  .transform((text, ctx): ForecastVariable => {
    const name = FORECAST_VARIABLES.find((v) => v === text)
    if (name !== undefined) return name
    const near = nearest(text, FORECAST_VARIABLES)
    ctx.addIssue({
      code: 'custom',
      message: `Unknown variable '${text.slice(0, 80)}'.${near ? ` Did you mean '${near}'?` : ''}`,
      params: { code: 'unknown-variable', fix: near ? `Use '${near}'.` : `Use one of: ${FORECAST_VARIABLES.join(', ')}.` },
    })
    return z.NEVER
  })
  .openapi({ type: 'string', enum: [...FORECAST_VARIABLES], example: 'temperatureC' })

/** Quantile levels: `all`, or a list out of the published ones. */
export const quantilesParam = z
  .string()
  .transform((text, ctx): number[] => {
    if (text === 'all') return [...QUANTILE_LEVELS]
    const out: number[] = []
    for (const part of text.split(',')) {
      const level = QUANTILE_LEVELS.find((q) => q === Number(part))
      if (level === undefined || part.trim() === '') {
        ctx.addIssue({
          code: 'custom',
          message: `Unknown quantile '${part.slice(0, 20)}'.`,
          params: { code: 'unknown-quantile', fix: `Use 'all' or some of: ${QUANTILE_LEVELS.join(', ')}.` },
        })
      } else if (!out.includes(level)) out.push(level)
    }
    return out.sort((a, b) => a - b)
  })
  .openapi({
    type: 'string',
    description: `Quantile levels: all, or some of ${QUANTILE_LEVELS.join(', ')}. For a probability every level holds the probability.`,
    example: '0.1,0.5,0.9',
  })

export const limitParam = (fallback: number, max: number) =>
  z.coerce
    .number()
    .int()
    .min(1)
    .max(max)
    .default(fallback)
    .openapi({ type: 'integer', minimum: 1, maximum: max, default: fallback })

export const timezoneParam = z
  .string()
  .refine(isTimezone, {
    message: 'Unknown time zone.',
    params: { code: 'unknown-timezone', fix: "Use an IANA name such as 'America/New_York', 'UTC', or 'station'." },
  })
  .openapi({ type: 'string', description: "IANA time zone, or 'station' for the station's own.", example: 'America/New_York' })

export function isTimezone(name: string): boolean {
  if (name === 'station') return true
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}
