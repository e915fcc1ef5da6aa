/** `isobar`: the one composition root. Each verb group is loaded only when it is used. */
import { Command, CommanderError } from 'commander'
import { CliError, EXIT } from './exit.ts'

type VerbGroup = { register(program: Command): void }

/** Verb → the file that has it. */
const GROUPS: Readonly<Record<string, () => Promise<VerbGroup>>> = {
  start: () => import('./start/command.ts'),
  run: () => import('./run.ts'),
  deploy: () => import('./deploy.ts'),
  stations: () => import('./stations.ts'),
  ingest: () => import('./ingest.ts'),
  forecast: () => import('./forecast.ts'),
  skill: () => import('./skill.ts'),
  evaluate: () => import('./evaluate/command.ts'),
  models: () => import('./models.ts'),
  events: () => import('./events.ts'),
  dlq: () => import('./dlq.ts'),
  alerts: () => import('./alerts.ts'),
  doctor: () => import('./doctor/command.ts'),
  config: () => import('./config.ts'),
  keys: () => import('./keys.ts'),
  topics: () => import('./topics.ts'),
  rebuild: () => import('./rebuild.ts'),
  reset: () => import('./reset.ts'),
}

async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('isobar')
    .description('Calibrated station-level weather forecasts as an event stream.')
    .showHelpAfterError('(isobar --help shows all verbs)')
    .exitOverride()
  const verb = argv[0]
  const wanted = verb !== undefined && GROUPS[verb] ? [GROUPS[verb]] : Object.values(GROUPS)
  for (const load of wanted) (await load()).register(program)
  try {
    await program.parseAsync(argv, { from: 'user' })
    return Number(process.exitCode ?? EXIT.ok)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    if (error instanceof CliError) {
      process.stderr.write(`isobar: ${error.message}\n`)
      return error.exitCode
    }
    throw error
  }
}

process.exit(await main(process.argv.slice(2)))
