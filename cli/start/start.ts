/** Brings everything up in order, keeps it up, takes it down. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { buildDashboard } from '../../api/dashboard/build.ts'
import { defaultDataDir, type LocalStack, PARTS, startLocalStack } from '../../infra/local/stack.ts'
import { choosePorts } from '../../infra/local/ports.ts'
import type { ChildSpec } from '../../infra/local/supervisor.ts'
import { pause } from '../../infra/runtime/backoff.ts'
import { createLogger } from '../../infra/runtime/log.ts'
import { demoScenario } from '../../producers/replay/demo-scenario.ts'
import { configuredChannels } from '../channels.ts'
import { ownEnvironment } from '../environment.ts'
import { CliError, EXIT } from '../exit.ts'
import type { StartOptions } from './options.ts'
import { deploy, serverEnvironment } from './deploy.ts'
import { firstKey } from './first-key.ts'
import { openOnHttpPort } from './http-port.ts'
import { livePlan, type ProducerPlan, replayPlan } from './producers.ts'
import { tellOfProvider } from './provider-state.ts'
import { PROCESS_COUNT, processSpecs } from './processes.ts'
import { elapsedSeconds, say, sayStage, stageTable, welcome } from './screen.ts'
import { type StoryWatch, watchStory } from './watch.ts'

const DEFAULT_SPEED = 2
const DEMO_SPEED = 6
const SAME_PRESS_MS = 500
/** Whoever sees the start screen opens the page: the cores are left to it, and to the first forecasts, for so long. */
const LATE_SERVERS_MS = 10_000
const PRODUCER_PROBE = `probe${PROCESS_COUNT - 1}`

/** Resolves with the exit code, once everything has been stopped again. */
export async function start(options: StartOptions): Promise<number> {
  const interrupted = onInterrupt()
  const given = ownEnvironment()
  const channels = configuredChannels(given)
  // The client's warnings about brokers that are still electing are no news for a person; failures are thrown.
  const log = createLogger('start', 'error')
  const speed = options.speed ?? (options.demo ? DEMO_SPEED : DEFAULT_SPEED)
  const producers =
    options.live === undefined
      ? replayPlan({ speed, throughout: options.speed !== undefined }, demoScenario)
      : livePlan(options.live, options.station)
  say(
    options.live === undefined
      ? `replay of the bundled observations at ${speed} h per second`
      : `live observations of ${producers.stationIds.join(', ')} from ${options.live}`,
  )

  const [stack] = await Promise.all([bringUpServers(), buildDashboard().then(() => say('dashboard built'))])
  if (stack.own === null) {
    throw new CliError(
      `Isobar already runs on ${stack.dataDir}; stop that one first, or set ISOBAR_HOME to another folder for a second one`,
    )
  }
  let watch: StoryWatch | null = null
  const leaving = new AbortController()
  let stopTelling = (): void => {}
  try {
    if (interrupted.fired()) return EXIT.ok
    const env = serverEnvironment(stack.urls, given)
    await deploy(env, log)
    say('topics, schemas and tables are in place')
    const key = await firstKey(env)
    let firstForecastSeconds: number | null = null
    if (producers.story) {
      watch = await watchStory(env, producers.story, log, (announcement) => {
        if (announcement.stage === 'forecast') firstForecastSeconds ??= elapsedSeconds()
        sayStage(announcement)
      })
    }
    const { httpUrl, producerUrl } = await bringUpServices(stack, env, producers)
    say(`${producers.services.join(', ')} started`)
    const stationId = producers.stationIds[0] ?? 'STATION'
    process.stderr.write(
      welcome({ httpUrl, stationId, outboxDir: stack.outboxDir, channels, hasMailServer: Boolean(given['SMTP_URL']), key }),
    )
    if (options.live !== undefined) stopTelling = tellOfProvider(producerUrl, say)
    const lateServers = pause(LATE_SERVERS_MS, leaving.signal).then(() =>
      leaving.signal.aborted ? undefined : stack.startLate(),
    )
    const ended = await waitForEnd(options, interrupted.signal, watch, lateServers)
    if (!options.exit || watch === null) return EXIT.ok
    if (ended === 'interrupted') say('interrupted before the story ended')
    return judge(options, watch, firstForecastSeconds)
  } finally {
    say('stopping')
    leaving.abort()
    stopTelling()
    await watch?.stop()
    await stack.stop()
    say('stopped')
  }

  async function bringUpServers(): Promise<LocalStack> {
    say(`starting ${PARTS.join(', ')}`)
    return startLocalStack({
      dataDir: defaultDataDir(given),
      env: given,
      say,
      // Only alerting needs these two, and it waits for them by itself: until forecasts are served the cores are for those who serve them.
      late: ['rabbitmq', 'mail'],
      // For tests that kill a process again and again.
      ...(process.env['ISOBAR_RESTART_MAX_MS'] ? { maxBackoffMs: Number(process.env['ISOBAR_RESTART_MAX_MS']) } : {}),
      onEvent: (event) => {
        if (event.kind === 'ready') say(`${event.name} is up (${event.seconds.toFixed(1)} s)`)
        if (event.kind === 'waiting') say(`${event.name} is not ready after ${event.seconds.toFixed(0)} s: ${event.reason}`)
        if (event.kind === 'crashed')
          say(`${event.name} crashed, restarting in ${(event.restartInMs / 1000).toFixed(1)} s: ${event.detail}`)
      },
    })
  }
}

