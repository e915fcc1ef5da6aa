/** Probability rules on issued forecasts, with hysteresis on the probability. */
import { z } from 'zod'
import { probabilityAtLeast, probabilityAtMost } from '../../forecasting/products/threshold-probability.ts'
import { FORECAST_VARIABLES } from '../../schemas/quantities.ts'
import type { Forecast } from '../../schemas/generated/types.ts'

const share = z.number().gt(0).max(1)

export const weatherRuleSchema = z
  .object({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'lower case letters, digits and hyphens'),
    variable: z.enum(FORECAST_VARIABLES),
    op: z.enum(['<=', '>=']),
    threshold: z.number(),
    /** Fires when the probability of any hour within reach is at least this (0–1). */
    minProbability: share,
    /** Resolves when every hour is below this; must not be above minProbability. */
    clearProbability: share,
    withinHours: z.number().int().min(1).max(168),
    severity: z.enum(['info', 'warning', 'critical']).default('warning'),
    title: z.string().optional(),
  })
  .refine((rule) => rule.clearProbability <= rule.minProbability, 'clearProbability must not be above minProbability')
export type WeatherRule = z.infer<typeof weatherRuleSchema>

/** Frost and heat at 30/40 %, strong wind from Beaufort 6 (10.8 m/s); clear well below, so that one wobble does not flap. */
export const DEFAULT_WEATHER_RULES: readonly WeatherRule[] = [
  {
    name: 'frost',
    variable: 'temperatureC',
    op: '<=',
    threshold: 0,
    minProbability: 0.3,
    clearProbability: 0.15,
    withinHours: 24,
    severity: 'warning',
    title: 'Frost',
  },
  {
    name: 'heat',
    variable: 'temperatureC',
    op: '>=',
    threshold: 32,
    minProbability: 0.4,
    clearProbability: 0.2,
    withinHours: 24,
    severity: 'warning',
    title: 'Heat',
  },
  {
    name: 'strong-wind',
    variable: 'windSpeedMps',
    op: '>=',
    threshold: 10.8,
    minProbability: 0.4,
    clearProbability: 0.2,
    withinHours: 24,
    severity: 'warning',
    title: 'Strong wind',
  },
]

export type Outlook = {
  readonly probability: number
  readonly leadHours: number
  readonly validAt: number
  readonly median: number
}
export type WeatherVerdict = { readonly change: 'raise' | 'resolve' | null; readonly outlook: Outlook }

/** The most probable hour within reach (the first of equals); null when the forecast has no usable lead there. */
export function outlookOf(
  rule: WeatherRule,
  forecast: Pick<Forecast, 'issuedAt' | 'leadHours' | 'quantiles' | 'variable'>,
): Outlook | null {
  let worst: Outlook | null = null
  forecast.leadHours.forEach((leadHours, i) => {
    const quantiles = forecast.quantiles[i]
    if (leadHours > rule.withinHours || quantiles === undefined || !quantiles.every(Number.isFinite)) return
    const probability = probabilityOf(rule, quantiles)
    if (worst === null || probability > worst.probability) {
      worst = { probability, leadHours, validAt: forecast.issuedAt + leadHours * 3_600_000, median: quantiles[3] ?? Number.NaN }
    }
  })
  return worst
}

export function decideWeather(rule: WeatherRule, outlook: Outlook, isFiring: boolean): WeatherVerdict {
  if (!isFiring && outlook.probability >= rule.minProbability) return { change: 'raise', outlook }
  if (isFiring && outlook.probability < rule.clearProbability) return { change: 'resolve', outlook }
  return { change: null, outlook }
}

function probabilityOf(rule: WeatherRule, quantiles: readonly number[]): number {
  if (rule.variable === 'precipitationProbabilityPct') {
    // All seven hold the probability itself: the rule compares it with its threshold in percent.
    const percent = quantiles[3] ?? Number.NaN
    const isMet = rule.op === '>=' ? percent >= rule.threshold : percent <= rule.threshold
    return isMet ? 1 : 0
  }
  return rule.op === '<=' ? probabilityAtMost(quantiles, rule.threshold) : probabilityAtLeast(quantiles, rule.threshold)
}
