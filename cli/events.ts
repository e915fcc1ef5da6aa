/** `isobar events tail` and `isobar dlq`: what is in the topics, decoded; what could not be processed, and sending it again. */
import type { Command } from 'commander'
import { kafkaBlock, readConfig, registryBlock } from '../infra/runtime/config/index.ts'
import { countDeadLetters, openPublisher, readDeadLetters, redrive, startFollower } from '../infra/runtime/kafka/index.ts'
import { createLogger } from '../infra/runtime/log.ts'
import { TOPIC_NAMES, type TopicName } from '../schemas/topics.ts'
import { CliError, EXIT } from './exit.ts'
import { printJson, printTable, talk } from './output.ts'
import { serverEnv } from './running.ts'

const log = createLogger('cli', 'error')

export function register(program: Command): void {
  const events = program.command('events').description('events in the topics')
  events
    .command('tail')
    .description('decoded events as they come, one JSON object a line')
    .option('--topic <topic...>', 'topics (default: all)')
    .option('--station <id>', 'only events of this station')
    .option('--from-beginning', 'everything that is still in the topics first')
    .option('--limit <n>', 'end after this many')
    .addHelpText('after', '\nExample:\n  isobar events tail --topic weather.forecast.v1 --station jfk --limit 1')
    .action(async (options: { topic?: string[]; station?: string; fromBeginning?: boolean; limit?: string }) => {
      const env = serverEnv()
      const topics = (options.topic ?? [...TOPIC_NAMES]).map(topicNamed)
      const limit = options.limit === undefined ? Number.POSITIVE_INFINITY : Number(options.limit)
      let shown = 0
      const enough = Promise.withResolvers<void>()
      const follower = await startFollower({
        config: { ...readConfig(kafkaBlock, env), ...readConfig(registryBlock, env) },
        log,
        name: 'cli-tail',
        topics,
        from: options.fromBeginning ? 'beginning' : 'end',
        onEvents: (batch) => {
          for (const { topic, key, partition, offset, value } of batch) {
            if (shown >= limit) return
            if (options.station !== undefined && (value as { stationId?: string } | null)?.stationId !== options.station) continue
            shown++
            process.stdout.write(`${JSON.stringify({ topic, key, partition, offset, value })}\n`)
            if (shown >= limit) enough.resolve()
          }
        },
      })
      process.once('SIGINT', () => enough.resolve())
      await Promise.race([enough.promise, follower.failed])
      await follower.stop()
    })

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
      const shown = letters.map(({ key, value, headers, ...rest }) => ({ ...rest, key: key?.toString() ?? null, bytes: value?.length ?? 0, headers: Object.keys(headers) }))
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
      const publisher = await openPublisher({ config: { ...kafka, ...readConfig(registryBlock, env) }, name: 'cli-redrive', log })
      try {
        talk(`${await redrive(publisher, letters)} sent again`)
      } finally {
        await publisher.close()
      }
    })
}

function topicNamed(name: string): TopicName {
  const found = TOPIC_NAMES.find((topic) => topic === name)
  if (!found) throw new CliError(`no topic named ${name}; there are: ${TOPIC_NAMES.join(', ')}`, EXIT.usage)
  return found
}
