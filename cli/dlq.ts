/** `isobar dlq`: what could not be processed and why, and sending it again. */
import type { Command } from 'commander'
import { kafkaBlock, readConfig, registryBlock } from '../infra/runtime/config/index.ts'
import { countDeadLetters, openPublisher, readDeadLetters, redrive } from '../infra/runtime/kafka/index.ts'
import { createLogger } from '../infra/runtime/log.ts'
import { recordWith } from './audit.ts'
import { countingNumber, wholeNumbers } from './arguments.ts'
import { printJson, printTable, talk } from './output.ts'
import { serverEnv } from './running.ts'
import { topicNamed } from './topic-named.ts'

const log = createLogger('cli', 'error')

export function register(program: Command): void {
  const dlq = program.command('dlq').description('dead letters: list, show, redrive')
  dlq
    .command('list')
    .description('how many there are, by topic')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  isobar dlq list --json')
    .action(async ({ json }: { json?: boolean }) => {
      const counts = await countDeadLetters(readConfig(kafkaBlock, serverEnv()), log)
      if (json) return printJson(counts)
      printTable(counts, [
        { title: 'topic', value: ({ topic }) => topic },
        { title: 'dead letters', value: ({ count }) => count },
      ])
    })
  dlq
    .command('show <topic>')
    .description('the dead letters of a topic, with why')
    .option('--limit <n>', 'the newest n', countingNumber, 20)
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExample:\n  isobar dlq show weather.observation.v1 --limit 5')
    .action(async (topic: string, { limit, json }: { limit: number; json?: boolean }) => {
      const name = topicNamed(topic)
      const letters = await readDeadLetters(readConfig(kafkaBlock, serverEnv()), log, name, { limit })
      const shown = letters.map(({ key, value, headers, ...rest }) => ({
        ...rest,
        key: key?.toString() ?? null,
        bytes: value?.length ?? 0,
        headers: Object.keys(headers),
      }))
      if (json) return printJson(shown)
      printTable(shown, [
        { title: 'offset', value: ({ offset }) => offset },
        { title: 'from', value: ({ partition, originalOffset }) => `${partition}/${originalOffset}` },
        { title: 'code', value: ({ errorCode }) => errorCode },
        { title: 'step', value: ({ step }) => step },
        { title: 'why', value: ({ errorMessage }) => errorMessage },
      ])
    })
  dlq
    .command('redrive <topic>')
    .description('send dead letters to their topic again, as they were')
    .option('--offsets <list>', 'only these (as dlq show numbers them), separated by commas', wholeNumbers)
    .option('--dry-run', 'say how many')
    .option('--json', 'the count as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  isobar dlq redrive weather.observation.v1 --dry-run\n  isobar dlq redrive weather.observation.v1 --offsets 3,4',
    )
    .action(async (topic: string, { offsets, dryRun, json }: { offsets?: number[]; dryRun?: boolean; json?: boolean }) => {
      const name = topicNamed(topic)
      const env = serverEnv()
      const kafka = readConfig(kafkaBlock, env)
      const letters = await readDeadLetters(kafka, log, name, offsets ? { onlyOffsets: offsets } : {})
      const told = (sent: number): void => {
        if (json) printJson({ topic: name, found: letters.length, sent })
        else talk(dryRun ? `${letters.length} would be sent again` : `${sent} sent again`)
      }
      if (dryRun) return told(0)
      const publisher = openPublisher({ config: { ...kafka, ...readConfig(registryBlock, env) }, name: 'cli-redrive', log })
      try {
        const sent = await redrive(publisher, letters)
        told(sent)
        await recordWith(publisher, { action: 'dlq.redrive', subject: name, details: { sent: String(sent) } })
      } finally {
        await publisher.close()
      }
    })
}
