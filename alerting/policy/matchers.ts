/** Which alerts a matcher means. Regular expressions come from operators: they run with a time limit, so none can stall the service. */
import { createContext, Script } from 'node:vm'
import { z } from 'zod'
import type { Silence, SilenceMatcher } from '../../schemas/silence.ts'

export type Labelled = { readonly rule: string; readonly severity: string; readonly labels: Readonly<Record<string, string>> }

const REGEX_TIME_LIMIT_MS = 50
const MAX_VALUE_CHARACTERS = 1000
const CACHE_ENTRIES = 10_000

export const silenceSchema = z
  .object({
    id: z.string().min(1),
    matchers: z
      .array(z.object({ label: z.string().min(1), op: z.enum(['=', '!=', '=~', '!~']), value: z.string().max(500) }))
      .min(1),
    startsAt: z.iso.datetime(),
    endsAt: z.iso.datetime(),
    createdBy: z.string(),
    comment: z.string(),
  })
  .refine(({ matchers }) => matchers.every(isCompilable), 'a matcher is not a regular expression')

export function labelValue(alert: Labelled, label: string): string {
  if (label === 'rule') return alert.rule
  if (label === 'severity') return alert.severity
  return alert.labels[label] ?? ''
}

export function isMatching(matcher: SilenceMatcher, alert: Labelled): boolean {
  const value = labelValue(alert, matcher.label)
  switch (matcher.op) {
    case '=':
      return value === matcher.value
    case '!=':
      return value !== matcher.value
    case '=~':
      return testRegex(matcher.value, value) === true
    case '!~':
      // An expression that ran out of time matches nothing, in either direction: an alert too many is the lesser harm.
      return testRegex(matcher.value, value) === false
  }
}

/** The first silence in force at `now` (event time) that means this alert. */
export function silencedBy(alert: Labelled, silences: readonly Silence[], now: number): Silence | undefined {
  return silences.find(
    ({ matchers, startsAt, endsAt }) =>
      Date.parse(startsAt) <= now && now < Date.parse(endsAt) && matchers.every((matcher) => isMatching(matcher, alert)),
  )
}

const sandbox = createContext(Object.create(null) as object)
const cache = new Map<string, boolean | 'too-slow'>()

function testRegex(pattern: string, value: string): boolean | 'too-slow' {
  const text = value.slice(0, MAX_VALUE_CHARACTERS)
  const key = JSON.stringify([pattern, text])
  const known = cache.get(key)
  if (known !== undefined) return known
  if (cache.size >= CACHE_ENTRIES) cache.clear()
  let result: boolean | 'too-slow'
  try {
    // JSON is a JavaScript literal: pattern and text enter as data.
    const source = `new RegExp(${JSON.stringify(anchored(pattern))}, 'u').test(${JSON.stringify(text)})`
    result = new Script(source).runInContext(sandbox, { timeout: REGEX_TIME_LIMIT_MS }) as boolean
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
    result = 'too-slow'
  }
  cache.set(key, result)
  return result
}

function anchored(pattern: string): string {
  return `^(?:${pattern})$`
}

function isCompilable({ op, value }: SilenceMatcher): boolean {
  if (op === '=' || op === '!=') return true
  try {
    return new RegExp(anchored(value), 'u') instanceof RegExp
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}
