/** What a service is: a name, a config schema and a start function that wires its parts. */
import type { z } from 'zod'
import type { Clock } from '../clock.ts'
import type { Logger } from '../log.ts'
import type { Metrics } from '../metrics.ts'

export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string }

/**
 * Something a service owns. It is closed in reverse order of owning. What it also offers is wired by itself:
 * `readiness()` joins /readyz, `lastTickAgeMs()` joins /livez, a rejection of `failed` ends the process.
 */
export type Ownable = {
  close?(): Promise<void> | void
  stop?(): Promise<void> | void
  readiness?(): Readiness
  lastTickAgeMs?(): number
  readonly failed?: Promise<never>
}

export type Own = <T extends object>(thing: T | Promise<T>) => Promise<T>

export type ServiceContext<Config> = {
  readonly config: Config
  readonly own: Own
  /** Event time of this service: its own stream position, whatever other services of the process have seen. */
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  readonly addReadiness: (name: string, check: () => Readiness) => void
  /** A loop that must tick: /livez fails when the age passes 60 s. */
  readonly addLoop: (name: string, lastTickAgeMs: () => number) => void
  /** Ends the process with a non-zero exit code, after an orderly close. */
  readonly fail: (error: unknown) => void
  /** Aborted when draining begins. */
  readonly signal: AbortSignal
}

export type Service<Schema extends z.ZodObject = z.ZodObject> = {
  readonly name: string
  readonly config: Schema
  /** Nobody waits for it: a process that runs nothing else has low priority, so that live work on the same machine goes first. */
  readonly isBackground?: boolean
  /** A method, so that services of different configs fit in one list. */
  start(context: ServiceContext<z.output<Schema>>): Promise<void> | void
}

/** `start` resolves when everything is wired; what runs on is owned. */
export function defineService<Schema extends z.ZodObject>(service: Service<Schema>): Service<Schema> {
  return service
}
