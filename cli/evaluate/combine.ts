/** The combination's answers: weights learned, at each origin, on the members' forecasts that had verified by then. */
import { learnWeights } from '../../forecasting/models/index.ts'
import { HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { GROUP_OF_LEAD } from '../../forecasting/models/lead-groups.ts'
import { COMBINATION, COMBINED } from './families.ts'
import type { OriginResult } from './origins.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length
const MEDIAN = QUANTILE_LEVELS.indexOf(0.5)
/** Weights are learned anew when the last ones are so old. */
const RELEARN_HOURS = 168

/** The same results, in order of origin, with the combination's answer where all members answered. */
export function withCombination(results: readonly OriginResult[], everyHours: number): OriginResult[] {
  const ordered = results.toSorted((a, b) => a.origin - b.origin)
  const complete = ordered.filter(({ answers }) => COMBINED.every((name) => answers[name]?.ok === true))
  const medians = COMBINED.map((name) => {
    const table = new Float64Array(complete.length * H)
    complete.forEach(({ answers }, r) => {
      const answer = answers[name]!
      if (answer.ok) for (let h = 0; h < H; h++) table[r * H + h] = answer.quantiles[h * Q + MEDIAN]!
    })
    return table
  })
  const observed = new Float64Array(complete.length * H)
  complete.forEach((result, r) => observed.set(result.observed, r * H))
  let learnedAt = Number.NEGATIVE_INFINITY
  let groups = learnWeights({ medians, observed, rows: 0, leads: H }, 1)
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
      const rows = complete.filter((past) => past.origin + H <= origin).length
      groups = learnWeights({ medians, observed, rows, leads: H }, Math.ceil(H / everyHours))
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
