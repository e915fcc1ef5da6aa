/**
 * The mirror against a real MLflow server (PyPI package mlflow) and real Kafka. `ISOBAR_MLFLOW` names its executable, default `mlflow` on
 * the PATH; without one the test is skipped: `python3 -m venv V && V/bin/pip install mlflow`, then ISOBAR_MLFLOW=V/bin/mlflow.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import {
  emit,
  type KafkaPublisher,
  openPublisher,
  type RunningProcessor,
  startProcessor,
} from '../../infra/runtime/kafka/index.ts'
import { createMetrics } from '../../infra/runtime/metrics.ts'
import { deployedConfig, type TestConfig, testLog } from '../../infra/runtime/testing/fixtures.ts'
import type { Artefact, Control, Lifecycle } from '../../schemas/generated/types.ts'
import { createMlflowClient } from './client.ts'
import { createMirror, type MirroredEvent, type MirroredTopic } from './mirror.ts'

const COMMAND = process.env['ISOBAR_MLFLOW'] ?? 'mlflow'
const hasMlflow = spawnSync(COMMAND, ['--version'], { timeout: 60_000 }).status === 0
if (!hasMlflow) console.error(`skipped: no MLflow at "${COMMAND}" (set ISOBAR_MLFLOW to its executable)`)

const NAME = 'isobar.jfk.temperatureC'
const AT = Date.UTC(2013, 6, 1)
let dir: string
let port: number
let server: ChildProcess | null = null
let config: TestConfig
let publisher: KafkaPublisher
const processors: RunningProcessor[] = []

async function startMlflow(): Promise<void> {
  const child = spawn(
    COMMAND,
    [
      'server',
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      '--workers',
      '1',
      '--backend-store-uri',
      `sqlite:///${dir}/mlflow.db`,
      '--artifacts-destination',
      `${dir}/artefacts`,
    ],
    { stdio: 'ignore', detached: true },
  )
  server = child
  await vi.waitFor(
    async () => {
      if (child.exitCode !== null) throw new Error(`mlflow ended with ${child.exitCode}`)
      expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200)
    },
    { timeout: 120_000, interval: 300 },
  )
}

async function stopMlflow(): Promise<void> {
  const child = server
  server = null
  if (child?.pid === undefined || child.exitCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  // The server starts workers of its own: the whole group, which this test made.
  process.kill(-child.pid, 'SIGKILL')
  await ended
}

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'isobar-mlflow-'))
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => probe.once('listening', resolve))
  port = (probe.address() as AddressInfo).port
  await new Promise((resolve) => probe.close(resolve))
  config = await deployedConfig(['model.lifecycle.v1', 'model.control.v1'])
  publisher = openPublisher({ config, name: 'test', log: testLog })
})
afterEach(async () => {
  for (const processor of processors.splice(0)) await processor.stop()
  await publisher.close()
  await stopMlflow()
  rmSync(dir, { recursive: true, force: true })
})

async function startMirror(groupId: string): Promise<void> {
  const mlflow = createMlflowClient({ mlflowTrackingUri: `http://127.0.0.1:${port}/` })
  const artifacts = openArtifactStore({ artifactStore: `file:${dir}/store` })
  processors.push(
    await startProcessor<MirroredTopic, MirroredEvent>({
      config,
      log: testLog,
      metrics: createMetrics(`mlflow-${groupId}`),
      publisher,
      name: 'mlflow',
      groupId,
      topics: ['model.lifecycle.v1', 'model.control.v1'],
      step: (events) => events.map((event) => emit([], [event])),
      sink: createMirror({ mlflow, artifacts, experiment: 'isobar', log: testLog }),
    }),
  )
}

function lifecycle(run: string, event: Lifecycle['event'], artefact: Artefact | null): Lifecycle {
  return {
    eventId: `lifecycle/${run}/${event}`,
    runId: run,
    stationId: 'jfk',
    variable: 'temperatureC',
    version: `v-${run}`,
    event,
    at: AT,
    family: artefact ? 'random-feature-ridge' : '',
    reasons: event === 'failed' ? ['no-history'] : [],
    metrics:
      event === 'evaluated'
        ? [
            {
              model: 'candidate',
              leadBucket: '1-6',
              n: 100,
              mae: 0.8,
              rmse: 1,
              bias: Number.NaN,
              crps: 0.6,
              coverage80: 0.8,
              coverage95: 0.95,
            },
          ]
        : [],
    artefact,
    evaluation: null,
    dataFrom: AT - 86_400_000,
    dataTo: AT,
    rows: artefact ? 4000 : 0,
    seed: 1,
    featureSet: 'abc',
    codeVersion: '0.1.0',
    fitSeconds: artefact ? 2.5 : 0,
    requestReason: 'drift',
    causedBy: 'drift/1',
    actor: 'training',
    changePoints: [],
    waitsFor: [],
    comparison:
      event === 'evaluated'
        ? {
            notComparedBecause: null,
            firstOriginAt: AT - 28 * 86_400_000,
            lastOriginAt: AT - 86_400_000,
            originHour: 0,
            origins: 28,
            families: [
              {
                family: 'candidate',
                refused: null,
                seconds: 1,
                metrics: [
                  {
                    model: 'candidate',
                    leadBucket: '1-6',
                    n: 50,
                    mae: 0.7,
                    rmse: 1,
                    bias: 0,
                    crps: 0.5,
                    coverage80: 0.8,
                    coverage95: 0.95,
                  },
                ],
              },
              { family: 'sarimax', refused: 'too-slow', seconds: 0, metrics: [] },
            ],
          }
        : null,
  }
}

const served = (run: string, artefact: Artefact): Control['champion'] => ({
  version: `v-${run}`,
  runId: run,
  family: 'random-feature-ridge',
  featureSet: 'abc',
  artefact,
  since: AT,
  changePoints: [],
})

const control = (n: number, models: Pick<Control, 'champion' | 'previous' | 'challengers'>): Control => ({
  eventId: `control/${n}`,
  stationId: 'jfk',
  variable: 'temperatureC',
  shadows: [],
  changedAt: AT + n,
  changedBy: 'promotion',
  reason: 'better-by-5-percent',
  causedBy: null,
  decisionOffset: -1,
  ...models,
})

const publish = (values: readonly (Lifecycle | Control)[]) =>
  publisher.publish(
    values.map((value) =>
      'champion' in value
        ? ({ topic: 'model.control.v1', key: 'jfk/temperatureC', value } as const)
        : ({ topic: 'model.lifecycle.v1', key: 'jfk/temperatureC', value } as const),
    ),
  )

type Version = { version: string; run_id: string; tags: Array<{ key: string; value: string }> }

async function ask<T>(path: string, body?: unknown): Promise<T> {
  const response = await fetch(
    `http://127.0.0.1:${port}/api/2.0/mlflow/${path}`,
    body ? { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } } : {},
  )
  expect(response.status).toBe(200)
  return (await response.json()) as T
}

/** What MLflow holds, versions named as Isobar names them. */
async function held() {
  const { runs } = await ask<{
    runs: Array<{
      info: { run_id: string; status: string; artifact_uri: string }
      data: { metrics: Array<{ key: string; value: number }>; tags: Array<{ key: string; value: string }> }
    }>
  }>('runs/search', { experiment_ids: ['1'], max_results: 100 })
  const { model_versions: versions } = await ask<{ model_versions: Version[] }>(
    `model-versions/search?filter=${encodeURIComponent(`name = '${NAME}'`)}`,
  )
  const { registered_model: model } = await ask<{ registered_model: { aliases: Array<{ alias: string; version: string }> } }>(
    `registered-models/get?name=${NAME}`,
  )
  const nameOf = new Map(versions.map(({ version, tags }) => [version, tags.find(({ key }) => key === 'isobar.version')?.value]))
  return {
    runs,
    versions,
    statuses: runs
      .map(({ info, data }) => `${data.tags.find(({ key }) => key === 'isobar.run_id')?.value} ${info.status}`)
      .sort(),
    names: [...nameOf.values()].map(String).sort(),
    aliases: Object.fromEntries(model.aliases.map(({ alias, version }) => [alias, nameOf.get(version)])),
  }
}

