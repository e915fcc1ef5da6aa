/** Warmth that lets plants grow, °C·day. Null in, null out. */
import { mean } from 'simple-statistics'
import { type Maybe, within } from './humidity.ts'

export type GrowthLimits = {
  /** No growth below, °C (maize 10, wheat 0, vine 10). */
  readonly baseC: number
  /** No faster growth above, °C (maize 30); none by default. */
  readonly upperC?: number
}

/**
 * Of a day from its extremes (McMaster & Wilhelm 1997, method 2; with 10 and 30 °C the "86/50" of US maize growers): both are brought
 * into base…upper, then (max + min)/2 − base. Null when an extreme is missing, or the maximum is below the minimum.
 */
export function growingDegreeDays(maxC: Maybe, minC: Maybe, limits: GrowthLimits): number | null {
  if (!within(maxC, -90, 60) || !within(minC, -90, maxC)) return null
  return (limited(maxC, limits) + limited(minC, limits)) / 2 - limits.baseC
}

/**
 * Of a span of hours: mean over them of (T brought into base…upper) − base, times their number / 24. Missing hours are taken as the
 * mean of the known ones; null when more than a quarter of them is missing or there are none.
 */
export function growingDegreeDaysFromHours(temperaturesC: readonly Maybe[], limits: GrowthLimits): number | null {
  const known = temperaturesC.filter((value) => within(value, -90, 60))
  if (known.length === 0 || known.length < 0.75 * temperaturesC.length) return null
  return (mean(known.map((value) => limited(value, limits) - limits.baseC)) * temperaturesC.length) / 24
}

function limited(value: number, { baseC, upperC = Infinity }: GrowthLimits): number {
  if (!(baseC < upperC)) throw new RangeError(`base ${baseC} is not below upper ${upperC}`)
  return Math.min(upperC, Math.max(baseC, value))
}
