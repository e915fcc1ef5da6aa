/** CPU time of each service of a started system that has nothing to do: the local servers and services of `isobar start`, no producer. */
import { setTimeout as sleep } from 'node:timers/promises'
import { deploy } from '../../cli/start/deploy.ts'
import { processSpecs, PROCESS_COUNT } from '../../cli/start/processes.ts'
import { choosePorts } from '../../infra/local/ports.ts'
import { PARTS } from '../../infra/local/stack.ts'
import { createLogger } from '../../infra/runtime/log.ts'
import { type Figure, figure } from '../shared/figures.ts'
import { type BenchProcess, cpuSecondsOf, startProcess } from '../shared/processes.ts'
import { withServers } from '../shared/servers.ts'

const GOAL_PERCENT = 1
const SETTLE_MS = 20_000
const READY_MS = 120_000

export async function run({ quick, json }: { quick: boolean; json: boolean }): Promise<Figure[]> {
  const say = (line: string): void => void (json || process.stderr.write(`${line}\n`))
  if (process.platform !== 'linux') throw new Error('idle reads /proc, which this system does not have')
  return withServers(PARTS, say, async (env, directory, urls) => {
    await deploy(env, createLogger('bench', 'warn'))
    const names = Array.from({ length: PROCESS_COUNT + 1 }, (_, index) => `port${index}`)
    const ports = await choosePorts(names, {})
    const { services } = processSpecs({
      urls,
      artifactStore: env['ARTIFACT_STORE'] as string,
      outboxDir: `${directory}/outbox`,
      httpPort: ports[names[PROCESS_COUNT] as string] as number,
      probePorts: names.slice(0, PROCESS_COUNT).map((name) => ports[name] as number),
      clock: 'stream',
      producers: [],
      producerUpWhen: '/readyz',
      compileCacheDir: `${directory}/compile-cache`,
      producerEnv: {},
      env: { ...process.env, ...env },
    })
    const running: Array<{ name: string; hosted: number; process: BenchProcess }> = []
    try {
      for (const { name, command, args, env: own } of services) {
        // `… run SERVICE…`: several services may share a process, and the goal is for each.
        const hosted = args.length - 1 - args.lastIndexOf('run')
        running.push({ name, hosted, process: startProcess(command, args, own as Record<string, string>) })
      }
      await Promise.all(services.map(({ name, env: own }) => untilReady(name, `http://127.0.0.1:${own['METRICS_PORT']}/readyz`)))
      say(`${services.length} processes are ready; waiting ${SETTLE_MS / 1000} s for them to come to rest`)
      await sleep(SETTLE_MS)
      const cpu = (): number[] => running.map(({ process: { pid } }) => cpuSecondsOf(pid) as number)
      const before = cpu()
      const from = performance.now()
      await Promise.race([sleep(quick ? 60_000 : 180_000), ...running.map(({ process: { failed } }) => failed)])
      const seconds = (performance.now() - from) / 1000
      return cpu().map((after, i) => {
        const { name, hosted } = running[i] as (typeof running)[number]
        const percent = (100 * (after - (before[i] as number))) / seconds
        if (hosted > 1) say(`${name}: ${percent.toFixed(2)} % of a core for ${hosted} services`)
        return figure(`${name}: share of a core, a service`, Math.round((percent / hosted) * 100) / 100, '%', '<=', GOAL_PERCENT)
      })
    } finally {
      await Promise.all(running.map(({ process: child }) => child.stop()))
    }
  })
}

async function untilReady(name: string, url: string): Promise<void> {
  const deadline = performance.now() + READY_MS
  for (;;) {
    const ready = await fetch(url).then(
      (response) => response.ok,
      () => false, // not listening yet
    )
    if (ready) return
    if (performance.now() > deadline) throw new Error(`${name} is not ready after ${READY_MS / 1000} s`)
    await sleep(200)
  }
}
