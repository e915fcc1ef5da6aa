/** Models swapped under load, and a damaged one offered: nothing fails, no answer mixes versions, the old model serves on. */
import { readFile, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kafkaBlock, readConfig, registryBlock } from '../../infra/runtime/config/index.ts'
import { openPublisher, startFollower } from '../../infra/runtime/kafka/index.ts'
import { createLogger } from '../../infra/runtime/log.ts'
import type { Control, Forecast } from '../../schemas/generated/types.ts'
import { expectExact, newestVerified, throughTo } from './support/exactness.ts'
import { requestSteadily } from './support/load.ts'
import { newHome, removeHome, startSystem, type System, until } from './support/system.ts'

const HOUR_MS = 3_600_000
const FIRST_PACED = Date.parse('2013-07-01T01:00:00Z')
const STATION = 'ewr'
const VARIABLE = 'temperatureC'
const MODEL = `${STATION}/${VARIABLE}`
const SWAPS = 8
const PER_SECOND = 200
const MOST_REQUESTS = 30_000
const log = createLogger('test', 'silent')

type Answer = {
  issuedAt: string
  model: { version: string; sha256: string }
  hourly: { time: string[]; temperatureC: Record<string, number[]> }
}
type Replicas = { replicas: string[]; models: Array<{ stationId: string; variable: string; version: string; converged: number }> }

