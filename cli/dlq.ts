/** `isobar dlq`: what could not be processed and why, and sending it again. */
import type { Command } from 'commander'
import { kafkaBlock, readConfig, registryBlock } from '../infra/runtime/config/index.ts'
import { countDeadLetters, openPublisher, readDeadLetters, redrive } from '../infra/runtime/kafka/index.ts'
import { createLogger } from '../infra/runtime/log.ts'
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
    .option('--limit <n>', 'the newest n', '20')
    .option('--json', 'as JSON')
    .action(async (topic: string, { limit, json }: { limit: string; json?: boolean }) => {
      const letters = await readDeadLetters(readConfig(kafkaBlock, serverEnv()), log, topicNamed(topic), { limit: Number(limit) })
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
    .option('--offsets <list>', 'only these, separated by commas')
    .option('--dry-run', 'say how many')
    .action(async (topic: string, { offsets, dryRun }: { offsets?: string; dryRun?: boolean }) => {
      const env = serverEnv()
      const kafka = readConfig(kafkaBlock, env)
      const only = offsets?.split(',').map(Number)
      const letters = await readDeadLetters(kafka, log, topicNamed(topic), only ? { onlyOffsets: only } : {})
      if (dryRun) return talk(`${letters.length} would be sent again`)
      const publisher = openPublisher({ config: { ...kafka, ...readConfig(registryBlock, env) }, name: 'cli-redrive', log })
      try {
        talk(`${await redrive(publisher, letters)} sent again`)
      } finally {
        await publisher.close()
      }
    })
}
