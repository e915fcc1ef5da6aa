/** One observation of a batch: what it says, or every reason why it cannot be taken. Pure. */
import { QUANTITIES, type Quantity, STATION_ID_PATTERN } from '../../schemas/quantities.ts'
import { nearest } from '../nearest.ts'
import { parseInstant } from '../params.ts'
import { type ProblemError, unknownName } from '../problems.ts'
import type { Observation } from '../../schemas/generated/types.ts'

export type Kind = Observation['kind']
export type Reported = { readonly stationId: string; readonly observedAt: number; readonly kind: Kind } & {
  readonly [Q in Quantity]: number | null
}
export type ItemContext = {
  readonly stationIds: readonly string[]
  readonly hasStation: (stationId: string) => boolean
  /** Event time, epoch ms; 0: no time is known yet, and nothing can be from the future. */
  readonly now: number
  readonly clockMode: 'system' | 'stream'
}

export const KINDS: readonly Kind[] = ['observation', 'analysis', 'model-fill']
const FIELDS: readonly string[] = ['stationId', 'observedAt', 'kind', ...QUANTITIES]
/** Clocks of stations may be this far ahead. */
const FUTURE_TOLERANCE_MS = 10 * 60_000
/** The store's instants begin here. */
const FIRST_INSTANT = Date.UTC(1900, 0, 1)

export function readItem(item: unknown, pointer: string, context: ItemContext): Reported | ProblemError[] {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) {
    return [
      {
        detail: 'An observation is an object.',
        pointer,
        code: 'not-an-object',
        fix: 'Send {"stationId": …, "observedAt": …, …}.',
      },
    ]
  }
  const given = item as Record<string, unknown>
  const errors: ProblemError[] = []
  for (const name of Object.keys(given)) {
    if (!FIELDS.includes(name)) errors.push(unknownName('variable', name, FIELDS, { pointer: `${pointer}/${name.slice(0, 80)}` }))
  }
  const stationId = readStation(given['stationId'], pointer, context, errors)
  const observedAt = readInstant(given['observedAt'], pointer, context, errors)
  const kind = readKind(given['kind'], pointer, errors)
  const values: Partial<Record<Quantity, number | null>> = {}
  for (const quantity of QUANTITIES) values[quantity] = readValue(given[quantity], quantity, pointer, errors)
  if (errors.length === 0 && Object.values(values).every((value) => value === null)) {
    errors.push({
      detail: 'Nothing was observed.',
      pointer,
      code: 'empty',
      fix: `Give at least one of: ${QUANTITIES.join(', ')}.`,
    })
  }
  if (errors.length > 0) return errors
  return { stationId, observedAt, kind, ...values } as Reported
}

function readStation(value: unknown, pointer: string, context: ItemContext, errors: ProblemError[]): string {
  const where = `${pointer}/stationId`
  if (typeof value !== 'string' || value === '') {
    errors.push({ detail: 'stationId is missing.', pointer: where, code: 'missing', fix: 'Name the station.' })
    return ''
  }
  if (!STATION_ID_PATTERN.test(value) || !context.hasStation(value)) {
    const near = nearest(value, context.stationIds)
    errors.push({
      detail: `Unknown station '${value.slice(0, 80)}'.${near ? ` Did you mean '${near}'?` : ''}`,
      pointer: where,
      code: 'unknown-station',
      fix: near ? `Use '${near}', or add the station with POST /v1/stations.` : 'Add it first with POST /v1/stations.',
    })
  }
  return value
}

function readInstant(value: unknown, pointer: string, { now, clockMode }: ItemContext, errors: ProblemError[]): number {
  const where = `${pointer}/observedAt`
  const at = typeof value === 'string' ? parseInstant(value) : null
  if (at === null) {
    errors.push({
      detail: `observedAt is ${value === undefined ? 'missing' : 'not an ISO 8601 instant'}.`,
      pointer: where,
      code: 'invalid-instant',
      fix: 'Write UTC like 2013-05-01T12:00:00Z.',
    })
    return 0
  }
  if (at < FIRST_INSTANT) {
    errors.push({ detail: 'observedAt is before 1900.', pointer: where, code: 'too-old', fix: 'Correct the year.' })
  }
  if (now > 0 && at > now + FUTURE_TOLERANCE_MS) {
    const clock = clockMode === 'stream' ? 'a replay runs and its event time is' : 'it is'
    errors.push({
      detail: `observedAt is in the future: ${clock} ${new Date(now).toISOString()}.`,
      pointer: where,
      code: 'future-timestamp',
      fix:
        clockMode === 'stream'
          ? 'Send observations up to the event time of the replay.'
          : 'Check the clock and the time zone of the station.',
    })
  }
  return at
}

function readKind(value: unknown, pointer: string, errors: ProblemError[]): Kind {
  if (value === undefined) return 'observation'
  const kind = KINDS.find((known) => known === value)
  if (kind === undefined) errors.push(unknownName('kind', String(value), KINDS, { pointer: `${pointer}/kind` }))
  return kind ?? 'observation'
}

function readValue(value: unknown, quantity: Quantity, pointer: string, errors: ProblemError[]): number | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'number' && Number.isFinite(value)) return value
  errors.push({
    detail: `${quantity} is ${typeof value === 'number' ? 'not finite' : `${JSON.stringify(value)?.slice(0, 40)}, not a number`}.`,
    pointer: `${pointer}/${quantity}`,
    code: 'not-a-number',
    fix: 'Send a finite number, or null when it was not observed.',
  })
  return null
}
