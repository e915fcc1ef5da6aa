/** `isobar start`: the whole system on this machine, on real servers. */
import type { Command } from 'commander'
import { MAX_SPEED } from '../../producers/replay/config.ts'
import { collect, positiveNumber } from '../arguments.ts'
import { CliError, EXIT } from '../exit.ts'
import type { StartOptions } from './options.ts'

export function register(program: Command): void {
  program
    .command('start')
    .description('start everything on this machine and replay the bundled observations (Ctrl-C stops it)')
    .option(
      '--speed <hours>',
      'event hours replayed per second throughout (default: a fast-forward to shortly before the drift, then 2; with --demo 6)',
      positiveNumber,
    )
    .option('--live <provider>', 'instead of the replay: real observations of open-meteo or metar, with --station')
    .option('--station <station>', 'with --live: tokyo@35.69,139.69 (open-meteo), KJFK (metar); repeatable', collect, [])
    .option('--demo', 'tell the story stage by stage and judge it')
    .option('--exit', 'with --demo: stop when the story has ended; exit 1 unless every stage happened')
    .option('--json', 'with --demo --exit: the result as JSON on stdout')
    .option('--max-minutes <n>', 'with --exit: give up after this long', positiveNumber, 12)
    .addHelpText(
      'after',
      '\nExamples:\n  isobar start\n  isobar start --speed 10\n  isobar start --demo --exit --json\n  isobar start --live metar --station KJFK --station KEWR',
    )
    .action(async (options: StartOptions) => {
      validate(options)
      const { start } = await import('./start.ts')
      process.exitCode = await start(options)
    })
}

function validate(options: StartOptions): void {
  if (options.live !== undefined && (options.demo || options.speed !== undefined))
    throw new CliError(
      '--live goes neither with --demo nor with --speed: the story and its speed belong to the replay',
      EXIT.usage,
    )
  if (options.live === undefined && options.station.length > 0) throw new CliError('--station goes with --live', EXIT.usage)
  if (options.speed !== undefined && options.speed > MAX_SPEED)
    throw new CliError(`--speed is at most ${MAX_SPEED} hours per second`, EXIT.usage)
  if (options.exit && !options.demo) throw new CliError('--exit goes with --demo', EXIT.usage)
}
