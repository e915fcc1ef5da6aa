/** `isobar deploy`: topics, schemas and tables on the servers the environment names; the one-shot before services start. */
import type { Command } from 'commander'
import { logBlock, readConfig } from '../infra/runtime/config/index.ts'
import { createLogger } from '../infra/runtime/log.ts'
import { deploy } from './start/deploy.ts'

export function register(program: Command): void {
  program
    .command('deploy')
    .description('bring broker, registry and store to what this version needs (safe to repeat)')
    .action(async () => {
      const log = createLogger('deploy', readConfig(logBlock, process.env).logLevel)
      await deploy(process.env, log)
      process.stderr.write('topics, schemas and tables are in place\n')
    })
}
