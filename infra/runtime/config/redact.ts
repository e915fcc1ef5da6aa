/** Config as it may be shown: secrets and URL passwords masked. */
import type { z } from 'zod'
import { ALL_BLOCKS } from './blocks.ts'
import { fieldMeta } from './read.ts'

const MASK = '[redacted]'
const SECRET_KEYS = new Set(
  ALL_BLOCKS.flatMap(({ block }) =>
    Object.entries(block.shape)
      .filter(([, field]) => fieldMeta(field as z.ZodType).secret === true)
      .map(([key]) => key),
  ),
)
/** Catches fields that a service adds without saying that they are secret. */
const SECRET_LOOKING = /password|secret|token|apikey|privatekey/i

export function redact(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, redactValue(key, value)]))
}

function redactValue(key: string, value: unknown): unknown {
  if (value === undefined || value === null || value === '') return value
  if (typeof value === 'string') {
    const masked = maskUrlPassword(value)
    if (!SECRET_KEYS.has(key) && !SECRET_LOOKING.test(key)) return masked
    // A broker address is worth showing; its password is not. Slack's and webhook's URLs are secrets as a whole.
    return /^(amqps?|smtps?):/.test(value) ? masked : MASK
  }
  if (SECRET_KEYS.has(key) || SECRET_LOOKING.test(key)) return MASK
  if (typeof value === 'object' && !Array.isArray(value)) return redact(value as Record<string, unknown>)
  return value
}

function maskUrlPassword(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/@\s:]*:)[^@/\s]+@/i, `$1${MASK}@`)
}
