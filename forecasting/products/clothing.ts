/**
 * What to wear for a day outdoors, from hourly forecast quantiles.
 *
 * Required insulation in clo (1 clo = 0.155 m²K/W) follows ISO 11079 IREQ (neutral), in a closed form fitted to its tables for air
 * temperature = radiant temperature, 60 % humidity (root mean square error 0.05 clo down to −10 °C, largest error 0.19 down to −30 °C):
 *   clo = ((35.90 − 0.0169·M − T) / (0.2365·M^0.8505) − 0.374) · (1 + 0.0933·max(0, v − 0.4)), at least 0.3
 * M: metabolic rate, W/m²; T: °C; v: wind at the body, m/s, 0.67 of the wind at 10 m, at most 8. The standard ends at 10 °C; the form
 * goes on smoothly above. Dressing is planned for the 20 % quantile of temperature: cold in one hour of five, not in every second. Wind, humidity
 * and the range of the hours are in the insulation; beside it stands the class of the day's mean, from very cold to hot at 5, 12, 18, 23 and 28 °C.
 */
import { mean } from 'simple-statistics'
import { apparentTemperatureC, windChillC } from './felt-temperature.ts'

export const ACTIVITIES = { waiting: 80, strolling: 115, brisk: 165 } as const
export type Activity = keyof typeof ACTIVITIES

/** The quantile of temperature that is dressed for. */
const DRESSED_FOR = 0.2
/** By the mean of the hours, °C. */
const DAY_CLASSES = [
  { from: 28, name: 'hot' },
  { from: 23, name: 'warm' },
  { from: 18, name: 'mild' },
  { from: 12, name: 'cool' },
  { from: 5, name: 'cold' },
  { from: Number.NEGATIVE_INFINITY, name: 'very cold' },
] as const
export type DayClass = (typeof DAY_CLASSES)[number]['name']

/** One forecast hour. Null: not forecast. */
export type ClothingHour = {
  readonly validAt: number
  /** 10 %, 25 % and 50 % quantiles, °C. */
  readonly temperatureC: { readonly q10: number; readonly q25: number; readonly q50: number }
  /** Median at 10 m, m/s. */
  readonly windSpeedMps: number | null
  /** Median, %. */
  readonly relativeHumidityPct: number | null
  /** Of at least 0.1 mm in the hour, %. */
  readonly precipitationProbabilityPct: number | null
}
export type ClothingOptions = {
  readonly activity: Activity
  /** Personal offset, clo: above 0 for who feels cold easily. */
  readonly offsetClo: number
}
export type ClothingAdvice = {
  /** Mean of the hours' medians, and what such a day is called. */
  readonly meanTemperatureC: number
  readonly dayClass: DayClass
  /** Quantile of temperature that the insulation is for. */
  readonly temperatureQuantile: number
  /** Of the hours, least and most. */
  readonly requiredClo: { readonly min: number; readonly max: number }
  /** To be put on for the warmest hour. */
  readonly base: string
  /** To be carried for the coldest hour; null when one set does for the whole time. */
  readonly extra: string | null
  readonly accessories: readonly string[]
  readonly warnings: readonly string[]
  /** Highest of the hours, %; null when it is not forecast. */
  readonly rainProbabilityPct: number | null
  readonly summary: string
  readonly hours: ReadonlyArray<{
    readonly validAt: number
    readonly temperatureC: number
    readonly feelsLikeC: number
    readonly requiredClo: number
  }>
}

const MIN_CLO = 0.3
const WIND_AT_BODY = 0.67
const MAX_BODY_WIND_MPS = 8
/** Underwear, socks and shoes, worn anyway. */
const WORN_ANYWAY_CLO = 0.15
/** Beyond this difference between the hours one set of clothes does not do. */
const REMOVABLE_CLO = 0.6
const RAIN_GEAR_PCT = 40
const NO_UMBRELLA_MPS = 10
/** Where wind is not forecast: a light breeze. */
const ASSUMED_WIND_MPS = 3

/** Outer layers by required clo, exclusive of what is worn anyway. */
const LAYERS: ReadonlyArray<readonly [upTo: number, text: string]> = [
  [0.4, 'T-shirt and shorts or a skirt'],
  [0.7, 'T-shirt or shirt and trousers'],
  [1.0, 'long sleeves, trousers and a light jacket or cardigan'],
  [1.5, 'sweater and jacket'],
  [2.1, 'sweater and coat, with a scarf'],
  [2.8, 'thermal base layer, sweater and down coat, with hat and gloves'],
  [Infinity, 'thermal base layer, sweater, down coat, insulated trousers and boots, with hat and gloves'],
]
/** More clothes than this are impractical: less time outside helps more. */
const LIMIT_EXPOSURE_CLO = 3.6

