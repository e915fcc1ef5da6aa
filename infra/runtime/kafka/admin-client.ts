/** A kafkajs admin for one piece of work. */
import type { Admin } from 'kafkajs'
import type { KafkaConfig } from '../config/index.ts'
import { AppError, messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import { RETRY, openKafka } from './connection.ts'

/** Rejects AppError `kafka-unavailable` (transient) for whatever kafkajs rejects with; gives up after some seconds. */
export async function withAdmin<T>(config: KafkaConfig, log: Logger, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = openKafka(config, 'isobar-admin', log).admin({ retry: { ...RETRY, retries: 8 } })
  try {
    await admin.connect()
    return await work(admin)
  } catch (error) {
    if (error instanceof AppError) throw error
    throw new AppError(`Kafka: ${messageOf(error)}`, { code: 'kafka-unavailable', retry: 'transient', cause: error })
  } finally {
    await admin.disconnect()
  }
}
