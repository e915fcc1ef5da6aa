/**
 * The API as it runs, asked again and again for the newest 168-h forecast of a station (every variable) over 50 connections, beside a
 * bare Hono handler that returns the same bytes. As in production the body is made once per issue and given from memory after that; key,
 * rate limit, freshness and ETag are looked at each time. Load generator: autocannon, on 127.0.0.1 only.
 */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { deploy } from '../../cli/start/deploy.ts'
import { HOUR_MS } from '../../forecasting/features/index.ts'
import { choosePorts } from '../../infra/local/ports.ts'
import { kafkaBlock, readConfig, registryBlock } from '../../infra/runtime/config/index.ts'
import { openPublisher, type OutboundEvent } from '../../infra/runtime/kafka/index.ts'
import { createLogger } from '../../infra/runtime/log.ts'
import type { Forecast } from '../../schemas/generated/types.ts'
import { FORECAST_VARIABLES, HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { type Figure, figure } from '../shared/figures.ts'
import { createObservations, FIRST_HOUR, stationIdOf, stationOf } from '../shared/observations.ts'
import { type BenchProcess, profileFlags, startNode, startService } from '../shared/processes.ts'
import { isolated, withServers } from '../shared/servers.ts'

/** The API looks back at the newest few events of each partition when it starts: the forecasts of more stations would be out of its sight. */
const STATIONS = 1
const CONNECTIONS = 50
const GOAL_RATIO = 0.7
const READY_MS = 60_000
const ISSUED_AT = FIRST_HOUR * HOUR_MS
const BARE = fileURLToPath(new URL('bare.ts', import.meta.url))
const AUTOCANNON = fileURLToPath(import.meta.resolve('autocannon/autocannon.js'))

type Load = { readonly perSecond: number; readonly p99Ms: number }

export async function run({ quick, json }: { quick: boolean; json: boolean }): Promise<Figure[]> {
  const say = (line: string): void => void (json || process.stderr.write(`${line}\n`))
  const seconds = quick ? 8 : 20
  return withServers(['kafka', 'registry', 'clickhouse'], say, async (servers, directory) => {
    const env = isolated(servers)
    await deploy(env, createLogger('bench', 'warn'))
    await publishForecasts(env)
    const ports = await choosePorts(['api', 'bare'], {})
    const url = `http://127.0.0.1:${ports['api']}/v1/stations/${stationIdOf(0)}/forecast`
    const served = { ...env, HTTP_PORT: String(ports['api']), PUBLIC_READ: 'true', PUBLIC_RATE_LIMIT_PER_MINUTE: '0' }
    const api = startService(['api'], served, profileFlags('api'))
    const processes: BenchProcess[] = [api]
    try {
      const body = await firstAnswer(url, api)
      const file = join(directory, 'body.json')
      await writeFile(file, body)
      const bareUrl = `http://127.0.0.1:${ports['bare']}/`
      const bare = startNode([...profileFlags('bare'), BARE], { ...env, BARE_BODY: file, HTTP_PORT: String(ports['bare']) })
      processes.push(bare)
      await firstAnswer(bareUrl, bare)
      // Both warm, then each measured twice in turn, the better of each: noise of the machine only ever takes away.
      await shoot(bareUrl, 3)
      await shoot(url, 3)
      const ours: Load[] = []
      const theirs: Load[] = []
      for (let turn = 0; turn < 2; turn++) {
        theirs.push(await shoot(bareUrl, seconds))
        ours.push(await shoot(url, seconds))
      }
      const [mine, peer] = [best(ours), best(theirs)]
      say(`${body.length} bytes; API ${shown(mine)}; bare Hono ${shown(peer)}`)
      const named = { name: 'bare Hono handler, requests/s', value: peer.perSecond }
      return [
        { ...figure('168-h forecast over bare Hono', mine.perSecond / peer.perSecond, '×', '>=', GOAL_RATIO), peer: named },
        {
          ...figure('168-h forecast', mine.perSecond, 'requests/s', '>=', Math.round(GOAL_RATIO * peer.perSecond)),
          peer: named,
        },
        {
          ...figure('168-h forecast, 99th percentile', mine.p99Ms, 'ms', '<=', Math.ceil(peer.p99Ms / GOAL_RATIO)),
          peer: { name: 'bare Hono handler, ms', value: peer.p99Ms },
        },
      ]
    } finally {
      await Promise.all(processes.map((process) => process.stop()))
    }
  })
}

/** Stations, an observation each that sets the time, and a forecast of every variable. */
async function publishForecasts(env: Readonly<Record<string, string>>): Promise<void> {
  const config = readConfig(z.object({ ...kafkaBlock.shape, ...registryBlock.shape }), env)
  const publisher = openPublisher({ config, name: 'bench', log: createLogger('bench', 'warn') })
  const next = createObservations(STATIONS)
  try {
    for (let i = 0; i < STATIONS; i++) {
      const stationId = stationIdOf(i)
      const { flags: _flags, rules: _rules, qcVersion: _version, ...observation } = next()
      const events: OutboundEvent[] = [
        { topic: 'weather.station.v1', key: stationId, value: stationOf(stationId) },
        { topic: 'weather.observation.v1', key: stationId, value: observation },
        ...FORECAST_VARIABLES.map((variable) => ({
          topic: 'weather.forecast.v1' as const,
          key: stationId,
          value: forecastOf(stationId, variable),
        })),
      ]
      await publisher.publish(events)
    }
  } finally {
    await publisher.close()
  }
}

function forecastOf(stationId: string, variable: Forecast['variable']): Forecast {
  const leadHours = Array.from({ length: HORIZON_HOURS }, (_, i) => i + 1)
  const centre = leadHours.map((lead) => 10 + 5 * Math.sin((2 * Math.PI * lead) / 24))
  return {
    forecastId: `${stationId}/${variable}`,
    stationId,
    variable,
    issuedAt: ISSUED_AT,
    leadHours,
    quantiles: centre.map((value) => QUANTILE_LEVELS.map((q) => Math.round(100 * (value + 4 * (q - 0.5))) / 100)),
    baselines: { persistence: centre, recentredClimatology: centre },
    modelId: `${stationId}/${variable}`,
    modelVersion: 'bench',
    modelSha256: 'ab'.repeat(32),
    role: 'champion',
    controlOffset: 0,
    featureKnownAt: ISSUED_AT,
    status: 'fresh',
    statusReason: null,
    fallback: null,
    logFactors: [],
  }
}

async function firstAnswer(url: string, server: BenchProcess): Promise<string> {
  const deadline = performance.now() + READY_MS
  for (;;) {
    const answer = await Promise.race([
      server.failed,
      fetch(url).then(
        async (response) => (response.ok ? response.text() : null),
        () => null, // not listening yet
      ),
    ])
    if (answer !== null) return answer
    if (performance.now() > deadline) throw new Error(`no answer from ${url} within ${READY_MS / 1000} s`)
    await sleep(200)
  }
}

/** Throws when a single request failed: a fast error is no answer. */
async function shoot(url: string, seconds: number): Promise<Load> {
  const args = [AUTOCANNON, '--json', '--connections', String(CONNECTIONS), '--duration', String(seconds), url]
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 24 })
  const report = JSON.parse(stdout) as {
    requests: { average: number }
    latency: { p99: number }
    errors: number
    timeouts: number
    non2xx: number
  }
  const failed = report.errors + report.timeouts + report.non2xx
  if (failed > 0) throw new Error(`${failed} requests to ${url} failed`)
  return { perSecond: report.requests.average, p99Ms: report.latency.p99 }
}

function best(loads: readonly Load[]): Load {
  return loads.reduce((a, b) => (b.perSecond > a.perSecond ? b : a))
}

function shown({ perSecond, p99Ms }: Load): string {
  return `${Math.round(perSecond)} requests/s, 99 % within ${p99Ms} ms`
}
