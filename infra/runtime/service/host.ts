/** Runs the parts of one service: owning, closing in reverse order, readiness, loops, failure. No signals, no HTTP, no exit. */
import type { z } from 'zod'
import { createClock } from '../clock.ts'
import { type Environment, readConfig } from '../config/index.ts'
import { messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import { type Metrics, createMetrics } from '../metrics.ts'
import type { Ownable, Readiness, Service } from './define.ts'

export type HostedService = {
  readonly name: string
  readonly metrics: Metrics
  start(): Promise<void>
  /** Closes everything owned, in reverse order, also after a partial start. Resolves with what could not be closed. */
  close(): Promise<Error[]>
  readiness(): Array<{ name: string; state: Readiness }>
  loops(): Array<{ name: string; lastTickAgeMs: number }>
}

export function hostService(
  service: Service,
  options: { env: Environment; log: Logger; onFailure: (error: unknown) => void },
): HostedService {
  const { log, onFailure } = options
  const metrics = createMetrics(service.name)
  const owned: Ownable[] = []
  const checks: Array<{ name: string; check: () => Readiness }> = []
  const loops: Array<{ name: string; age: () => number }> = []
  const draining = new AbortController()
  let state: 'starting' | 'running' | 'draining' = 'starting'

  const register = (thing: Ownable): void => {
    const label = `${service.name}#${owned.length}`
    owned.push(thing)
    if (typeof thing.readiness === 'function') checks.push({ name: label, check: () => thing.readiness?.() ?? { ready: true } })
    if (typeof thing.lastTickAgeMs === 'function') loops.push({ name: label, age: () => thing.lastTickAgeMs?.() ?? 0 })
    if (thing.failed instanceof Promise) thing.failed.catch((error: unknown) => onFailure(error))
  }

  return {
    name: service.name,
    metrics,
    async start() {
      const config = readConfig<z.ZodObject>(service.config, options.env)
      await service.start({
        config,
        log,
        metrics,
        clock: createClock(config['clock'] === 'stream' ? 'stream' : 'system'),
        signal: draining.signal,
        fail: onFailure,
        addReadiness: (name, check) => void checks.push({ name: `${service.name}/${name}`, check }),
        addLoop: (name, age) => void loops.push({ name: `${service.name}/${name}`, age }),
        own: async (thing) => {
          const resolved = await thing
          register(resolved)
          return resolved
        },
      })
      if (state === 'starting') state = 'running'
    },
    async close() {
      state = 'draining'
      draining.abort()
      const errors: Error[] = []
      for (const thing of owned.splice(0).toReversed()) {
        try {
          if (thing.stop) await thing.stop()
          else await thing.close?.()
        } catch (error) {
          log.error({ error }, 'could not close a part')
          errors.push(error instanceof Error ? error : new Error(messageOf(error)))
        }
      }
      return errors
    },
    readiness() {
      const own: Readiness = state === 'running' ? { ready: true } : { ready: false, reason: state }
      return [{ name: service.name, state: own }, ...checks.map(({ name, check }) => ({ name, state: check() }))]
    },
    loops: () => loops.map(({ name, age }) => ({ name, lastTickAgeMs: age() })),
  }
}
