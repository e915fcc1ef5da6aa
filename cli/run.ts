/** `isobar run <service…>`: services in the foreground, configured by the environment alone (docs/configuration.md). */
import type { Command } from 'commander'
import { runServices } from '../infra/runtime/service/index.ts'
import { unknownName } from './arguments.ts'
import { CliError, EXIT } from './exit.ts'
import { loadServices, SERVICES } from './services.ts'

export function register(program: Command): void {
  program
    .command('run')
    .argument('<service...>', `any of: ${Object.keys(SERVICES).join(', ')}`)
    .description('run services in this process until SIGTERM')
    .addHelpText(
      'after',
      `
Examples:
  isobar run quality-control features archive
  REPLICA_ID=replica-2 isobar run inference
  isobar run api                     (docs/configuration.md has the variables of each)`,
    )
    .action(async (names: string[]) => {
      for (const name of names)
        if (!SERVICES[name]) throw new CliError(unknownName('service', name, Object.keys(SERVICES)), EXIT.usage)
      await runServices(await loadServices(names), process.env)
      // runServices ends the process itself, after SIGTERM or a failure.
      await new Promise(() => {})
    })
}
