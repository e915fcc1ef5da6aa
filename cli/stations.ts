/** `isobar stations`: the stations the system knows. */
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { apiGet, apiPost } from './api-client.ts'
import { CliError, EXIT } from './exit.ts'
import { printJson, printTable, talk } from './output.ts'

type Station = {
  readonly stationId: string
  readonly name: string
  readonly latitude: number
  readonly longitude: number
  readonly provider: string
}
type AddOptions = {
  readonly name: string
  readonly latitude: string
  readonly longitude: string
  readonly elevation?: string
  readonly timezone?: string
}

export function register(program: Command): void {
  const stations = program.command('stations').description('stations: list, add, import')
  stations
    .command('list')
    .option('--json', 'as JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const answer = await apiGet<{ stations: Station[] }>('/v1/stations', { limit: 1000 })
      if (json) return printJson(answer)
      printTable(answer.stations, [
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
    .requiredOption('--name <name>')
    .requiredOption('--latitude <degrees>', 'north')
    .requiredOption('--longitude <degrees>', 'east')
    .option('--elevation <metres>')
    .option('--timezone <zone>', 'IANA name, for example Europe/Dublin')
    .addHelpText(
      'after',
      '\nExample:\n  isobar stations add roof --name "Our roof" --latitude 53.35 --longitude -6.26 --timezone Europe/Dublin',
    )
    .action(async (stationId: string, { name, latitude, longitude, elevation, timezone }: AddOptions) => {
      const body = {
        stationId,
        name,
        latitude: Number(latitude),
        longitude: Number(longitude),
        ...(elevation === undefined ? {} : { elevationM: Number(elevation) }),
        ...(timezone === undefined ? {} : { timezone }),
      }
      printJson(await apiPost('/v1/stations', body))
    })
  stations
    .command('import <file>')
    .description('add the stations of a JSON array')
    .action(async (file: string) => {
      let list: unknown
      try {
        list = JSON.parse(await readFile(file, 'utf8'))
      } catch (error) {
        throw new CliError(`${file}: ${(error as Error).message}`, EXIT.usage)
      }
      if (!Array.isArray(list)) throw new CliError(`${file} does not hold a JSON array of stations`, EXIT.usage)
      for (const station of list as Station[]) {
        await apiPost('/v1/stations', station)
        talk(`added ${station.stationId}`)
      }
    })
}
