/**
 * A silence: alerts that match every matcher are not told while it lasts. Kept as rows of `processor_state`
 * (processor `alert-silence`, stateKey = id, state = this object as JSON); the API writes them, alert policy reads them.
 * Instants are ISO 8601 with Z, on the event-time clock (live: the wall clock).
 */
export const SILENCE_PROCESSOR = 'alert-silence'

export type SilenceMatcher = {
  /** A label name, or `rule` or `severity`. */
  readonly label: string
  /** `=~` and `!~` are anchored regular expressions, as in Alertmanager. A missing label is the empty string. */
  readonly op: '=' | '!=' | '=~' | '!~'
  readonly value: string
}

export type Silence = {
  readonly id: string
  /** At least one. */
  readonly matchers: readonly SilenceMatcher[]
  readonly startsAt: string
  readonly endsAt: string
  readonly createdBy: string
  readonly comment: string
}