describe.skipIf(!hasMlflow)('MLflow mirror', () => {
  it('catches up after an outage, mirrors runs, versions, aliases, tags and bytes, and repeats nothing when all is read again', async () => {
    const store = openArtifactStore({ artifactStore: `file:${dir}/store` })
    const bytes = new TextEncoder().encode('model a')
    const a = await store.put('models/a.bin', bytes)
    const b = await store.put('models/b.bin', new TextEncoder().encode('model b'))
    await publish([
      lifecycle('a', 'training-started', null),
      lifecycle('a', 'trained', a),
      lifecycle('a', 'evaluated', a),
      lifecycle('f', 'training-started', null),
      lifecycle('f', 'failed', null),
      control(1, { champion: served('a', a), previous: null, challengers: [] }),
    ])
    // The server is not there yet.
    await startMirror('first')
    await startMlflow()
    await vi.waitFor(
      async () => {
        const now = await held()
        expect(now.aliases).toEqual({ champion: 'v-a' })
        expect(now.statuses).toEqual(['a FINISHED', 'f FAILED'])
      },
      { timeout: 60_000, interval: 500 },
    )

    await stopMlflow()
    await publish([
      lifecycle('b', 'training-started', null),
      lifecycle('b', 'trained', b),
      lifecycle('b', 'evaluated', b),
      control(2, { champion: served('a', a), previous: null, challengers: [served('b', b)] }),
      control(3, { champion: served('b', b), previous: served('a', a), challengers: [] }),
    ])
    await startMlflow()
    const complete = {
      statuses: ['a FINISHED', 'b FINISHED', 'f FAILED'],
      names: ['v-a', 'v-b'],
      aliases: { champion: 'v-b', previous: 'v-a' },
    }
    await vi.waitFor(async () => expect(await held()).toMatchObject(complete), { timeout: 60_000, interval: 500 })
    // Tags of who put the champion there and why follow its alias, this one last.
    const has = (tags: ReadonlyArray<{ key: string; value: string }>, name: string, wanted?: string): boolean =>
      tags.some(({ key, value }) => key === name && (wanted === undefined || value === wanted))
    const isTold = async (): Promise<boolean> =>
      (await held()).versions.some(({ tags }) => has(tags, 'isobar.version', 'v-b') && has(tags, 'isobar.control_offset'))
    await vi.waitFor(async () => expect(await isTold()).toBe(true), { timeout: 60_000, interval: 500 })
    const now = await held()
    const run = now.runs.find(({ data }) => data.tags.some(({ key, value }) => key === 'isobar.run_id' && value === 'a'))
    expect(run?.data.metrics).toEqual(expect.arrayContaining([expect.objectContaining({ key: 'candidate.1-6.mae', value: 0.8 })]))
    expect(run?.data.metrics.map(({ key }) => key)).not.toContain('candidate.1-6.bias')
    // Families compared on other rows never mix with the scores of the run, whatever they are called.
    expect(run?.data.metrics).toEqual(
      expect.arrayContaining([expect.objectContaining({ key: 'compared.candidate.1-6.mae', value: 0.7 })]),
    )
    expect(run?.data.tags).toEqual(expect.arrayContaining([{ key: 'isobar.families_refused', value: 'sarimax: too-slow' }]))
    const path = run?.info.artifact_uri.replace('mlflow-artifacts:/', '')
    const file = await fetch(`http://127.0.0.1:${port}/api/2.0/mlflow-artifacts/artifacts/${path}/model.bin`)
    expect(new Uint8Array(await file.arrayBuffer())).toEqual(bytes)
    const champion = now.versions.find(({ tags }) => tags.some(({ key, value }) => key === 'isobar.version' && value === 'v-b'))
    expect(Object.fromEntries(champion?.tags.map(({ key, value }) => [key, value]) ?? [])).toMatchObject({
      'isobar.sha256': b.sha256,
      'isobar.changed_by': 'promotion',
      'isobar.reason': 'better-by-5-percent',
    })

    // A group that has never read: everything once more, told to be complete by an event of its own.
    for (const processor of processors.splice(0)) await processor.stop()
    await startMirror('second')
    await publish([
      lifecycle('c', 'training-started', null),
      control(4, { champion: served('b', b), previous: null, challengers: [] }),
    ])
    await vi.waitFor(
      async () =>
        expect(await held()).toMatchObject({
          statuses: ['a FINISHED', 'b FINISHED', 'c RUNNING', 'f FAILED'],
          names: ['v-a', 'v-b'],
          aliases: { champion: 'v-b' },
        }),
      { timeout: 60_000, interval: 500 },
    )
    const after = await held()
    expect(Object.keys(after.aliases)).toEqual(['champion'])
    const runOf = (versions: readonly Version[]) => new Map(versions.map(({ version, run_id: id }) => [version, id]))
    expect(runOf(after.versions)).toEqual(runOf(now.versions))
  })
})
