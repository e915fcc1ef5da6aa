/** `isobar doctor`: what this machine and the system on it lack, each with the command that helps. */
import type { Command } from 'commander'
import { ownEnvironment } from '../environment.ts'
import { EXIT } from '../exit.ts'
import { printJson, printTable } from '../output.ts'
import { hasFailed, judge } from './judge.ts'
import { lookAround } from './probes.ts'

export function register(program: Command): void {
  program
    .command('doctor')
    .description('check this machine, the servers and the pipeline; exit 1 when something fails. Changes nothing')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  isobar doctor\n  isobar doctor --json')
    .action(async ({ json }: { json?: boolean }) => {
      const checks = judge(await lookAround(ownEnvironment()))
      if (json) printJson({ ok: !hasFailed(checks), checks })
      else
        printTable(checks, [
          { title: 'status', value: ({ status }) => status },
          { title: 'check', value: ({ check }) => check },
          { title: 'found', value: ({ detail }) => detail },
          { title: 'fix', value: ({ fix }) => fix },
        ])
      process.exitCode = hasFailed(checks) ? EXIT.failure : EXIT.ok
    })
}
