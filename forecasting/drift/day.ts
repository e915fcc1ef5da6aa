/** What the charts look at: one number a day each, from the verified hours of the day. */
/** Standardised errors of one hour by WATCHED_LEADS; null: the hour was not verified. */
export type HourOfDay = readonly (number | null)[] | null

/** Fewer hours than this say more about which hours are missing than about the day; days on which a quantity fails are left out so. */
const MIN_HOURS = 18
/** One wild hour is not a wild day: standardised errors count up to here. */
const LARGEST_ERROR = 3
const SMALLEST_SQUARE = 0.1
const HOURS = 24

export type Measure = 'mean' | 'spread' | 'cosine' | 'sine' | 'missing'

/**
 * - mean: of the standardised errors of a lead range, each kept within ±3; what is too high or too low.
 * - spread: ln(mean square + 0.1); what is wilder than the intervals say, their coverage in one number.
 * - cosine, sine: √2 × mean of error × cos or sin of the hour of the day; what comes and goes with the sun, such as a clock an hour off.
 * - missing: share of the day's hours in which the station reported, but not this quantity, or quality control took it away.
 */
export function measureDay(measure: Measure, leads: number, hours: readonly HourOfDay[], aliveHours: number): number | null {
  const values = Array.from({ length: HOURS }, (_, hour) => kept(hours[hour]?.[leads] ?? null))
  if (measure === 'missing') {
    const verified = hours.filter((hour) => hour !== null && hour !== undefined).length
    return aliveHours === 0 ? null : Math.max(0, aliveHours - verified) / HOURS
  }
  const known = values.filter((value) => value !== null)
  if (known.length < MIN_HOURS) return null
  const mean = (of: (value: number, hour: number) => number): number =>
    values.reduce<number>((sum, value, hour) => (value === null ? sum : sum + of(value, hour)), 0) / known.length
  switch (measure) {
    case 'mean':
      return mean((value) => value)
    case 'spread':
      return Math.log(mean((value) => value * value) + SMALLEST_SQUARE)
    case 'cosine':
      return mean((value, hour) => Math.SQRT2 * value * Math.cos((2 * Math.PI * hour) / HOURS))
    case 'sine':
      return mean((value, hour) => Math.SQRT2 * value * Math.sin((2 * Math.PI * hour) / HOURS))
  }
}

const kept = (value: number | null): number | null =>
  value === null ? null : Math.max(-LARGEST_ERROR, Math.min(LARGEST_ERROR, value))
