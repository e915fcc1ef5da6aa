/** How likely a threshold is crossed within the coming hours, from the newest forecast and the errors of past ones. */
import { z } from '@hono/zod-openapi'
import { MIN_ERROR_ROWS, probabilityInWindow } from '../../forecasting/products/window-probability.ts'
import { FORECAST_VARIABLES, HORIZON_HOURS, type ForecastVariable, VARIABLE_UNITS } from '../../schemas/quantities.ts'
import { isoUtc } from '../forecast/local-time.ts'
import { createKept } from '../kept.ts'
import { stationIdParam, variableParam } from '../params.ts'
import type { RouteDeps } from '../ports.ts'
import { Problem } from '../problems.ts'
import { addRoute, type App } from '../respond.ts'
import type { Forecaster } from './forecast.ts'
import { requireStation } from './stations.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
/** A season: errors of spring nights say little about autumn ones. */
const PAST_DAYS = 120
/**
 * The same lead of an evening and of a morning issue falls on different hours of day, whose errors differ in size and persistence; ranked
 * together they would mix both. Issues further apart than the neighbouring hours would mostly add rows of nights that are in already, and
 * reach MIN_ERROR_ROWS after days instead of after ten.
 */
const HOURS_APART = 1
/** Those of a season at every lead are half a megabyte. */
const MAX_KEPT = 100

const RAIN: ForecastVariable = 'precipitationProbabilityPct'
const WITH_THRESHOLD = FORECAST_VARIABLES.filter((variable) => variable !== RAIN)

const threshold = (description: string) =>
  z
    .string()
    .trim()
    // An empty text would be the number 0.
    .min(1, 'is empty; give a number')
    .pipe(z.coerce.number())
    .optional()
    .openapi({ type: 'number', description })

const Query = z
  .strictObject({
    variable: variableParam
      .refine((variable) => variable !== RAIN, {
        message: 'is a probability of each hour already; it has no threshold to be crossed.',
        params: { code: 'no-threshold', fix: `Use one of: ${WITH_THRESHOLD.join(', ')}; or read ${RAIN} in the forecast.` },
      })
      .openapi({ type: 'string', enum: WITH_THRESHOLD, example: 'temperatureC' }),
    atMost: threshold('Threshold in the unit of the variable, crossed at or below it. Either this or `atLeast`.').openapi({
      example: 0,
    }),
    atLeast: threshold('The same, crossed at or above it.'),
    withinHours: z.coerce
      .number()
      .int()
      .min(1)
      .max(HORIZON_HOURS)
      .default(24)
      .openapi({ type: 'integer', minimum: 1, maximum: HORIZON_HOURS, default: 24 }),
    hours: z.enum(['any', 'all']).default('any').openapi({ description: 'Crossed at some hour, or at every hour.' }),
  })
  .refine(({ atMost, atLeast }) => (atMost === undefined) !== (atLeast === undefined), {
    path: ['atMost'],
    message: 'exactly one of atMost and atLeast is needed.',
    params: { code: 'one-threshold', fix: 'Give either atMost or atLeast.' },
  })

const probability = z.number().min(0).max(1)
const ProbabilitySchema = z
  .object({
    stationId: z.string(),
    variable: z.string(),
    unit: z.string(),
    side: z.enum(['at-most', 'at-least']),
    threshold: z.number(),
    hours: z.enum(['any', 'all']),
    from: z.string().openapi({ description: 'First hour asked about, the next one.' }),
    to: z.string().openapi({ description: 'Last hour asked about.' }),
    missingHours: z
      .number()
      .int()
      .openapi({ description: 'Hours of the window that the forecast does not reach; the answer is about the others.' }),
    issuedAt: z.string(),
    modelVersion: z.string(),
    status: z.enum(['fresh', 'stale', 'degraded']),
    statusReason: z.string().nullable(),
    probability: probability
      .nullable()
      .openapi({ description: `0–1; null with fewer than ${MIN_ERROR_ROWS} rows: then only the bounds are known.` }),
    probabilityReason: z.string().nullable().openapi({ description: 'Why there is no probability.' }),
    low: probability.openapi({ description: 'Lower bound, however the hours depend on one another.' }),
    high: probability.openapi({ description: 'Upper bound, likewise.' }),
    rows: z.number().int().openapi({ description: 'Past forecasts that verified at all these hours.' }),
    hourly: z
      .object({ time: z.array(z.string()), probability: z.array(probability) })
      .openapi({ description: 'The probability of each hour by itself.' }),
  })
  .openapi('Probability')

