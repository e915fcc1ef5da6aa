/** The combination's answers: weights learned, at each origin, on the members' forecasts that had verified by then. */
import { type GroupWeights, learnWeights, type Verified } from '../../forecasting/models/index.ts'
import { HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { GROUP_OF_LEAD } from '../../forecasting/models/lead-groups.ts'
import type { Answer } from './evaluated.ts'
import { COMBINATION, COMBINED } from './families.ts'
import { assertSame, type OriginResult } from './origins.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length
const MEDIAN = QUANTILE_LEVELS.indexOf(0.5)
/** Weights are learned anew when the last ones are so old. */
const RELEARN_HOURS = 168

/** What nobody can have observed or forecast: weights that move with it have looked ahead. */
const NONSENSE = 1e4

export type CombineOptions = {
  readonly everyHours: number
  /** Corrupts what is known after each origin, and throws when a forecast changes. */
  readonly poison: boolean
  /** Hours after its origin from which a forecast teaches; less than the horizon is a leak, which the poison shows. */
  readonly teachesAfterHours?: number
}

/** The same results, in order of origin, with the combination's answer where all members answered. */
export function withCombination(results: readonly OriginResult[], options: CombineOptions): OriginResult[] {
  const ordered = results.toSorted((a, b) => a.origin - b.origin)
  const combined = combineAll(ordered, options, (past) => past)
  if (options.poison) {
    const blind = combineAll(ordered, options, corruptedAfter)
    combined.forEach(({ origin, answers }, i) =>
      assertSame(COMBINATION, origin, answers[COMBINATION]!, blind[i]!.answers[COMBINATION]!),
    )
  }
  return combined
}

/** A result as it may be told at an hour, with nonsense for all that was not known by then. */
function corruptedAfter({ origin, answers, observed }: OriginResult, hour: number): OriginResult {
  return {
    origin,
    answers:
      origin <= hour ? answers : Object.fromEntries(Object.entries(answers).map(([name, answer]) => [name, nonsense(answer)])),
    observed: observed.map((value, h) => (origin + h + 1 <= hour ? value : NONSENSE)),
  }
}

function nonsense(answer: Answer): Answer {
  return answer.ok ? { ...answer, quantiles: answer.quantiles.map(() => -NONSENSE) } : answer
}

function combineAll(
  ordered: readonly OriginResult[],
  { everyHours, teachesAfterHours = H }: CombineOptions,
  asKnownAt: (past: OriginResult, hour: number) => OriginResult,
): OriginResult[] {
  const complete = ordered.filter(({ answers }) => COMBINED.every((name) => answers[name]?.ok === true))
  const learnAt = (hour: number): GroupWeights[] => {
    const verified = complete.filter(({ origin }) => origin + teachesAfterHours <= hour).map((past) => asKnownAt(past, hour))
    return learnWeights(tableOf(verified), Math.ceil(H / everyHours))
  }
  let learnedAt = Number.NEGATIVE_INFINITY
  let groups = learnWeights(tableOf([]), 1)
  return ordered.map((result) => {
    const { origin, answers } = result
    const members = COMBINED.map((name) => answers[name])
    if (!members.every((answer) => answer?.ok === true)) {
      const missing = COMBINED.filter((_, m) => members[m]?.ok !== true)
      return {
        ...result,
        answers: { ...answers, [COMBINATION]: { ok: false, refused: `combination: no answer of ${missing.join(', ')}` } },
      }
    }
    if (origin - learnedAt >= RELEARN_HOURS) {
      learnedAt = origin
      groups = learnAt(origin)
    }
    const startedAt = performance.now()
    const quantiles = new Float32Array(H * Q)
    for (let i = 0; i < H * Q; i++) {
      const { weights } = groups[GROUP_OF_LEAD[Math.floor(i / Q)]!]!
      let value = 0
      members.forEach((answer, m) => {
        if (answer?.ok) value += weights[m]! * answer.quantiles[i]!
      })
      quantiles[i] = value
    }
    const answer = { ok: true as const, quantiles, fitSeconds: null, predictMilliseconds: performance.now() - startedAt }
    return { ...result, answers: { ...answers, [COMBINATION]: answer } }
  })
}

function tableOf(verified: readonly OriginResult[]): Verified {
  const rows = verified.length
  const medians = COMBINED.map((name) => {
    const table = new Float64Array(rows * H)
    verified.forEach(({ answers }, r) => {
      const answer = answers[name]!
      if (answer.ok) for (let h = 0; h < H; h++) table[r * H + h] = answer.quantiles[h * Q + MEDIAN]!
    })
    return table
  })
  const observed = new Float64Array(rows * H)
  verified.forEach((result, r) => observed.set(result.observed, r * H))
  return { medians, observed, rows, leads: H }
}
