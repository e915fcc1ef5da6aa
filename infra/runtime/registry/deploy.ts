/** Deploy step for the registry: every topic's schema under `<topic>-value`, compatibility FULL_TRANSITIVE. */
import { SCHEMA_BY_TOPIC } from '../../../schemas/generated/types.ts'
import { TOPIC_NAMES } from '../../../schemas/topics.ts'
import type { RegistryConfig } from '../config/index.ts'
import { AppError } from '../errors.ts'
import type { Logger } from '../log.ts'
import { openRegistry } from './client.ts'

/** Registers all schemas; unchanged ones keep their id. Throws `schema-incompatible` naming the subject, or `registry-unavailable`. */
export async function registerSchemas(config: RegistryConfig, log?: Logger): Promise<Array<{ subject: string; id: number }>> {
  const registry = openRegistry(config)
  const registered: Array<{ subject: string; id: number }> = []
  for (const topic of TOPIC_NAMES) {
    const subject = `${topic}-value`
    const { id } = await registry.register(subject, SCHEMA_BY_TOPIC[topic])
    log?.debug({ subject, id }, 'schema registered')
    registered.push({ subject, id })
  }
  return registered
}

/** Subjects whose schema is not there as this version writes it. Changes nothing; throws `registry-unavailable`. */
export async function unregisteredSubjects(config: RegistryConfig): Promise<string[]> {
  const registry = openRegistry(config)
  const missing: string[] = []
  for (const topic of TOPIC_NAMES) {
    const subject = `${topic}-value`
    try {
      await registry.findId(subject, SCHEMA_BY_TOPIC[topic])
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'schema-not-registered') throw error
      missing.push(subject)
    }
  }
  return missing
}
