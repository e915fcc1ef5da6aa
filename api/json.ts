/** Events as JSON of the HTTP edge: instants as ISO 8601 with Z, what is not a number as null, everything else as in the topic. */

/** Fields that hold instants, in every schema (timestamp-millis). */
export const INSTANT_FIELDS: ReadonlySet<string> = new Set([
  'at',
  'changePointAt',
  'changePointFrom',
  'changePointTo',
  'changedAt',
  'dataFrom',
  'dataTo',
  'endsAt',
  'evidenceFrom',
  'evidenceTo',
  'featureKnownAt',
  'firstOriginAt',
  'issuedAt',
  'knownAt',
  'lastOriginAt',
  'observedAt',
  'receivedAt',
  'requestedAt',
  'since',
  'startsAt',
  'validAt',
  'validFrom',
  'verifiedAt',
  'verifiedUntil',
])

export function iso(epochMs: number): string {
  return new Date(epochMs).toISOString()
}

/** The event with its instants as text, also in nested records. */
export function withIsoInstants(event: object): Record<string, unknown> {
  return JSON.parse(eventJson(event)) as Record<string, unknown>
}

/** The same as text. */
export function eventJson(event: object): string {
  return JSON.stringify(event, (name, value: unknown) =>
    typeof value === 'number' && INSTANT_FIELDS.has(name) ? iso(value) : value,
  )
}
