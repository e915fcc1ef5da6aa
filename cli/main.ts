/** `isobar`: the one composition root. */
import { CommanderError } from 'commander'
import { type AppError, isAppError } from '../infra/runtime/errors.ts'
import { CliError, EXIT } from './exit.ts'
import { createProgram } from './program.ts'

async function main(argv: readonly string[]): Promise<number> {
  const program = await createProgram(argv[0])
  try {
    await program.parseAsync(argv, { from: 'user' })
    return Number(process.exitCode ?? EXIT.ok)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    if (error instanceof CliError) {
      process.stderr.write(`isobar: ${error.message}\n`)
      return error.exitCode
    }
    // What adapters report is meant for people: what, where and why; anything else is a defect and keeps its stack.
    if (isAppError(error)) {
      process.stderr.write(`isobar: ${error.message}\n`)
      return exitOf(error)
    }
    throw error
  }
}

function exitOf({ code, cause, retry }: AppError): number {
  if (code === 'config-invalid' || code === 'csv-header') return EXIT.usage
  if ((cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return EXIT.notFound
  return retry === 'transient' ? EXIT.unavailable : EXIT.failure
}

process.exit(await main(process.argv.slice(2)))
