/** What to ask Meteostat for one station: the JSON API where there is a key, the bulk files of the years otherwise. */
import { gunzipSync } from 'node:zlib'
import { AppError, messageOf } from '../../infra/runtime/errors.ts'
import type { Observation, Station } from '../../schemas/generated/types.ts'
import type { HttpFetch } from '../shared/http-fetch.ts'
import { parseBulkCsv, parseHourlyJson } from './parse.ts'

const DAY_MS = 86_400_000
/** Longest span of one hourly call of the JSON API. */
const DAYS_PER_CALL = 30
/** Unpacked year of one station is about 1 MB. */
const LARGEST_FILE_BYTES = 64 * 1024 * 1024

export type MeteostatAccess = {
  readonly fetch: HttpFetch
  readonly signal: AbortSignal
  readonly apiUrl: string
  readonly bulkUrl: string
  /** Null: bulk files. */
  readonly apiKey: string | null
}

/** Observations from `from` to `now` (epoch ms), in portions. Years and stations without a file are empty. */
export async function* fetchMeteostat(
  station: Pick<Station, 'stationId' | 'providerStationId'>,
  { from, now }: { readonly from: number; readonly now: number },
  access: MeteostatAccess,
): AsyncGenerator<Observation[]> {
  const head = { stationId: station.stationId, receivedAt: now }
  const isWanted = (o: Observation): boolean => o.observedAt >= from && o.observedAt <= now
  if (access.apiKey === null) {
    for (let year = new Date(from).getUTCFullYear(); year <= new Date(now).getUTCFullYear(); year++) {
      const url = new URL(`${access.bulkUrl.replace(/\/$/, '')}/${year}/${encodeURIComponent(station.providerStationId)}.csv.gz`)
      const answer = await access.fetch(url, access.signal)
      if (answer.kind === 'ok') yield parseBulkCsv(unpack(answer.body), head).filter(isWanted)
    }
    return
  }
  for (let start = from; start <= now; start += DAYS_PER_CALL * DAY_MS) {
    const url = new URL(access.apiUrl)
    const end = Math.min(now, start + (DAYS_PER_CALL - 1) * DAY_MS)
    // model=true is the API's default, and fills gaps without saying so.
    const query = { station: station.providerStationId, start: day(start), end: day(end), model: 'false', units: 'metric' }
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    const answer = await access.fetch(url, access.signal, { 'x-rapidapi-key': access.apiKey, 'x-rapidapi-host': url.host })
    if (answer.kind === 'ok') yield parseHourlyJson(toJson(answer.body), head, false).filter(isWanted)
  }
}

/** Some mirrors and HTTP layers have unpacked the file already. */
function unpack(body: Uint8Array): string {
  try {
    const isGzip = body[0] === 0x1f && body[1] === 0x8b
    return new TextDecoder().decode(isGzip ? gunzipSync(body, { maxOutputLength: LARGEST_FILE_BYTES }) : body)
  } catch (error) {
    throw new AppError(`Meteostat file cannot be unpacked: ${messageOf(error)}`, {
      code: 'provider-format',
      retry: 'transient',
      cause: error,
    })
  }
}

function toJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body))
  } catch (error) {
    throw new AppError(`Meteostat answered no JSON: ${messageOf(error)}`, {
      code: 'provider-format',
      retry: 'transient',
      cause: error,
    })
  }
}

function day(instantMs: number): string {
  return new Date(instantMs).toISOString().slice(0, 10)
}
