/** Verified errors in units of what the forecast itself expected: like with like over leads, seasons and hours. */
import type { Verification } from '../../schemas/generated/types.ts'
import { HOUR_MS } from '../features/index.ts'

/**
 * Lead ranges that are watched. The shortest forget the weather within a day; a model that starts from recent observations hides a change from
 * them first, which the mean of the six balances. What such a model hides longest is a clock that is off: half a day ahead it shows.
 */
export const WATCHED_LEADS = [
  { name: '1-6', from: 1, to: 6 },
  { name: '1-3', from: 1, to: 3 },
  { name: '13-24', from: 13, to: 24 },
] as const
export type WatchedLeads = (typeof WATCHED_LEADS)[number]['name']
/**
 * Where the observed value itself is compared with what is usual at that hour and season: the climatology that the model carries, recentred
 * on the month before the issue a week ago, in units of what the forecast of that lead expected. The longest lead of the last day counts.
 */
export const REFERENCE = { name: '145-168', from: 145, to: 168 } as const
/** Positions of an hour's numbers: WATCHED_LEADS, REFERENCE, what is usual at the hour. */
export const REFERENCE_INDEX = WATCHED_LEADS.length
export const USUAL_INDEX = REFERENCE_INDEX + 1
export const WATCHED_COUNT = USUAL_INDEX + 1
export type ChartLeads = WatchedLeads | typeof REFERENCE.name
/** Leads whose errors tell the hour at which a series jumped: the shortest, at which the weather itself moves least. */
export const INNOVATION_LEADS = [1, 2, 3] as const

const SMALLEST_PROBABILITY = 0.05

/** One verified hour of one model; null where no lead verified. */
export type VerifiedHour = {
  readonly hour: number
  /** Hours from the observation to its arrival. */
  readonly lateHours: number
  /** Errors by WATCHED_LEADS and at REFERENCE, then what is usual at the hour, unit of the variable: WATCHED_COUNT numbers. */
  readonly standardised: readonly (number | null)[]
  /** At INNOVATION_LEADS: median minus observed, unit of the variable; then the same in expected scales. */
  readonly innovations: readonly (number | null)[]
}

/**
 * Means over the leads of each range of error ÷ expected scale; of REFERENCE, (usual − observed) ÷ expected scale. For a probability (0–100)
 * the expected scale of one outcome is 100·√(p(1−p)), the standard deviation of a Bernoulli variable, with p kept 0.05 away from certainty.
 */
export function standardiseHour(
  event: Pick<
    Verification,
    'variable' | 'observedAt' | 'observed' | 'leadHours' | 'error' | 'expectedScale' | 'recentredClimatologyError' | 'knownAt'
  >,
): VerifiedHour {
  const { leadHours, error, expectedScale, observed } = event
  const isProbability = event.variable === 'precipitationProbabilityPct'
  const scale = (e: number, i: number): number => {
    if (!isProbability) return e / (expectedScale[i] as number)
    const p = Math.min(1 - SMALLEST_PROBABILITY, Math.max(SMALLEST_PROBABILITY, (observed + e) / 100))
    return e / (100 * Math.sqrt(p * (1 - p)))
  }
  const scaled = leadHours.map((_, i) => scale(error[i] as number, i))
  const last = leadHours.length - 1
  const departure = event.recentredClimatologyError[last] ?? Number.NaN
  const reference = (leadHours[last] ?? 0) >= REFERENCE.from ? scale(departure, last) : Number.NaN
  const means = WATCHED_LEADS.map(({ from, to }) => {
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
  const finite = (x: number): number | null => (Number.isFinite(x) ? x : null)
  const atInnovationLeads = (of: readonly number[]): (number | null)[] =>
    INNOVATION_LEADS.map((lead) => finite(of[leadHours.indexOf(lead)] ?? Number.NaN))
  return {
    hour: Math.floor(event.observedAt / HOUR_MS),
    lateHours: (event.knownAt - event.observedAt) / HOUR_MS,
    standardised: [...means, finite(reference), finite(observed + departure)],
    innovations: [...atInnovationLeads(error), ...atInnovationLeads(scaled)],
  }
}
