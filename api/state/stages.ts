/** The stages of the pipeline from the offsets their groups have committed. Asked only when somebody looks. */
import type { PartitionLag } from '../../infra/runtime/kafka/index.ts'
import { STAGES, type StageSpec } from '../../schemas/stages.ts'
import type { StageReader, StageState } from '../ports.ts'
import type { Progress } from './progress.ts'

const KEPT_MS = 2000

export function createStageReader(deps: {
  progress: Progress
  /** Of the groups of STAGES, in that order. */
  readLags: (groups: readonly StageSpec[]) => Promise<PartitionLag[][]>
  wallNow: () => number
}): StageReader {
  const { progress, readLags, wallNow } = deps
  let kept: { at: number; states: Promise<StageState[]> } | null = null

  return {
    read() {
      if (kept === null || wallNow() - kept.at > KEPT_MS) {
        const fresh = { at: wallNow(), states: look() }
        kept = fresh
        // A failure is not kept: the next look tries again.
        fresh.states.catch(() => {
          if (kept === fresh) kept = null
        })
      }
      return kept.states
    },
  }

  async function look(): Promise<StageState[]> {
    const all = await readLags(STAGES)
    const ingest: StageState = {
      name: 'ingest',
      newestAt: progress.newest('weather.observation.v1'),
      lagSeconds: null,
      lagEvents: null,
    }
    return [ingest, ...STAGES.map(({ name }, index) => stageState(name, all[index] ?? [], progress))]
  }
}

function stageState(name: string, rows: readonly PartitionLag[], progress: Progress): StageState {
  let newestAt: number | null = null
  let lagSeconds: number | null = null
  let lagEvents = 0
  for (const { topic, partition, committed, end, lag } of rows) {
    lagEvents += lag
    const reached = committed === null ? null : progress.reached(topic, partition, committed)
    if (reached === null) continue
    if (newestAt === null || reached > newestAt) newestAt = reached
    // The end as it was when the offset was read: what came since is nobody's lag yet.
    const newest = progress.reached(topic, partition, end) ?? reached
    lagSeconds = Math.max(lagSeconds ?? 0, lag === 0 ? 0 : (newest - reached) / 1000)
  }
  return { name, newestAt, lagSeconds, lagEvents }
}
