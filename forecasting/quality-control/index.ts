/**
 * Quality control of one observation against what its station reported before: sentinels, physical range, time, internal consistency, step
 * by gap length, stuck sensor, repeated and corrected reports. Flags, never changes values: who wants only the trustworthy ones reads the
 * flags. Pure: the same memory and observation always give the same verdict.
 */
import type { CheckedObservation, Observation } from '../../schemas/generated/types.ts'
import { QUANTITIES } from '../../schemas/quantities.ts'
import type { Quantity } from '../../schemas/quantities.ts'
import { checkConsistency, checkHumidity, checkRange, checkStep, checkStuck, checkTime } from './checks.ts'
import type { Rule } from './checks.ts'
import { createStationMemory, findSeen, fingerprint, rememberSeen, rememberValues } from './memory.ts'
import type { StationMemory } from './memory.ts'

export { RULES } from './checks.ts'
export { isInstant } from './limits.ts'
export { createStationMemory } from './memory.ts'
export type { StationMemory } from './memory.ts'

/** Changes whenever a rule or a limit does. */
export const QC_VERSION = 'qc-2'
export type Flag = CheckedObservation['flags'][Quantity]

export type Verdict =
  /** The same report again: nothing new to say. */
  | { readonly kind: 'duplicate'; readonly memory: StationMemory }
  | {
      readonly kind: 'checked'
      readonly flags: CheckedObservation['flags']
      readonly rules: CheckedObservation['rules']
      /** 0, or one more than the report of the same instant and source that this one corrects. */
      readonly revision: number
      /** What to judge the next observation with. */
      readonly memory: StationMemory
    }

/**
 * Judges an observation. An observation older than the newest one (late, or a correction) is judged by itself only, because the
 * memory describes the newest state. Future is meant against `receivedAt`, so that a replay of the same log judges the same.
 */
export function checkObservation(memory: StationMemory, observation: Observation): Verdict {
  const earlier = findSeen(memory, observation)
  if (earlier && earlier.revision >= observation.revision && earlier.values === fingerprint(observation))
    return { kind: 'duplicate', memory }
  const revision = Math.max(observation.revision, earlier ? earlier.revision + 1 : 0)

  const flags = Object.fromEntries(QUANTITIES.map((q) => [q, observation[q] === null ? 'missing' : 'good'])) as Record<
    Quantity,
    Flag
  >
  const rules: Partial<Record<Quantity, Rule[]>> = {}
  const raise = (quantity: Quantity, flag: Flag, rule: Rule): void => {
    if (SEVERITY[flag] > SEVERITY[flags[quantity]]) flags[quantity] = flag
    const raised = (rules[quantity] ??= [])
    if (!raised.includes(rule)) raised.push(rule)
  }
  const usable = (quantity: Quantity): number | null =>
    flags[quantity] === 'bad' || flags[quantity] === 'missing' ? null : observation[quantity]

  const at = observation.observedAt
  checkRange(observation, raise)
  const isOnTime = checkTime(observation, observation.receivedAt, raise)
  checkConsistency(observation, usable, raise)
  const isNewest = isOnTime && (memory.newestAt === null || at > memory.newestAt)
  // A stuck value is remembered although it is bad, or its run would be forgotten; other bad values are not what the next is compared with.
  const toRemember: Array<readonly [Quantity, number]> = []
  if (isNewest) {
    for (const quantity of QUANTITIES) {
      const value = usable(quantity)
      if (value === null) continue
      checkStep(memory, quantity, value, at, raise)
      if (usable(quantity) === null) continue
      checkStuck(memory, quantity, observation, value, raise)
      toRemember.push([quantity, value])
    }
  }
  checkHumidity(isNewest ? memory : createStationMemory(), at, usable, raise)

  const isStuck = (quantity: Quantity): boolean => flags[quantity] === 'bad' && rules[quantity]?.includes('stuck-sensor') === true
  const next = rememberSeen(isNewest ? rememberValues(memory, at, toRemember, isStuck) : memory, observation, revision)
  return { kind: 'checked', flags, rules, revision, memory: next }
}

const SEVERITY: Readonly<Record<Flag, number>> = { good: 0, unchecked: 0, suspect: 1, bad: 2, missing: 3 }
