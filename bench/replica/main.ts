/**
 * A replica with 10,000 models of its own, without servers: how long until all are loaded, verified and warm, what memory they take, and what
 * a limit (INFERENCE_MAX_MODELS) saves and costs. One artefact on the local disk, read and loaded anew for each.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median } from 'simple-statistics'
import { createModelTable, type ModelTable } from '../../consumers/inference/models.ts'
import { openArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import type { Control } from '../../schemas/generated/types.ts'
import { FORECAST_VARIABLES } from '../../schemas/quantities.ts'
import { type BenchOptions, type Figure, figure } from '../shared/figures.ts'
import { makeModels } from '../swap/artefacts.ts'

const MODELS = 10_000
const QUICK_MODELS = 1000
/** Loads at once, as in the service (control.ts). */
const AT_ONCE = 8
const READ_BACK = 300
const MIB = 2 ** 20
/** What loading leaves in the heap whatever stays, MiB. */
const HEAP_MIB = 100

export async function run({ quick, json }: BenchOptions): Promise<Figure[]> {
  const say = (line: string): void => void (json || process.stdout.write(`${line}\n`))
  const count = quick ? QUICK_MODELS : MODELS
  const limit = count / 10
  const directory = await mkdtemp(join(tmpdir(), 'isobar-bench-replica-'))
  try {
    const store = openArtifactStore({ artifactStore: `file:${directory}` })
    const { models } = await makeModels(store)
    const [served] = models
    say(`${count} models of ${Math.round(served.artefact.bytes / 1024)} KiB`)
    const order = (i: number): Control => ({
      eventId: `control/${i}`,
      stationId: `station-${Math.floor(i / FORECAST_VARIABLES.length)}`,
      variable: FORECAST_VARIABLES[i % FORECAST_VARIABLES.length] as Control['variable'],
      champion: served,
      previous: null,
      challengers: [],
      shadows: [],
      changedAt: 0,
      changedBy: 'bench',
      reason: 'bench',
      causedBy: null,
      decisionOffset: i,
    })
    const fill = async (table: ModelTable): Promise<{ seconds: number; cpuSeconds: number; mebibytes: number }> => {
      const before = memory()
      const startedAt = performance.now()
      const cpu = process.cpuUsage()
      let next = 0
      await Promise.all(
        Array.from({ length: AT_ONCE }, async () => {
          for (let i = next++; i < count; i = next++) await table.apply(order(i), i)
        }),
      )
      const { user, system } = process.cpuUsage(cpu)
      return {
        seconds: (performance.now() - startedAt) / 1000,
        cpuSeconds: (user + system) / 1e6,
        mebibytes: memory() - before,
      }
    }
    // The limited one first: what the other leaves behind in the heap would count for it.
    const limited = createModelTable(store, () => performance.now(), { maxLoaded: limit })
    const some = await fill(limited)
    say(`at most ${limited.loadedCount()} in memory: ${some.seconds.toFixed(1)} s, ${some.mebibytes.toFixed(0)} MiB`)
    const waits: number[] = []
    for (let k = 0; k < READ_BACK; k++) {
      const startedAt = performance.now()
      await limited.ofStation(`station-${k % Math.floor(count / FORECAST_VARIABLES.length)}`)
      waits.push(performance.now() - startedAt)
    }
    waits.sort((a, b) => a - b)
    const all = await fill(createModelTable(store, () => performance.now()))
    say(`all in memory: ${all.seconds.toFixed(1)} s, ${all.mebibytes.toFixed(0)} MiB`)
    return [
      figure(`start-up, ${count} models, all in memory`, all.seconds, 's', '<=', (60 * count) / QUICK_MODELS),
      figure('processor time of loading a model', (1000 * all.cpuSeconds) / count, 'ms', '<=', 60),
      figure(`memory of ${count} models, all in memory`, all.mebibytes, 'MiB', '<=', (400 * count) / 1024),
      figure(`start-up, ${count} models, ${limit} in memory`, some.seconds, 's', '<=', (60 * count) / QUICK_MODELS),
      figure(`memory of ${count} models, ${limit} in memory`, some.mebibytes, 'MiB', '<=', HEAP_MIB + (400 * limit) / 1024),
      figure('reading back the six models of a station, median', median(waits), 'ms', '<=', 250),
      figure('reading back the six models of a station, slowest', waits.at(-1) as number, 'ms', '<=', 1000),
    ]
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** What artefacts hold lies outside the heap: the resident set, after a collection where the process allows one. */
function memory(): number {
  ;(globalThis as { gc?: () => void }).gc?.()
  return process.memoryUsage().rss / MIB
}
