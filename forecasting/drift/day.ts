/** What the charts look at: one number a day each, from the verified hours of the day. */
/** Standardised errors of one hour by WATCHED_LEADS; null: the hour was not verified. */
export type HourOfDay = readonly (number | null)[] | null

/** Fewer hours than this make no mean of a day, and fewer no course of one. */
const MIN_HOURS = 12
const MIN_HOURS_OF_COURSE = 18
/** One wild hour is not a noisy day. */
const LARGEST_SQUARE = 25
const SMALLEST_SQUARE = 0.05
const HOURS = 24

export type Measure = 'mean' | 'spread' | 'cosine' | 'sine' | 'missing'

/**
 * - mean: of the standardised errors of a lead range; what is too high or too low.
 * - spread: ln(mean square + 0.05), squares kept below 25; what is wilder than the intervals say, their coverage in one number.
 * - cosine, sine: √2 × mean of error × cos or sin of the hour of the day; what comes and goes with the sun, such as a clock an hour off.
 * - missing: share of the day's hours in which the station reported, but not this quantity, or quality control took it away.
 */
export function measureDay(measure: Measure, leads: number, hours: readonly HourOfDay[], aliveHours: number): number | null {
  const values = Array.from({ length: HOURS }, (_, hour) => hours[hour]?.[leads] ?? null)
  if (measure === 'missing') {
    const verified = hours.filter((hour) => hour !== null && hour !== undefined).length
    return aliveHours === 0 ? null : Math.max(0, aliveHours - verified) / HOURS
  }
  const known = values.filter((value) => value !== null)
  if (known.length < (measure === 'cosine' || measure === 'sine' ? MIN_HOURS_OF_COURSE : MIN_HOURS)) return null
  const mean = (of: (value: number, hour: number) => number): number =>
    values.reduce<number>((sum, value, hour) => (value === null ? sum : sum + of(value, hour)), 0) / known.length
  switch (measure) {
    case 'mean':
      return mean((value) => value)
    case 'spread':
      return Math.log(mean((value) => Math.min(value * value, LARGEST_SQUARE)) + SMALLEST_SQUARE)
    case 'cosine':
      return mean((value, hour) => Math.SQRT2 * value * Math.cos((2 * Math.PI * hour) / HOURS))
    case 'sine':
      return mean((value, hour) => Math.SQRT2 * value * Math.sin((2 * Math.PI * hour) / HOURS))
  }
}
