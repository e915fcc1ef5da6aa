/** The place of work that nobody waits for, on a machine that does other work as well. */
import { readdirSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'

/** Nice value: a thirtieth of a core that somebody else wants, too; all of one that nobody does. */
const BACKGROUND_PRIORITY = 15
const SELF = 0

/**
 * The whole process. On Linux a priority is a thread's own, and only threads that are started later inherit it: those that the engine has
 * started by now, in which it collects garbage and compiles, are lowered one by one.
 */
export function lowerProcessPriority(): void {
  const threads = process.platform === 'linux' ? readdirSync('/proc/self/task').map(Number) : [SELF]
  for (const thread of threads) lower(thread)
}

/** The calling thread, on Linux. Elsewhere it would be the process, in which somebody may be waited for. */
export function lowerThreadPriority(): void {
  if (process.platform === 'linux') lower(SELF)
}

/** Whoever has been given less already keeps that: only the superuser may raise it. */
function lower(thread: number): void {
  if (getPriority(thread) < BACKGROUND_PRIORITY) setPriority(thread, BACKGROUND_PRIORITY)
}