export function addProbabilityRoute(app: App, { snapshot, store, now, wallNow }: RouteDeps, forecaster: Forecaster): void {
  const kept = createKept<number[][]>(MAX_KEPT)
  addRoute(
    app,
    {
      method: 'get',
      path: '/v1/stations/{id}/probability',
      tag: 'Forecasts',
      summary: 'How likely a threshold is crossed within the coming hours',
      description: `At some hour, or at every hour, from the quantiles of the newest forecast. Which hours go together is taken from past errors (Schaake shuffle): of the champion forecasts of the last ${PAST_DAYS} days, issued at the same hour of day ± ${HOURS_APART} h, that verified at the same leads.`,
      scope: 'read',
      params: z.object({ id: stationIdParam }),
      query: Query,
      response: ProbabilitySchema,
      problems: [404, 503],
    },
    async ({ c, params, query }) => {
      const { stationId } = requireStation(snapshot, params.id)
      const { variable, withinHours, hours } = query
      const { selection, freshness } = forecaster.newest(stationId, [variable])
      const { issuedAt } = selection
      // A clock that has seen nothing yet is not before the forecast.
      const start = Math.max(now(), issuedAt)
      const first = Math.floor(start / HOUR_MS) + 1
      const ahead = selection.forecasts.flatMap((forecast) =>
        forecast.leadHours.flatMap((leadHours, i) => {
          const validAt = issuedAt + leadHours * HOUR_MS
          const quantiles = forecast.quantiles[i]
          const isWanted = validAt > start && validAt <= start + withinHours * HOUR_MS
          return isWanted && quantiles?.every(Number.isFinite) ? [{ leadHours, validAt, quantiles }] : []
        }),
      )
      const modelVersion = selection.forecasts[0]?.modelVersion
      if (modelVersion === undefined || ahead.length === 0) {
        throw new Problem(
          'no-forecast',
          503,
          `The newest forecast of ${variable} at ${stationId}, issued at ${isoUtc(issuedAt)}, has none of the next ${withinHours} hours.`,
        )
      }
      const issues = { issuedAt, leadHours: ahead.map(({ leadHours }) => leadHours), days: PAST_DAYS, hoursApart: HOURS_APART }
      // The archive may be a moment behind the topic that tells of what has verified: the end of a wall minute mends that.
      const pastErrors = await kept(
        JSON.stringify([stationId, variable, issues]),
        `${snapshot.verified(stationId, variable)}/${Math.floor(wallNow() / MINUTE_MS)}`,
        () => store.skill.pastErrors(stationId, variable, issues),
      )
      const { side, limit } = sideOf(query)
      const answer = probabilityInWindow(
        ahead.map(({ quantiles }) => quantiles),
        pastErrors,
        { threshold: limit, side, hours },
      )
      if (freshness.status !== 'fresh') c.header('isobar-status', freshness.status)
      return {
        stationId,
        variable,
        unit: VARIABLE_UNITS[variable],
        side,
        threshold: limit,
        hours,
        from: isoUtc(first * HOUR_MS),
        to: isoUtc((first + withinHours - 1) * HOUR_MS),
        missingHours: withinHours - ahead.length,
        issuedAt: isoUtc(issuedAt),
        modelVersion,
        status: freshness.status,
        statusReason: freshness.reason,
        probability: answer.probability,
        probabilityReason:
          answer.probability === null
            ? `Of the past ${PAST_DAYS} days' forecasts issued at this hour of day ± ${HOURS_APART} h, ${answer.rows} verified at all these hours; ${MIN_ERROR_ROWS} are needed.`
            : null,
        low: answer.low,
        high: answer.high,
        rows: answer.rows,
        hourly: { time: ahead.map(({ validAt }) => isoUtc(validAt)), probability: answer.hourly },
      }
    },
  )
}

/** The query has one of the two. */
function sideOf({ atMost, atLeast }: z.output<typeof Query>): { side: 'at-most' | 'at-least'; limit: number } {
  return atMost === undefined ? { side: 'at-least', limit: atLeast ?? Number.NaN } : { side: 'at-most', limit: atMost }
}
