/** `isobar run <service…>`: services in the foreground, configured by the environment alone (docs/configuration.md). */
import type { Command } from 'commander'
import { runServices } from '../infra/runtime/service/index.ts'
import { CliError, EXIT } from './exit.ts'
import { loadServices, SERVICES } from './services.ts'

export function register(program: Command): void {
  program
    .command('run')
    .argument('<service...>', `any of: ${Object.keys(SERVICES).join(', ')}`)
    .description('run services in this process until SIGTERM')
    .action(async (names: string[]) => {
      const unknown = names.filter((name) => !SERVICES[name])
      if (unknown.length > 0)
        throw new CliError(`no service named ${unknown.join(', ')}; there are: ${Object.keys(SERVICES).join(', ')}`, EXIT.usage)
      await runServices(await loadServices(names), process.env)
      // runServices ends the process itself, after SIGTERM or a failure.
      await new Promise(() => {})
    })
}
