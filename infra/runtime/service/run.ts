/**
 * Several services in one process: config of all checked first, one probe server, one deadline, one exit code.
 * SIGTERM, SIGINT or a lost IPC parent drains; a second signal forces the exit.
 */
import { type Environment, processBlock, readConfig } from '../config/index.ts'
import { AppError, messageOf } from '../errors.ts'
import { createLogger } from '../log.ts'
import { createProcessRegistry, exposeMetrics, registerReadiness } from '../metrics.ts'
import { lowerProcessPriority } from './background.ts'
import type { Service } from './define.ts'
import { type HostedService, hostService } from './host.ts'
import { type ProbeServer, openProbeServer } from './probes.ts'

const EXIT = { ok: 0, failure: 1, usage: 2 } as const
const DRAIN_DEADLINE_MS = 10_000

export type RunOptions = {
  /** Wall milliseconds for the orderly stop; then the process exits with code 1. */
  readonly drainDeadlineMs?: number
  /** Called once everything is started, with the address of the probes. */
  readonly onStarted?: (info: { probeUrl: string }) => void
  /** How the process ends; tests pass their own. */
  readonly exit?: (code: number) => void
  /** Where signals and the IPC disconnect come from. */
  readonly signals?: Pick<NodeJS.Process, 'on' | 'off'>
  readonly lowerPriority?: () => void
}

export type RunningServices = {
  readonly probeUrl: string
  /** Drains as a signal would and resolves with the exit code, without exiting. */
  stop(): Promise<number>
}

/** Resolves when all services have started; rejects (everything closed again) when one could not. */
export async function startServices(
  services: readonly Service[],
  env: Environment,
  options: { onFailure: (error: unknown) => void },
): Promise<RunningServices> {
  const { logLevel, metricsPort, probeHost } = readProcessConfig(services, env)
  const processRegistry = createProcessRegistry()
  const hosted = services.map((service) =>
    hostService(service, { env, log: createLogger(service.name, logLevel), onFailure: options.onFailure }),
  )
  registerReadiness(processRegistry, () => hosted.flatMap((service) => service.readiness()))
  const probes = await openProbeServer({
    port: metricsPort,
    host: probeHost,
    sources: {
      liveness: () => hosted.flatMap((service) => service.loops()),
      readiness: () => hosted.flatMap((service) => service.readiness()),
      metrics: () => exposeMetrics([processRegistry, ...hosted.map((service) => service.metrics.registry)]),
    },
  })
  try {
    await Promise.all(hosted.map((service) => service.start()))
  } catch (error) {
    await closeAll(hosted, probes)
    throw error
  }
  return {
    probeUrl: probes.url,
    stop: async () => ((await closeAll(hosted, probes)).length === 0 ? EXIT.ok : EXIT.failure),
  }
}

/** Starts the services and ends the process when they end. The exit code is 0 after a signal, 1 after a failure, 2 for bad config. */
export async function runServices(services: readonly Service[], env: Environment, options: RunOptions = {}): Promise<void> {
  const signals = options.signals ?? process
  const exit = options.exit ?? ((code: number) => process.exit(code))
  const log = createLogger('runtime', 'info')
  let running: RunningServices | null = null
  let ending = false

  const end = async (code: number): Promise<void> => {
    ending = true
    const deadline = setTimeout(() => {
      log.error('drain deadline passed; exiting with work unfinished (it will be redelivered)')
      exit(EXIT.failure)
    }, options.drainDeadlineMs ?? DRAIN_DEADLINE_MS)
    const stopCode = running ? await running.stop() : EXIT.ok
    clearTimeout(deadline)
    exit(code === EXIT.ok ? stopCode : code)
  }
  const onSignal = (): void => {
    if (ending) exit(EXIT.failure)
    else void end(EXIT.ok)
  }
  const onFailure = (error: unknown): void => {
    log.fatal({ error }, `ending because of: ${messageOf(error)}`)
    // A failure before everything has started is answered once start() settles.
    firstFailure ??= error
    if (!ending && running) void end(EXIT.failure)
  }
  let firstFailure: unknown
  signals.on('SIGTERM', onSignal)
  signals.on('SIGINT', onSignal)
  signals.on('disconnect', onSignal)

  // Before anything is started: threads inherit it.
  if (services.every(({ isBackground }) => isBackground)) (options.lowerPriority ?? lowerProcessPriority)()
  try {
    running = await startServices(services, env, { onFailure })
  } catch (error) {
    const usage = error instanceof AppError && error.code === 'config-invalid'
    log.fatal(usage ? {} : { error }, messageOf(error))
    exit(usage ? EXIT.usage : EXIT.failure)
    return
  }
  if (ending) await end(EXIT.ok)
  else if (firstFailure !== undefined) await end(EXIT.failure)
  else options.onStarted?.({ probeUrl: running.probeUrl })
}

/** Every service's config and the process's, all problems in one error. */
function readProcessConfig(services: readonly Service[], env: Environment): ReturnType<typeof readProcess> {
  const problems = new Set<string>()
  for (const { config } of [{ config: processBlock }, ...services]) {
    try {
      readConfig(config, env)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      for (const problem of error.context['problems'] as string[]) problems.add(problem)
    }
  }
  if (problems.size > 0) {
    const lines = [...problems]
    throw new AppError(`invalid configuration:\n${lines.map((line) => `  ${line}`).join('\n')}`, {
      code: 'config-invalid',
      retry: 'permanent',
      context: { problems: lines },
    })
  }
  return readProcess(env)
}

function readProcess(env: Environment) {
  return readConfig(processBlock, env)
}

async function closeAll(hosted: readonly HostedService[], probes: ProbeServer): Promise<Error[]> {
  const errors = (await Promise.all(hosted.map((service) => service.close()))).flat()
  await probes.close()
  return errors
}
