/** What to ask Open-Meteo for one station, from the resume point on: the archive for what is long past, the forecast API for the rest. */
import { AppError, messageOf } from '../../infra/runtime/errors.ts'
import type { Observation, Station } from '../../schemas/generated/types.ts'
import type { HttpFetch } from '../shared/http-fetch.ts'
import { VARIABLES, currentObservation, hourlyObservations, parseAnswers } from './parse.ts'

const DAY_MS = 86_400_000
/** The forecast API reaches 92 days back; its analyses are newer and finer than the archive's. */
const FORECAST_PAST_DAYS = 90
/** Days in one archive request; longer ones count as many calls in the provider's limits. */
const ARCHIVE_DAYS = 31

export type OpenMeteoUrls = { readonly forecast: string; readonly archive: string }

/** Observations in time order, in portions as they arrive. `from`, `now`: epoch ms. */
export async function* fetchOpenMeteo(
  station: Pick<Station, 'stationId' | 'latitude' | 'longitude'>,
  span: { readonly from: number; readonly now: number },
  deps: { readonly fetch: HttpFetch; readonly urls: OpenMeteoUrls; readonly signal: AbortSignal },
): AsyncGenerator<Observation[]> {
  const { now } = span
  const recentFrom = Math.floor(now / DAY_MS) * DAY_MS - FORECAST_PAST_DAYS * DAY_MS
  for (let start = Math.floor(span.from / DAY_MS) * DAY_MS; start < recentFrom; start += ARCHIVE_DAYS * DAY_MS) {
    const end = Math.min(start + (ARCHIVE_DAYS - 1) * DAY_MS, recentFrom - DAY_MS)
    const [answer] = await ask(deps.urls.archive, { hourly: hourlyVariables(), start_date: day(start), end_date: day(end) })
    if (answer) yield hourlyObservations(answer, station.stationId, now, now)
  }
  const pastDays = Math.min(FORECAST_PAST_DAYS, Math.max(0, Math.ceil((now - span.from) / DAY_MS)))
  const variables = hourlyVariables()
  const [answer] = await ask(deps.urls.forecast, {
    hourly: variables,
    current: variables,
    past_days: String(pastDays),
    forecast_days: '1',
  })
  if (!answer) return
  const current = currentObservation(answer, station.stationId, now)
  yield [...hourlyObservations(answer, station.stationId, now, now), ...(current ? [current] : [])]

  async function ask(base: string, query: Record<string, string>): Promise<ReturnType<typeof parseAnswers>> {
    const url = new URL(base)
    const fixed = {
      timeformat: 'unixtime',
      timezone: 'GMT',
      wind_speed_unit: 'ms',
      temperature_unit: 'celsius',
      precipitation_unit: 'mm',
    }
    const place = { latitude: String(station.latitude), longitude: String(station.longitude) }
    for (const [name, value] of Object.entries({ ...place, ...query, ...fixed })) url.searchParams.set(name, value)
    const result = await deps.fetch(url, deps.signal)
    if (result.kind !== 'ok') return []
    try {
      return parseAnswers(JSON.parse(new TextDecoder().decode(result.body)))
    } catch (error) {
      if (error instanceof AppError) throw error
      throw new AppError(`Open-Meteo answered no JSON: ${messageOf(error)}`, {
        code: 'provider-format',
        retry: 'transient',
        cause: error,
      })
    }
  }
}

function hourlyVariables(): string {
  return Object.values(VARIABLES).join(',')
}

function day(instantMs: number): string {
  return new Date(instantMs).toISOString().slice(0, 10)
}
