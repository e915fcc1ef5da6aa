/** What others reach with the same kind of job on this machine (measure.ts); `npm run bench -- ingest` sets them beside the product. */
import { type Figure, figure } from '../shared/figures.ts'
import { withServers } from '../shared/servers.ts'
import { countsOf, measurePeers } from './measure.ts'

export async function run({ quick, json }: { quick: boolean; json: boolean }): Promise<Figure[]> {
  const say = (line: string): void => void (json || process.stderr.write(`${line}\n`))
  return withServers(['kafka'], say, async (env) =>
    (await measurePeers(env, countsOf(quick), say)).map(({ name, pace }) =>
      figure(`${name}, topic → topic`, Math.round(pace.perSecond), 'observations/s', '>=', 0),
    ),
  )
}
