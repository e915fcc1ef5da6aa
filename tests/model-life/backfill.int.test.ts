// `isobar backfill` against running services: told beforehand, killed on the way, gone on with, and done once.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { service as alertRules } from '../../alerting/rules/main.ts'
import { service as archive } from '../../consumers/archive/main.ts'
import { FEATURE_SET, HOUR_MS } from '../../forecasting/features/index.ts'
import { randomFeatureRidge } from '../../forecasting/models/index.ts'
import { openArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import { until } from '../../infra/runtime/testing/fixtures.ts'
import type { Audit } from '../../schemas/generated/types.ts'
import { toTrainingSet } from '../../stream-processors/training/dataset.ts'
import { type FeatureHour, madeUpFeatures, storeFeatures } from './support/made-up-features.ts'
import { openTestSystem, type TestSystem } from './support/system.ts'

const START = Date.UTC(2013, 0, 1) / HOUR_MS
const TRAINED_HOURS = 60 * 24
const MISSING_HOURS = 60 * 24
const FROM = (START + TRAINED_HOURS) * HOUR_MS
const TO = FROM + (MISSING_HOURS - 1) * HOUR_MS
const ISOBAR = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

let system: TestSystem
let published = 0
const recorded: Audit[] = []
const children = new Set<ChildProcess>()

beforeAll(async () => {
  system = await openTestSystem()
  const rows = madeUpFeatures(START, TRAINED_HOURS + MISSING_HOURS)
  await storeFeatures(system.clickhouse, 'jfk', rows)
  await system.follow(['weather.forecast.v1'], (events) => void (published += events.length), 'beginning')
  await system.follow(['audit.v1'], (events) => {
    for (const { value } of events) if (value !== null) recorded.push(value)
  })
  // Those that read forecasts: back-fill waits for them.
  await system.start('readers', [archive, alertRules])
  await publishChampion(rows.slice(0, TRAINED_HOURS))
  await until('the order in the archive', async () => (await count('SELECT count() AS n FROM control')) === 1)
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await system?.close()
})

async function publishChampion(rows: readonly FeatureHour[]): Promise<void> {
  const history = toTrainingSet(rows)
  const fit = history && randomFeatureRidge.fit(history, { variable: 'temperatureC' })
  if (!fit?.ok) throw new Error('no model')
  const artefact = await openArtifactStore({ artifactStore: system.env['ARTIFACT_STORE'] as string }).put(
    'models/a.bin',
    fit.fitted.serialise(),
  )
  const champion = {
    version: 'v-a',
    runId: 'a',
    family: fit.fitted.family,
    featureSet: FEATURE_SET,
    artefact,
    since: FROM,
    changePoints: [],
  }
  await system.publisher.publish([
    {
      topic: 'model.control.v1',
      key: 'jfk/temperatureC',
      value: {
        eventId: 'control/a',
        stationId: 'jfk',
        variable: 'temperatureC',
        champion,
        previous: null,
        challengers: [],
        shadows: [],
        changedAt: FROM,
        changedBy: 'test',
        reason: 'test',
        causedBy: null,
        decisionOffset: 0,
      },
    },
  ])
}

function backfill(...more: string[]): ChildProcess {
  const range = ['--from', new Date(FROM).toISOString(), '--to', new Date(TO).toISOString()]
  const child = spawn(
    process.execPath,
    ['--no-warnings=ExperimentalWarning', ISOBAR, 'backfill', ...range, '--mode', 'missing', '--json', ...more],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...system.env } },
  )
  children.add(child)
  return child
}
type Told = { readonly hours: number; readonly forecasts: number; readonly issued: number; readonly error: string | null }
async function told(child: ChildProcess): Promise<Told> {
  const [output, [code]] = await Promise.all([text(child.stdout as NodeJS.ReadableStream), once(child, 'exit')])
  expect(code).toBe(0)
  const { stations } = JSON.parse(output) as { stations: Told[] }
  expect(stations).toHaveLength(1)
  return stations[0] as Told
}
async function count(query: string): Promise<number> {
  const [row] = await system.clickhouse.query<{ n: string }>(query.replace('count()', 'toString(count())'))
  return Number(row?.n)
}
const stored = (): Promise<number> => count('SELECT count() AS n FROM forecast')

it('says what is missing, is killed on the way, goes on, and has nothing left to do', async () => {
  expect(await told(backfill('--dry-run'))).toMatchObject({
    hours: MISSING_HOURS,
    forecasts: MISSING_HOURS,
    issued: 0,
    error: null,
  })
  expect(published).toBe(0)

  const first = backfill()
  const gone = once(first, 'exit')
  await until('the first forecasts', () => published > 0)
  first.kill('SIGKILL')
  expect((await gone)[1]).toBe('SIGKILL')
  await until('the archive has them', async () => (await stored()) === published)
  const before = await stored()
  expect(before).toBeLessThan(MISSING_HOURS)

  const second = await told(backfill())
  expect(second).toMatchObject({ issued: second.forecasts, error: null })
  expect(second.issued).toBeLessThan(MISSING_HOURS)
  await until('every hour', async () => (await stored()) === MISSING_HOURS)
  expect(
    await count("SELECT count() AS n FROM forecast WHERE role = 'champion' AND modelVersion = 'v-a' AND status = 'stale'"),
  ).toBe(MISSING_HOURS)
  expect(await count('SELECT count() AS n FROM (SELECT DISTINCT issuedAt FROM forecast)')).toBe(MISSING_HOURS)

  expect(await told(backfill())).toMatchObject({ hours: 0, issued: 0, error: null })
  // A run that was killed recorded nothing, one that had nothing to do neither.
  await until('the record of the run', () => recorded.length > 0)
  expect(recorded).toMatchObject([
    { action: 'forecast.backfill', subject: 'all stations', details: { mode: 'missing', issued: String(second.issued) } },
  ])
  expect(system.failures).toEqual([])
})
