/** `isobar stations`: the stations the system knows. */
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { apiGet, apiPost } from './api-client.ts'
import { decimalNumber } from './arguments.ts'
import { CliError, EXIT } from './exit.ts'
import { printJson, printTable, talk } from './output.ts'

type Station = {
  readonly stationId: string
  readonly name: string
  readonly latitude: number
  readonly longitude: number
  readonly provider: string
}
const PAGE = 1000
type AddOptions = {
  readonly name: string
  readonly latitude: number
  readonly longitude: number
  readonly elevation?: number
  readonly timezone?: string
  readonly dryRun?: boolean
}
type Page = { readonly stations: Station[]; readonly next: string | null }

export function register(program: Command): void {
  const stations = program.command('stations').description('stations: list, add, import')
  stations
    .command('list')
    .description('every station that the system knows')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  isobar stations list\n  isobar stations list --json')
    .action(async ({ json }: { json?: boolean }) => {
      const found = await allStations()
      if (json) return printJson({ stations: found })
      printTable(found, [
        { title: 'id', value: ({ stationId }) => stationId },
        { title: 'name', value: ({ name }) => name },
        { title: 'latitude', value: ({ latitude }) => latitude },
        { title: 'longitude', value: ({ longitude }) => longitude },
        { title: 'provider', value: ({ provider }) => provider },
      ])
    })
  stations
    .command('add <stationId>')
    .description('add a station (key with the scope operate in ISOBAR_API_KEY)')
    .requiredOption('--name <name>', 'as people call it')
    .requiredOption('--latitude <degrees>', 'north', decimalNumber)
    .requiredOption('--longitude <degrees>', 'east', decimalNumber)
    .option('--elevation <metres>', 'above sea level', decimalNumber)
    .option('--timezone <zone>', 'IANA name, for example Europe/Dublin')
    .option('--dry-run', 'show what would be sent')
    .option('--json', 'as JSON (it always is)')
    .addHelpText(
      'after',
      '\nExample:\n  isobar stations add roof --name "Our roof" --latitude 53.35 --longitude -6.26 --timezone Europe/Dublin',
    )
    .action(async (stationId: string, { name, latitude, longitude, elevation, timezone, dryRun }: AddOptions) => {
      const body = {
        stationId,
        name,
        latitude,
        longitude,
        ...(elevation === undefined ? {} : { elevationM: elevation }),
        ...(timezone === undefined ? {} : { timezone }),
      }
      printJson(dryRun ? body : await apiPost('/v1/stations', body))
    })
  stations
    .command('import <file>')
    .description(
      'add the stations of a JSON array, as POST /v1/stations takes them (key with the scope operate in ISOBAR_API_KEY)',
    )
    .option('--dry-run', 'read the file and say which are new')
    .option('--json', 'counts as JSON')
    .addHelpText(
      'after',
      `
Example, with stations.json
  [{ "stationId": "roof", "name": "Our roof", "latitude": 53.35, "longitude": -6.26, "timezone": "Europe/Dublin" }]

  isobar stations import stations.json --dry-run`,
    )
    .action(async (file: string, { dryRun, json }: { dryRun?: boolean; json?: boolean }) => {
      const list = await readStations(file)
      const known = new Set(dryRun ? (await allStations()).map(({ stationId }) => stationId) : [])
      let added = 0
      for (const station of list) {
        if (dryRun) {
          talk(`${station.stationId} ${known.has(station.stationId) ? 'is known already' : 'would be added'}`)
          continue
        }
        const { status } = await apiPost<{ status: string }>('/v1/stations', station)
        talk(`${station.stationId} is ${status}`)
        if (status === 'added') added++
      }
      if (json) printJson({ stations: list.length, added })
    })
}

async function allStations(): Promise<Station[]> {
  const found: Station[] = []
  let after: string | undefined
  do {
    const page = await apiGet<Page>('/v1/stations', { limit: PAGE, after })
    found.push(...page.stations)
    after = page.next ?? undefined
  } while (after !== undefined)
  return found
}

async function readStations(file: string): Promise<ReadonlyArray<{ readonly stationId: string }>> {
  let list: unknown
  try {
    list = JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new CliError(
      isMissing ? `${file} does not exist` : `${file}: ${(error as Error).message}`,
      isMissing ? EXIT.notFound : EXIT.usage,
    )
  }
  const isStation = (one: unknown): boolean => typeof (one as { stationId?: unknown } | null)?.stationId === 'string'
  if (!Array.isArray(list) || !list.every(isStation))
    throw new CliError(`${file} does not hold a JSON array of stations, each with a stationId`, EXIT.usage)
  return list as Array<{ stationId: string }>
}
