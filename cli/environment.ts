/**
 * The environment as the launcher and the verbs use it. What they hand to others under its own name (addresses of servers above all) may
 * stand in a file as everywhere (NAME_FILE): read here, so that nobody downstream finds both.
 */
import { z } from 'zod'
import { environmentName, readConfig } from '../infra/runtime/config/index.ts'

const text = z.string().optional()
const HandedOn = z.object({
  kafkaBrokers: text,
  schemaRegistryUrl: text,
  clickhouseUrl: text,
  amqpUrl: text,
  smtpUrl: text,
  artifactStore: text,
  httpPort: text,
  publicRead: text,
  publicRateLimitPerMinute: text,
  trainingWorkers: text,
})

/** Throws AppError `config-invalid`: a file that cannot be read, or a variable that is set in both ways. */
export function ownEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const own = { ...env }
  for (const [key, value] of Object.entries(readConfig(HandedOn, env))) {
    const name = environmentName(key)
    delete own[`${name}_FILE`]
    own[name] = value
  }
  return own
}