describe('swap', () => {
  const home = newHome()
  let system: System
  beforeAll(async () => {
    system = await startSystem(home, ['--speed', '2'])
    await until('the first hours are verified', async () => (await newestVerified(system)) > FIRST_PACED + 3 * HOUR_MS, 180_000)
  })
  afterAll(async () => {
    await system?.end('SIGTERM')
    removeHome(home)
  })

  const json = async <T>(path: string): Promise<T> => (await system.get(path)).json() as Promise<T>
  const championOf = async (): Promise<string> =>
    (await json<{ champion: { version: string } }>(`/v1/models/${MODEL}`)).champion.version
  async function operate(action: 'retrain' | 'promote' | 'rollback', version?: string): Promise<void> {
    const response = await fetch(`${system.run().extra['httpUrl']}/v1/models/${MODEL}/${action}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${system.key()}`, 'content-type': 'application/json' },
      body: JSON.stringify({ reason: 'chaos test', ...(version === undefined ? {} : { version }) }),
    })
    if (!response.ok) throw new Error(`${action}: ${response.status} ${await response.text()}`)
  }
  const untilServed = (version: string): Promise<unknown> =>
    until(
      `both replicas serve ${version}`,
      async () => {
        const { replicas, models } = await json<Replicas>('/v1/replicas')
        const served = models.find((model) => model.stationId === STATION && model.variable === VARIABLE)
        return replicas.length === 2 && served?.version === version && served.converged === 2
      },
      60_000,
    )

  it(`${SWAPS} times under ${PER_SECOND} requests a second and the live stream: none fails, no answer mixes versions`, async () => {
    const first = await championOf()
    await operate('retrain')
    const second = await until(
      'another version is trained',
      async () => {
        const { events } = await json<{ events: Array<{ event: string; version: string }> }>(`/v1/models/${MODEL}/history`)
        return events.find(({ event, version }) => event === 'evaluated' && version !== first)?.version ?? null
      },
      240_000,
    )

    const path = `/v1/stations/${STATION}/forecast?variables=${VARIABLE}`
    const paths = [path, `/v1/stations/jfk/forecast`, `${path}&quantiles=0.5&hours=48`, `/v1/stations/lga/forecast`]
    const failed: string[] = []
    /** By issue and version: the first answer; every other must be the same. */
    const answers = new Map<string, Answer>()
    const mixed: string[] = []
    let isOver = false
    const live = new AbortController()
    const streamed = readLive(
      `${system.run().extra['httpUrl']}/v1/live?types=weather.forecast.v1&stations=${STATION}`,
      live.signal,
    )
    const load = requestSteadily({
      baseUrl: system.run().extra['httpUrl'] as string,
      paths,
      perSecond: PER_SECOND,
      most: MOST_REQUESTS,
      done: () => isOver,
      onAnswer: (answer) => {
        if ('error' in answer) return void failed.push(`${answer.path}: ${String(answer.error)}`)
        if (answer.status !== 200) return void failed.push(`${answer.path}: ${answer.status} ${answer.text.slice(0, 200)}`)
        if (answer.path !== path) return
        const body = JSON.parse(answer.text) as Answer
        const key = `${body.issuedAt} ${body.model.version}`
        const before = answers.get(key)
        if (before === undefined) answers.set(key, body)
        else if (JSON.stringify(before.hourly) !== JSON.stringify(body.hourly) || before.model.sha256 !== body.model.sha256)
          mixed.push(key)
      },
    })
    try {
      for (let n = 0; n < SWAPS; n++) {
        const next = n % 2 === 0 ? second : first
        await (n % 2 === 0 ? operate('promote', second) : operate('rollback'))
        await untilServed(next)
        await sleep(1000)
      }
    } finally {
      isOver = true
    }
    const sent = await load
    const to = Math.max(...[...answers.values()].map(({ issuedAt }) => Date.parse(issuedAt)))
    await throughTo(system, to + 2 * HOUR_MS, 120_000)
    live.abort()
    const events = await streamed

    expect(failed, `of ${sent} requests`).toEqual([])
    expect(mixed).toEqual([])
    expect(new Set([...answers.keys()].map((key) => key.split(' ')[1]))).toEqual(new Set([first, second]))
    // Each answer is what the version that it names issued, from the first lead to the last.
    const ledger = await system.query<{ issue: number; version: string; medians: number[] }>(
      `SELECT toUnixTimestamp64Milli(issuedAt) AS issue, modelVersion AS version, arrayFilter((q, i) -> i % 7 = 4, quantiles, arrayEnumerate(quantiles)) AS medians
       FROM forecast WHERE stationId = '${STATION}' AND variable = '${VARIABLE}' AND role = 'champion'`,
    )
    for (const [key, { hourly }] of answers) {
      const [issuedAt, version] = key.split(' ') as [string, string]
      const issued = ledger.find((row) => row.issue === Date.parse(issuedAt) && row.version === version)
      const medians = hourly.temperatureC['0.5'] as number[]
      expect(medians.length, key).toBe(168)
      expect(Math.max(...medians.map((value, i) => Math.abs(value - (issued?.medians[i] as number)))), key).toBeLessThan(0.011)
    }
    // The live stream: every issue once, each by the version that its control offset put in place.
    const champions = events.filter(({ variable, role }) => variable === VARIABLE && role === 'champion')
    expect(new Set(champions.map(({ issuedAt }) => issuedAt)).size).toBe(champions.length)
    const issues = champions.map(({ issuedAt }) => new Date(issuedAt).getTime()).toSorted((a, b) => a - b)
    expect(issues.slice(1).map((at, i) => at - (issues[i] as number))).toEqual(issues.slice(1).map(() => HOUR_MS))
    const placed = await system.query<{ controlOffset: number; championVersion: string }>(
      'SELECT controlOffset, championVersion FROM control',
    )
    const versionAt = new Map(placed.map(({ controlOffset, championVersion }) => [controlOffset, championVersion]))
    expect(champions.filter(({ controlOffset, modelVersion }) => versionAt.get(controlOffset) !== modelVersion)).toEqual([])
    await expectExact(system, FIRST_PACED, to)
    console.log(`${sent} requests during ${SWAPS} swaps: 0 failed; ${answers.size} issues, ${champions.length} live events`)
  })

  it('a flipped byte in an artefact: both replicas refuse it, the old model serves on, an alert says so and ends', async () => {
    const { kafkaBrokers, schemaRegistryUrl } = system.run().urls
    const config = readConfig(z.object({ ...kafkaBlock.shape, ...registryBlock.shape }), {
      KAFKA_BROKERS: kafkaBrokers,
      SCHEMA_REGISTRY_URL: schemaRegistryUrl,
    })
    const orders = new Map<string, Control>()
    const follower = await startFollower({
      config,
      log,
      name: 'test',
      topics: ['model.control.v1'],
      from: 'beginning',
      onEvents: (events) => {
        for (const { key, value } of events) if (value !== null) orders.set(key, value)
      },
    })
    const publisher = openPublisher({ config, name: 'test', log })
    try {
      await follower.caughtUp
      const order = orders.get(MODEL) as Control
      const { champion } = order
      // Of another station: what a replica has in memory by its SHA-256 it does not read again.
      const { artefact } = (orders.get(`jfk/${VARIABLE}`) as Control).champion
      const pathOf = (uri: string): string => uri.replace(/^file:/, '')
      const inStore = (uri: string): string => join(pathOf(system.run().extra['artifactStore'] as string), pathOf(uri))
      const damaged = `${artefact.uri}.damaged`
      const bytes = await readFile(inStore(artefact.uri))
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1
      await writeFile(inStore(damaged), bytes)
      const offer = (eventId: string, served: Control['champion']) =>
        publisher.publish([{ topic: 'model.control.v1', key: MODEL, value: { ...order, eventId, champion: served } }])
      type Alerts = { alerts: Array<{ rule: string; labels: Record<string, string>; annotations: Record<string, string> }> }
      const told = async (state: 'firing' | 'resolved'): Promise<Alerts['alerts']> =>
        (await json<Alerts>(`/v1/alerts?state=${state}&limit=1000`)).alerts.filter(({ rule }) => rule === 'artifact-rejected')

      await offer('control/chaos/damaged', {
        ...champion,
        version: 'damaged',
        artefact: { ...artefact, uri: damaged },
      })
      await until('both replicas are told of', async () => (await told('firing')).length === 2, 60_000)
      const alerts = await told('firing')
      expect(alerts.map(({ labels }) => labels['replica'] ?? '').toSorted((a, b) => a.localeCompare(b))).toEqual([
        'replica-0',
        'replica-1',
      ])
      for (const { annotations } of alerts) {
        expect(annotations['description']).toMatch(/artifact-corrupt/)
        expect(annotations['description']).toContain(`It keeps serving ${champion.version}`)
      }
      const issuedBefore = (await json<Answer>(`/v1/stations/${STATION}/forecast?variables=${VARIABLE}`)).issuedAt
      await until(
        'the old model issues on',
        async () => {
          const { issuedAt, model } = await json<Answer>(`/v1/stations/${STATION}/forecast?variables=${VARIABLE}`)
          expect(model.version).toBe(champion.version)
          return Date.parse(issuedAt) >= Date.parse(issuedBefore) + 3 * HOUR_MS
        },
        60_000,
      )
      await offer('control/chaos/repaired', champion)
      await until(
        'the alerts end',
        async () => (await told('firing')).length === 0 && (await told('resolved')).length === 2,
        60_000,
      )
    } finally {
      await publisher.close()
      await follower.stop()
    }
  })
})

/** Forecast events of the live stream until the signal; rejects when the stream ends before. */
async function readLive(url: string, signal: AbortSignal): Promise<Forecast[]> {
  const events: Forecast[] = []
  const response = await fetch(url, { signal })
  let text = ''
  try {
    for await (const chunk of (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
      text += chunk
      const parts = text.split('\n\n')
      text = parts.pop() ?? ''
      for (const part of parts) {
        const data = part.split('\n').find((line) => line.startsWith('data: '))
        if (data) events.push(JSON.parse(data.slice('data: '.length)) as Forecast)
      }
    }
  } catch (error) {
    if (signal.aborted) return events
    throw error
  }
  throw new Error('the live stream ended')
}
