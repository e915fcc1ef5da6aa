/**
 * observation → checked observation. Reads weather.observation.v1, writes weather.observation-checked.v1. At least once; the checked
 * event has the key and the id of its observation, so a redelivery replaces it by itself.
 *
 * The memory of a station is only context for the step, stuck and repetition rules. After a rebalance or a restart it is rebuilt, station
 * by station when first needed, from the archived observations of the days before. The archive may lag behind by seconds: then the newest
 * hours are missing from the context, and what follows is judged as after a short gap.
 */
import { checkObservation, createStationMemory, isInstant, QC_VERSION } from '../../forecasting/quality-control/index.ts'
import type { StationMemory } from '../../forecasting/quality-control/index.ts'
import { deadLetter, emit, skip } from '../../infra/runtime/kafka/types.ts'
import type { BatchStep, InboundEvent, Outcome } from '../../infra/runtime/kafka/types.ts'
import type { CheckedObservation, Observation } from '../../schemas/generated/types.ts'
import { STATION_ID_PATTERN } from '../../schemas/quantities.ts'

export type DeadLetterReason = 'invalid-station-id' | 'key-mismatch' | 'invalid-instant'
export type SkipReason = 'duplicate'

/** What of a station is wanted: everything of this kind observed up to and at `until` (epoch ms). */
export type Wanted = { readonly stationId: string; readonly kind: Observation['kind']; readonly until: number }

/** Observations of the days before `until`, oldest first. Rejects with a transient AppError when the archive is unreachable. */
export type ObservationHistory = { recent(wanted: readonly Wanted[]): Promise<ReadonlyArray<readonly Observation[]>> }

export type Deps = {
  readonly history: ObservationHistory
  readonly onFlag?: (rule: string) => void
}

/** One partition: memories now, and what they were before the newest batch, which may be delivered again. */
type PartitionState = {
  startOffset: number
  endOffset: number
  readonly memories: Map<string, StationMemory>
  before: Map<string, StationMemory>
}

export type QualityControlStep = {
  readonly step: BatchStep<'weather.observation.v1'>
  /** Drops all context: the partitions may have been someone else's meanwhile. */
  readonly forget: () => void
}

export function createQualityControlStep({ history, onFlag }: Deps): QualityControlStep {
  const partitions = new Map<number, PartitionState>()

  return {
    forget: () => partitions.clear(),
    async step(events, { partition }) {
      const first = events[0]
      if (!first) return []
      const state = rewind(partitions.get(partition), first.offset)
      const problems = events.map((event) => findProblem(event))
      const accepted = events.filter((_, i) => problems[i] === null)
      const memories = await recall(state, accepted)

      const changed = new Map<string, StationMemory>()
      const outcomes = events.map((event, i): Outcome => {
        const problem = problems[i]
        if (problem) return problem
        const { value } = event
        const key = memoryKey(value)
        const verdict = checkObservation(changed.get(key) ?? memories.get(key) ?? createStationMemory(), value)
        if (verdict.kind === 'duplicate') return skip('duplicate' satisfies SkipReason)
        changed.set(key, verdict.memory)
        if (onFlag) for (const rules of Object.values(verdict.rules)) rules.forEach(onFlag)
        const { flags, rules, revision } = verdict
        const checked: CheckedObservation = { ...value, revision, flags, rules, qcVersion: QC_VERSION }
        return emit([{ topic: 'weather.observation-checked.v1', key: value.stationId, value: checked }])
      })

      // Nothing was changed until here: a batch that failed on the way is judged again from the same state.
      state.before = new Map([...changed.keys()].map((key) => [key, memories.get(key) ?? createStationMemory()]))
      for (const [key, memory] of changed) state.memories.set(key, memory)
      state.startOffset = first.offset
      state.endOffset = events.at(-1)?.offset ?? first.offset
      partitions.set(partition, state)
      return outcomes
    },
  }

  /** Memories of every station of the batch; unknown ones are rebuilt from the archive. */
  async function recall(
    state: PartitionState,
    events: ReadonlyArray<InboundEvent<'weather.observation.v1'>>,
  ): Promise<Map<string, StationMemory>> {
    const memories = new Map<string, StationMemory>()
    const wanted = new Map<string, Wanted>()
    for (const { value } of events) {
      const key = memoryKey(value)
      const memory = state.memories.get(key)
      if (memory) memories.set(key, memory)
      else if (!wanted.has(key)) wanted.set(key, { stationId: value.stationId, kind: value.kind, until: value.observedAt })
    }
    if (wanted.size === 0) return memories
    const recent = await history.recent([...wanted.values()])
    for (const [i, key] of [...wanted.keys()].entries()) {
      let memory = createStationMemory()
      for (const observation of recent[i] ?? []) memory = checkObservation(memory, observation).memory
      memories.set(key, memory)
      state.memories.set(key, memory)
    }
    return memories
  }
}

/** The state to judge from `offset` on: as it is, as it was before the newest batch, or none when the stream went back further. */
function rewind(state: PartitionState | undefined, offset: number): PartitionState {
  if (state && offset > state.endOffset) return state
  if (state && offset === state.startOffset) {
    for (const [key, memory] of state.before) state.memories.set(key, memory)
    return state
  }
  return { startOffset: offset, endOffset: -1, memories: new Map(), before: new Map() }
}

/** What cannot be an observation of a station at all; everything else is flagged, never dropped. */
function findProblem({ key, value }: InboundEvent<'weather.observation.v1'>): Outcome | null {
  const { stationId, observedAt, receivedAt } = value
  if (!STATION_ID_PATTERN.test(stationId)) {
    return deadLetter('invalid-station-id' satisfies DeadLetterReason, `stationId ${JSON.stringify(stationId)}`)
  }
  if (key !== stationId)
    return deadLetter('key-mismatch' satisfies DeadLetterReason, `key ${JSON.stringify(key)} of station ${stationId}`)
  if (!isInstant(observedAt) || !isInstant(receivedAt)) {
    return deadLetter('invalid-instant' satisfies DeadLetterReason, `observedAt ${observedAt}, receivedAt ${receivedAt}`)
  }
  return null
}

/** Analyses and model fill have their own continuity: mixing them with measurements would look like steps. */
function memoryKey({ stationId, kind }: Observation): string {
  return `${stationId}/${kind}`
}
