/** What to wear on a local day, from the newest forecast. */
import { z } from '@hono/zod-openapi'
import { ACTIVITIES, type Activity, adviseClothing, type ClothingHour } from '../../forecasting/products/clothing.ts'
import type { Forecast } from '../../schemas/generated/types.ts'
import { QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { isoIn, isoUtc, localDate } from '../forecast/local-time.ts'
import { stationIdParam } from '../params.ts'
import type { RouteDeps } from '../ports.ts'
import { Problem } from '../problems.ts'
import { addRoute, type App } from '../respond.ts'
import type { Forecaster } from './forecast.ts'
import { requireStation } from './stations.ts'

const HOUR_MS = 3_600_000
/** Hours spent outside, local. */
const FIRST_HOUR = 7
const LAST_HOUR = 22
const VARIABLES = ['temperatureC', 'windSpeedMps', 'relativeHumidityPct', 'precipitationProbabilityPct'] as const

export const ClothingQuery = z.strictObject({
  date: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}$/, 'is not a date; write it like 2013-07-01')
    .optional()
    .openapi({
      description: 'Local day of the station. Default: what is left of today, or tomorrow in the evening.',
      example: '2013-07-02',
    }),
  activity: z.enum(Object.keys(ACTIVITIES) as [Activity, ...Activity[]]).default('strolling'),
  offsetClo: z.coerce.number().min(-1).max(1).default(0).openapi({ description: 'Above 0 for who feels cold easily.' }),
})
export const ClothingSchema = z
  .looseObject({
    stationId: z.string(),
    date: z.string(),
    timezone: z.string(),
    issuedAt: z.string(),
    status: z.enum(['fresh', 'stale', 'degraded']),
    statusReason: z.string().nullable(),
    summary: z.string(),
    meanTemperatureC: z.number().openapi({ description: 'Of the hours outside, medians.' }),
    dayClass: z
      .enum(['hot', 'warm', 'mild', 'cool', 'cold', 'very cold'])
      .openapi({ description: 'Of that mean: from 28, 23, 18, 12 and 5 °C, below very cold.' }),
    temperatureQuantile: z.number().openapi({ description: 'Quantile of temperature that the insulation is for.' }),
    base: z.string(),
    extra: z.string().nullable(),
    accessories: z.array(z.string()),
    warnings: z.array(z.string()),
    requiredClo: z.object({ min: z.number(), max: z.number() }),
    rainProbabilityPct: z.number().nullable(),
  })
  .openapi('Clothing')

export function createClothing({ snapshot, now }: RouteDeps, forecaster: Forecaster) {
  return (stationId: string, { date, activity, offsetClo }: z.output<typeof ClothingQuery>): object => {
    const station = requireStation(snapshot, stationId)
    const { selection, freshness } = forecaster.newest(station.stationId, VARIABLES)
    const hours = hoursOf(selection.forecasts, selection.issuedAt)
    const byDate = Map.groupBy(hours.filter(isOutside), ({ validAt }) => localDate(station.timezone, validAt))
    const ahead = [...byDate].filter(([, own]) => own.some(({ validAt }) => validAt > now())).map(([day]) => day)
    const day = date ?? ahead[0]
    const own = day === undefined ? undefined : byDate.get(day)
    if (day === undefined || own === undefined) {
      const days = [...byDate.keys()]
      throw new Problem('no-forecast', 404, `The forecast covers ${days[0]} to ${days.at(-1)}, not ${date ?? 'today'}.`, {
        errors: [
          {
            detail: 'Not covered.',
            parameter: 'date',
            code: 'not-covered',
            fix: `Ask for a day from ${days[0]} to ${days.at(-1)}.`,
          },
        ],
      })
    }
    const left = own.filter(({ validAt }) => validAt > now())
    const advice = adviseClothing(left.length > 0 ? left : own, { activity, offsetClo })
    return {
      stationId: station.stationId,
      date: day,
      timezone: station.timezone,
      activity,
      issuedAt: isoUtc(selection.issuedAt),
      status: freshness.status,
      statusReason: freshness.reason,
      ...advice,
      meanTemperatureC: rounded(advice.meanTemperatureC),
      requiredClo: { min: rounded(advice.requiredClo.min), max: rounded(advice.requiredClo.max) },
      rainProbabilityPct: advice.rainProbabilityPct === null ? null : rounded(advice.rainProbabilityPct),
      hours: advice.hours.map(({ validAt, ...hour }) => ({
        time: isoIn(station.timezone, validAt),
        temperatureC: rounded(hour.temperatureC),
        feelsLikeC: rounded(hour.feelsLikeC),
        requiredClo: rounded(hour.requiredClo),
      })),
    }

    function isOutside({ validAt }: ClothingHour): boolean {
      const local = Number(isoIn(station.timezone, validAt).slice(11, 13))
      return local >= FIRST_HOUR && local <= LAST_HOUR
    }
  }
}
export type Clothing = ReturnType<typeof createClothing>

export function addClothingRoute(app: App, clothing: Clothing): void {
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/stations/{id}/clothing',
      tag: 'Forecasts',
      summary: 'What to wear on a local day',
      description: `For ${FIRST_HOUR}:00 to ${LAST_HOUR}:00 local time, from the newest forecast: required insulation by ISO 11079, for the colder fifth of what is possible.`,
      scope: 'read',
      params: z.object({ id: stationIdParam }),
      query: ClothingQuery,
      response: ClothingSchema,
      problems: [404, 503],
    },
    ({ params, query }) => clothing(params.id, query),
  )
}

/** Hours with a temperature; of the other variables what there is. */
function hoursOf(forecasts: readonly Forecast[], issuedAt: number): ClothingHour[] {
  const byVariable = new Map(
    forecasts.map((forecast) => [forecast.variable, new Map(forecast.leadHours.map((lead, i) => [lead, forecast.quantiles[i]]))]),
  )
  const at = (variable: (typeof VARIABLES)[number], lead: number, level: number): number | null => {
    const value = byVariable.get(variable)?.get(lead)?.[QUANTILE_LEVELS.findIndex((known) => known === level)]
    return value === undefined || !Number.isFinite(value) ? null : value
  }
  return [...(byVariable.get('temperatureC')?.keys() ?? [])].flatMap((lead) => {
    const [q10, q25, q50] = [at('temperatureC', lead, 0.1), at('temperatureC', lead, 0.25), at('temperatureC', lead, 0.5)]
    if (q10 === null || q25 === null || q50 === null) return []
    return [
      {
        validAt: issuedAt + lead * HOUR_MS,
        temperatureC: { q10, q25, q50 },
        windSpeedMps: at('windSpeedMps', lead, 0.5),
        relativeHumidityPct: at('relativeHumidityPct', lead, 0.5),
        precipitationProbabilityPct: at('precipitationProbabilityPct', lead, 0.5),
      },
    ]
  })
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}
