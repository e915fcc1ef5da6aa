/** `isobar events tail`: what is in the topics, decoded. */
import type { Command } from 'commander'
import { kafkaBlock, readConfig, registryBlock } from '../infra/runtime/config/index.ts'
import { startFollower } from '../infra/runtime/kafka/index.ts'
import { createLogger } from '../infra/runtime/log.ts'
import { TOPIC_NAMES } from '../schemas/topics.ts'
import { countingNumber } from './arguments.ts'
import { serverEnv } from './running.ts'
import { topicNamed } from './topic-named.ts'

const log = createLogger('cli', 'error')

export function register(program: Command): void {
  const events = program.command('events').description('events in the topics')
  events
    .command('tail')
    .description('decoded events as they come, one JSON object a line')
    .option('--topic <topic...>', 'topics (default: all)')
    .option('--station <id>', 'only events of this station')
    .option('--from-beginning', 'everything that is still in the topics first')
    .option('--limit <n>', 'end after this many', countingNumber)
    .option('--json', 'as JSON (it always is: one object a line)')
    .addHelpText('after', '\nExample:\n  isobar events tail --topic weather.forecast.v1 --station jfk --limit 1')
    .action(async (options: { topic?: string[]; station?: string; fromBeginning?: boolean; limit?: number }) => {
      const topics = (options.topic ?? [...TOPIC_NAMES]).map(topicNamed)
      const limit = options.limit ?? Number.POSITIVE_INFINITY
      const env = serverEnv()
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
}
