/** Asks the Aviation Weather Center for the reports of several stations. */
import { AppError, messageOf } from '../../infra/runtime/errors.ts'
import type { HttpFetch } from '../shared/http-fetch.ts'
import { parseReports } from './parse.ts'
import type { ParsedReports } from './parse.ts'

/** An answer holds 400 reports at most; a station sends up to about three an hour. */
const REPORTS_PER_ANSWER = 400
const REPORTS_PER_HOUR = 3
/** How far back a new station is fetched: what one answer can hold. The API remembers 15 days. */
export const HISTORY_HOURS = Math.floor(REPORTS_PER_ANSWER / REPORTS_PER_HOUR)

/** Answers in groups of stations small enough that none is cut off. `hours`: how far back. */
export async function* fetchReports(
  icaoIds: readonly string[],
  hours: number,
  deps: { readonly fetch: HttpFetch; readonly url: string; readonly signal: AbortSignal; readonly receivedAt: number },
): AsyncGenerator<ParsedReports> {
  const span = Math.min(HISTORY_HOURS, Math.max(1, Math.ceil(hours)))
  const perAnswer = Math.max(1, Math.floor(REPORTS_PER_ANSWER / (span * REPORTS_PER_HOUR)))
  for (let from = 0; from < icaoIds.length; from += perAnswer) {
    const url = new URL(deps.url)
    url.searchParams.set('ids', icaoIds.slice(from, from + perAnswer).join(','))
    url.searchParams.set('format', 'json')
    url.searchParams.set('hours', String(span))
    const answer = await deps.fetch(url, deps.signal)
    if (answer.kind !== 'ok') continue
    const text = new TextDecoder().decode(answer.body)
    if (text.trim() === '') continue
    let json: unknown
    try {
      json = JSON.parse(text)
    } catch (error) {
      throw new AppError(`METAR answer is no JSON: ${messageOf(error)}`, {
        code: 'provider-format',
        retry: 'transient',
        cause: error,
      })
    }
    yield parseReports(json, deps.receivedAt)
  }
}
