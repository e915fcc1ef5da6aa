/** Verified errors in units of what the forecast itself expected: like with like over leads, seasons and hours. */
import type { Verification } from '../../schemas/generated/types.ts'

/**
 * Lead ranges that are watched. The shortest forget the weather within a day; a model that starts from recent observations hides a change
 * from them first, and from 4–6 h last of those that still forget the weather. Beyond a day one is told more about the weather than about the model.
 */
export const WATCHED_LEADS = [
  { name: '1-3', from: 1, to: 3 },
  { name: '4-6', from: 4, to: 6 },
  { name: '7-24', from: 7, to: 24 },
] as const
export type WatchedLeads = (typeof WATCHED_LEADS)[number]['name']
/** Leads whose errors tell the hour at which a series jumped: the shortest, at which the weather itself moves least. */
export const INNOVATION_LEADS = [1, 2, 3] as const

const SMALLEST_PROBABILITY = 0.05

/** One verified hour of one model. Arrays follow WATCHED_LEADS and INNOVATION_LEADS; null where no lead verified. */
export type VerifiedHour = {
  readonly hour: number
  readonly standardised: readonly (number | null)[]
  /** Median minus observed, unit of the variable; then the same in expected scales. */
  readonly innovations: readonly (number | null)[]
}

/**
 * Means over the leads of each range of error ÷ expected scale. For a probability (0–100) the expected scale of one outcome is
 * 100·√(p(1−p)), the standard deviation of a Bernoulli variable, with p kept 0.05 away from certainty.
 */
export function standardiseHour(
  event: Pick<Verification, 'variable' | 'observedAt' | 'observed' | 'leadHours' | 'error' | 'expectedScale'>,
): VerifiedHour {
  const { leadHours, error, expectedScale, observed } = event
  const isProbability = event.variable === 'precipitationProbabilityPct'
  const scaled = leadHours.map((_, i) => {
    const e = error[i] as number
    if (!isProbability) return e / (expectedScale[i] as number)
    const p = Math.min(1 - SMALLEST_PROBABILITY, Math.max(SMALLEST_PROBABILITY, (observed + e) / 100))
    return e / (100 * Math.sqrt(p * (1 - p)))
  })
  const standardised = WATCHED_LEADS.map(({ from, to }) => {
    let sum = 0
    let n = 0
    leadHours.forEach((lead, i) => {
      const z = scaled[i] as number
      if (lead < from || lead > to || !Number.isFinite(z)) return
      sum += z
      n++
    })
    return n === 0 ? null : sum / n
  })
  const atInnovationLeads = (of: readonly number[]): (number | null)[] =>
    INNOVATION_LEADS.map((lead) => {
      const e = of[leadHours.indexOf(lead)]
      return e === undefined || !Number.isFinite(e) ? null : e
    })
  const innovations = [...atInnovationLeads(error), ...atInnovationLeads(scaled)]
  return { hour: Math.floor(event.observedAt / 3_600_000), standardised, innovations }
}