async function bringUpServices(stack: LocalStack, env: NodeJS.ProcessEnv, producers: ProducerPlan) {
  const own = stack.own as NonNullable<LocalStack['own']>
  const probeNames = Array.from({ length: PROCESS_COUNT }, (_, index) => `probe${index}`)
  const ports = await choosePorts(probeNames, {})
  const plan = {
    urls: stack.urls,
    artifactStore: env['ARTIFACT_STORE'] ?? `file:${stack.dataDir}/artifacts`,
    outboxDir: stack.outboxDir,
    probePorts: probeNames.map((name) => ports[name] as number),
    clock: producers.clock,
    producers: producers.services,
    producerUpWhen: producers.upWhen,
    compileCacheDir: join(stack.dataDir, 'compile-cache'),
    producerEnv: producers.env,
    env: { ...env, ISOBAR_RUN_ID: randomUUID() },
  }
  // Only the API has to know the port, and it may get another one than was free a moment ago.
  const specsOn = (httpPort: number) => processSpecs({ ...plan, httpPort })
  const apiOn = (httpPort: number) => specsOn(httpPort).services.find(({ name }) => name === 'api') as ChildSpec
  const { services, producer } = specsOn(0)
  const [httpPort] = await Promise.all([
    openOnHttpPort(env, (port) => own.supervisor.start(apiOn(port))),
    ...[...services, producer].filter(({ name }) => name !== 'api').map((spec) => own.supervisor.start(spec)),
  ])
  const httpUrl = `http://127.0.0.1:${httpPort}`
  const probes = [...services, producer].map(
    ({ name }, index) => [`probe.${name}`, `http://127.0.0.1:${ports[`probe${index}`]}`] as const,
  )
  own.runFile.setExtra({ httpUrl, artifactStore: plan.artifactStore, ...Object.fromEntries(probes) })
  return { httpUrl, producerUrl: `http://127.0.0.1:${ports[PRODUCER_PROBE] as number}` }
}

async function waitForEnd(
  options: StartOptions,
  interrupted: Promise<void>,
  watch: StoryWatch | null,
  lateServers: Promise<void>,
): Promise<'complete' | 'interrupted' | 'gave-up'> {
  const waits: Array<Promise<'complete' | 'interrupted' | 'gave-up'>> = [
    interrupted.then(() => 'interrupted' as const),
    // They end nothing by coming up, only by failing to.
    lateServers.then(() => new Promise<never>(() => {})),
  ]
  if (watch) waits.push(watch.failed)
  let timer: NodeJS.Timeout | undefined
  if (options.exit && watch) {
    waits.push(watch.complete.then(() => 'complete' as const))
    waits.push(
      new Promise((resolve) => {
        timer = setTimeout(() => resolve('gave-up'), options.maxMinutes * 60_000)
      }),
    )
  }
  try {
    return await Promise.race(waits)
  } finally {
    clearTimeout(timer)
  }
}

function judge(options: StartOptions, watch: StoryWatch, firstForecastSeconds: number | null): number {
  const stages = watch.stages()
  const startup = { toFirstForecastSeconds: firstForecastSeconds, totalSeconds: elapsedSeconds() }
  if (options.json) process.stdout.write(`${JSON.stringify({ stages, startup }, null, 2)}\n`)
  else process.stdout.write(`\n${stageTable(stages)}\n`)
  return stages.every(({ ok }) => ok) ? EXIT.ok : EXIT.failure
}

/**
 * The first SIGINT or SIGTERM asks for an orderly end; the second ends at once (the next start cleans up). One press can arrive twice, to
 * this process as a member of its group and passed on by its parent: what follows at once is not a second one.
 */
function onInterrupt(): { signal: Promise<void>; fired: () => boolean } {
  let firedAt: number | null = null
  const signal = new Promise<void>((resolve) => {
    const handle = (): void => {
      if (firedAt !== null && performance.now() - firedAt < SAME_PRESS_MS) return
      if (firedAt !== null) process.exit(EXIT.failure)
      firedAt = performance.now()
      resolve()
    }
    process.on('SIGINT', handle)
    process.on('SIGTERM', handle)
  })
  return { signal, fired: () => firedAt !== null }
}