/** Required insulation, clo. `temperatureC` −40…45, `windMps` at 10 m ≥ 0, `metabolicRate` 80…165 W/m². */
export function requiredClo(temperatureC: number, windMps: number, metabolicRate: number): number {
  const body = Math.min(MAX_BODY_WIND_MPS, WIND_AT_BODY * windMps)
  const calm = (35.9 - 0.0169 * metabolicRate - temperatureC) / (0.2365 * metabolicRate ** 0.8505) - 0.374
  return Math.max(MIN_CLO, calm * (1 + 0.0933 * Math.max(0, body - 0.4)))
}

/**
 * Advice for the given hours (ascending). Hours without a temperature are left out, another quantity that is no number is not forecast. Throws
 * RangeError when no hour is left.
 */
export function adviseClothing(given: readonly ClothingHour[], options: ClothingOptions): ClothingAdvice {
  const hours = given.filter(hasTemperature).map(withNumbers)
  if (hours.length === 0) throw new RangeError('no hours to dress for')
  const rate = ACTIVITIES[options.activity]
  const judged = hours.map((hour) => {
    const wind = hour.windSpeedMps ?? ASSUMED_WIND_MPS
    const { q10, q25, q50: median } = hour.temperatureC
    const cautious = q10 + (q25 - q10) * ((DRESSED_FOR - 0.1) / (0.25 - 0.1))
    const feelsLikeC =
      (median < 20 ? windChillC(median, wind) : apparentTemperatureC(median, hour.relativeHumidityPct, wind)) ?? median
    return {
      validAt: hour.validAt,
      temperatureC: median,
      feelsLikeC,
      requiredClo: Math.max(MIN_CLO, requiredClo(cautious, wind, rate) + options.offsetClo),
    }
  })
  const clos = judged.map((hour) => hour.requiredClo)
  const [min, max] = [Math.min(...clos), Math.max(...clos)]
  const needsExtra = max - min > REMOVABLE_CLO && layersFor(min) !== layersFor(max)
  const rain = highest(hours.map((hour) => hour.precipitationProbabilityPct))
  const wind = highest(hours.map((hour) => hour.windSpeedMps))
  const feels = judged.map((hour) => hour.feelsLikeC)
  const coldest = Math.min(...feels)
  const hottest = Math.max(...feels)
  const isWet = rain !== null && rain >= RAIN_GEAR_PCT
  const lowestMedian = Math.min(...judged.map((hour) => hour.temperatureC))
  const accessories = [
    ...(isWet ? [(wind ?? 0) < NO_UMBRELLA_MPS ? 'umbrella or rain jacket' : 'rain jacket (too windy for an umbrella)'] : []),
    ...(isWet && lowestMedian <= 2 ? ['waterproof shoes that do not slip'] : []),
    ...(hottest > 28 ? ['hat and light colours'] : []),
  ]
  const warnings = [
    ...(coldest <= -27 ? ['Wind chill: cover all skin.'] : coldest <= -10 ? ['Wind chill: cover ears and hands.'] : []),
    ...(max > LIMIT_EXPOSURE_CLO ? ['Limit the time outside: clothes alone do not keep warm.'] : []),
    ...(hottest >= 32 ? ['Heat: drink, seek shade, avoid tight or dark clothes.'] : []),
  ]
  const base = layersFor(needsExtra ? min : max)
  const extra = needsExtra ? layersFor(max) : null
  const meanTemperatureC = mean(judged.map((hour) => hour.temperatureC))
  return {
    meanTemperatureC,
    dayClass: DAY_CLASSES.find(({ from }) => meanTemperatureC >= from)!.name,
    temperatureQuantile: DRESSED_FOR,
    requiredClo: { min, max },
    base,
    extra,
    accessories,
    warnings,
    rainProbabilityPct: rain,
    summary: [
      `${capitalised(base)}${extra === null ? '' : `; for the coldest hours ${extra}`}${accessories.length > 0 ? `; take ${accessories.join(', ')}` : ''}.`,
      ...warnings,
    ].join(' '),
    hours: judged,
  }
}

function hasTemperature({ temperatureC: { q10, q25, q50 } }: ClothingHour): boolean {
  return Number.isFinite(q10) && Number.isFinite(q25) && Number.isFinite(q50)
}

function withNumbers(hour: ClothingHour): ClothingHour {
  const { windSpeedMps, relativeHumidityPct, precipitationProbabilityPct } = hour
  return {
    ...hour,
    windSpeedMps: numberOrNull(windSpeedMps),
    relativeHumidityPct: numberOrNull(relativeHumidityPct),
    precipitationProbabilityPct: numberOrNull(precipitationProbabilityPct),
  }
}

function numberOrNull(value: number | null): number | null {
  return Number.isFinite(value) ? value : null
}

function layersFor(clo: number): string {
  return (LAYERS.find(([upTo]) => clo - WORN_ANYWAY_CLO <= upTo) as readonly [number, string])[1]
}

function highest(values: ReadonlyArray<number | null>): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : Math.max(...known)
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
