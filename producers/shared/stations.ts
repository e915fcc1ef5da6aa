/** Stations of a producer, from JSON: a file, or the text itself. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { AppError, messageOf } from '../../infra/runtime/errors.ts'
import type { Station } from '../../schemas/generated/types.ts'
import { STATION_ID_PATTERN } from '../../schemas/quantities.ts'

const StationId = z.string().regex(STATION_ID_PATTERN)

const StationList = z
  .array(
    z.object({
      stationId: StationId,
      name: z.string().min(1),
      latitude: z.number().min(-90).max(90),
      longitude: z.number().min(-180).max(180),
      elevationM: z.number().nullable().default(null),
      timezone: z.string().default('UTC').refine(isTimeZone, 'not an IANA time zone'),
      provider: z.string().min(1),
      providerStationId: z.string().min(1),
      kind: z.string().default('unknown'),
    }),
  )
  .min(1)

/** Stations of the JSON list in `text`, or in the file of that path. Throws AppError 'stations-invalid'. */
export async function readStations(text: string, validFrom: number): Promise<Station[]> {
  const isInline = text.trimStart().startsWith('[')
  const where = isInline ? 'stations' : `stations file ${text}`
  let json: unknown
  try {
    json = JSON.parse(isInline ? text : await readFile(text, 'utf8'))
  } catch (error) {
    throw new AppError(`${where}: ${messageOf(error)}`, { code: 'stations-invalid', retry: 'permanent', cause: error })
  }
  const parsed = StationList.safeParse(json)
  if (!parsed.success)
    throw new AppError(`${where}: ${z.prettifyError(parsed.error)}`, { code: 'stations-invalid', retry: 'permanent' })
  return parsed.data.map((station) => ({ ...station, validFrom }))
}

function isTimeZone(name: string): boolean {
  return Intl.supportedValuesOf('timeZone').includes(name) || name === 'UTC'
}
