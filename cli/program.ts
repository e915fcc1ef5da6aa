/** The verbs of `isobar`. Each group is loaded only when it is used. */
import { Command, Option } from 'commander'
import { VERSION } from '../infra/runtime/version.ts'
import { EXIT } from './exit.ts'

type VerbGroup = { register(program: Command): void }

/** Verb → the file that has it. */
const GROUPS: Readonly<Record<string, () => Promise<VerbGroup>>> = {
  start: () => import('./start/command.ts'),
  run: () => import('./run.ts'),
  deploy: () => import('./deploy.ts'),
  stations: () => import('./stations.ts'),
  ingest: () => import('./ingest.ts'),
  replay: () => import('./replay.ts'),
  backfill: () => import('./backfill/command.ts'),
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

const EXIT_CODES = `
Data go to stdout, talk to stderr. Exit codes: ${EXIT.ok} ok, ${EXIT.failure} failure, ${EXIT.usage} wrong use, ${EXIT.notFound} not found, ${EXIT.unavailable} not reachable.`

/** With the group of `verb` alone when it is one; else with all of them. */
export async function createProgram(verb?: string): Promise<Command> {
  const program = new Command('isobar')
    .description('Calibrated station-level weather forecasts as an event stream.')
    .version(VERSION)
    // Else the --version of isobar would take that of a verb: models promote --version.
    .enablePositionalOptions()
    .showHelpAfterError('(isobar --help shows all verbs)')
    .addHelpText('afterAll', EXIT_CODES)
    .exitOverride()
  const wanted = verb !== undefined && GROUPS[verb] ? [GROUPS[verb]] : Object.values(GROUPS)
  for (const load of wanted) (await load()).register(program)
  acceptNoInput(program)
  return program
}

/** No verb asks for anything; scripts may say all the same that nobody is there to answer. */
function acceptNoInput(command: Command): void {
  command.addOption(new Option('--no-input', 'never ask').hideHelp())
  for (const child of command.commands) acceptNoInput(child)
}
