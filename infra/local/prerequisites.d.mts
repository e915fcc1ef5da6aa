export type Part = 'kafka' | 'registry' | 'rabbitmq'
export type Environment = Readonly<Record<string, string | undefined>>
/** What the JVM is told to find a server's classes: where the jars are, and an archive of the classes in them where there is one. */
export type JavaServer = { classPath: string[]; archive: string | null }
export type Prerequisites = {
  java: { command: string; env: Record<string, string>; version: string } | null
  kafka: JavaServer | null
  /** Apicurio Registry. */
  registry: JavaServer | null
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
