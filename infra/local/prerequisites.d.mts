export type Part = 'kafka' | 'registry' | 'rabbitmq'
export type Environment = Readonly<Record<string, string | undefined>>
export type Prerequisites = {
  java: { command: string; env: Record<string, string> } | null
  /** Folder with Kafka's jars. */
  kafkaJars: string | null
  /** Folder with Apicurio Registry's runner jar and its lib folder. */
  apicurio: string | null
  rabbitmq: { server: string; epmd: string; env: Record<string, string> } | null
}
export const KAFKA_VERSION: string
export const APICURIO_VERSION: string
export class MissingPrerequisites extends Error {
  missing: string[]
}
export function ensurePrerequisites(options?: {
  parts?: readonly Part[]
  say?: (line: string) => void
  env?: Environment
}): Promise<Prerequisites>
/** Where a program comes from: PATH, unpacked in the cache, by the next start, or nowhere. */
export type Source = 'system' | 'cache' | 'fetchable' | 'missing'
export type Inspection = { java: Source; maven: Source; rabbitmq: Source; servers: boolean }
export function inspectPrerequisites(env?: Environment): Promise<Inspection>
export function installLine(names: ReadonlyArray<'java' | 'maven' | 'rabbitmq' | 'chromium'>): string | null
