/** Weather rules against forecasts whose truth is known: what would have been raised, and was it right? Pure. */
import { decideWeather, outlookOf, type WeatherRule } from '../alerting/rules/weather-probability.ts'

const HOUR_MS = 3_600_000

export type BacktestForecast = {
  /** Epoch ms. */
  readonly issuedAt: number
  readonly leadHours: readonly number[]
  readonly quantiles: ReadonlyArray<readonly number[]>
  /** NaN where not observed. */
  readonly observed: readonly number[]
}

export type BacktestResult = {
  readonly rule: string
  readonly forecasts: number
  /** Alerts raised, each until the rule clears. */
  readonly raised: number
  /** Of those, with the threshold crossed in an hour within reach of the forecast that raised. */
  readonly right: number
  readonly wrong: number
  /** No hour crossed it, but not every hour was observed. */
  readonly unknown: number
  /** Forecasts with a crossing within reach, and those among them under which the rule was not firing. */
  readonly crossings: number
  readonly missed: number
  readonly raisedAt: readonly string[]
}

/** `forecasts` of one station, of the rule's variable; taken in order of issue, as the service would see them. */
export function backtestRule(rule: WeatherRule, forecasts: readonly BacktestForecast[]): BacktestResult {
  const counts = { raised: 0, right: 0, wrong: 0, unknown: 0, crossings: 0, missed: 0 }
  const raisedAt: string[] = []
  let isFiring = false
  for (const forecast of forecasts.toSorted((a, b) => a.issuedAt - b.issuedAt)) {
    const outlook = outlookOf(rule, {
      ...forecast,
      variable: rule.variable,
      leadHours: [...forecast.leadHours],
      quantiles: forecast.quantiles.map((row) => [...row]),
    })
    if (outlook === null) continue
    const { change } = decideWeather(rule, outlook, isFiring)
    if (change !== null) isFiring = change === 'raise'
    const truth = crossed(rule, forecast)
    if (change === 'raise') {
      counts.raised++
      counts[truth === null ? 'unknown' : truth ? 'right' : 'wrong']++
      raisedAt.push(new Date(forecast.issuedAt).toISOString())
    }
    if (truth === true) {
      counts.crossings++
      if (!isFiring) counts.missed++
    }
  }
  return { rule: rule.name, forecasts: forecasts.length, ...counts, raisedAt }
}

/** Null when no observed hour crossed it and some hour is not observed. */
function crossed({ op, threshold, withinHours }: WeatherRule, { leadHours, observed }: BacktestForecast): boolean | null {
  const within = observed.filter((_, i) => (leadHours[i] as number) <= withinHours)
  if (within.some((value) => (op === '<=' ? value <= threshold : value >= threshold))) return true
  return within.some(Number.isNaN) ? null : false
}

/** The CSV of `isobar evaluate --predictions`, one model of it. Throws RangeError naming the line. */
export function forecastsOfPredictions(csv: string, model: string): BacktestForecast[] {
  const [header, ...lines] = csv.trimEnd().split(/\r?\n/)
  if (header !== HEADER) throw new RangeError(`line 1: expected ${HEADER}`)
  const byOrigin = new Map<number, { leadHours: number[]; quantiles: number[][]; observed: number[] }>()
  lines.forEach((line, i) => {
    const cells = line.split(',')
    if (cells[0] !== model) return
    const issuedAt = Date.parse(cells[1] ?? '')
    const numbers = cells.slice(2, 10).map((cell) => (cell === '' ? Number.NaN : Number(cell)))
    const observed = cells[10] === '' ? Number.NaN : Number(cells[10])
    if (cells.length !== 11 || issuedAt % HOUR_MS !== 0 || !numbers.every(Number.isFinite))
      throw new RangeError(`line ${i + 2}: not a prediction: ${line}`)
    const [leadHours = 0, ...quantiles] = numbers
    const forecast = byOrigin.get(issuedAt) ?? { leadHours: [], quantiles: [], observed: [] }
    byOrigin.set(issuedAt, forecast)
    forecast.leadHours.push(leadHours)
    forecast.quantiles.push(quantiles)
    forecast.observed.push(observed)
  })
  return [...byOrigin].map(([issuedAt, forecast]) => ({ issuedAt, ...forecast }))
}

const HEADER = 'model,origin,leadHours,q025,q10,q25,q50,q75,q90,q975,observed'
