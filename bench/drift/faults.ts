/** What goes wrong with a station, as a change of what it reports from an hour on. */
import { createRng } from '../../forecasting/verification/index.ts'
import type { Observation } from '../../schemas/generated/types.ts'
import type { Alteration } from './series.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'

export type Fault = {
  readonly name: string
  /** Every second injection of a shift goes down. */
  readonly at: (hour: number, sign: 1 | -1, station: FaultContext) => Alteration
}
export type FaultContext = {
  /** Root mean square error at 7–24 h, unit of the variable. */
  readonly rmse: number
  readonly byHour: ReadonlyMap<number, Observation>
}

const HOURS_PER_MONTH = 730
const SEASON_HOURS = 28 * 24

const warmer =
  (from: number, byC: (hour: number) => number): Alteration =>
  (observation, hour) =>
    hour < from || observation.temperatureC === null
      ? observation
      : { ...observation, temperatureC: observation.temperatureC + byC(hour) }

const step = (sizeC: number): Fault => ({ name: `step of ${sizeC} °C`, at: (from, sign) => warmer(from, () => sign * sizeC) })

export const FAULTS: readonly Fault[] = [
  ...[1, 1.5, 2, 3].map(step),
  { name: 'ramp of 1 °C a month', at: (from, sign) => warmer(from, (hour) => (sign * (hour - from)) / HOURS_PER_MONTH) },
  {
    // Noise of half the error variance, so that the variance of the errors at 7–24 h is 1.5 of what it was.
    name: 'error variance × 1.5',
    at: (from, _, { rmse }) => warmer(from, (hour) => rmse * Math.SQRT1_2 * normalOf(hour)),
  },
  {
    name: 'thermometer stuck',
    at: (from, _, { byHour }) => {
      const held = byHour.get(from)?.temperatureC ?? 10
      return (observation, hour) =>
        hour < from || observation.temperatureC === null ? observation : { ...observation, temperatureC: held }
    },
  },
  {
    name: 'unit changed to °F',
    at: (from) => (observation, hour) =>
      hour < from || observation.temperatureC === null
        ? observation
        : { ...observation, temperatureC: observation.temperatureC * 1.8 + 32 },
  },
  {
    name: 'clock an hour late',
    at:
      (from, _, { byHour }) =>
      (observation, hour) =>
        hour < from ? observation : valuesOf(byHour.get(hour - 1), observation),
  },
  {
    name: 'season four weeks ahead',
    at:
      (from, _, { byHour }) =>
      (observation, hour) =>
        hour < from ? observation : valuesOf(byHour.get(hour + SEASON_HOURS), observation),
  },
]

/** What can be reported. */
const LIMITS: Readonly<Partial<Record<ForecastVariable, readonly [number, number]>>> = {
  relativeHumidityPct: [1, 100],
  windSpeedMps: [0, Number.POSITIVE_INFINITY],
}

/** A lasting shift of a quantity by the usual error of its forecasts. */
export const shiftOf = (quantity: Exclude<ForecastVariable, 'precipitationProbabilityPct'>): Fault => ({
  name: `shift of ${quantity}`,
  at: (from, sign, { rmse }) => {
    const [lowest, highest] = LIMITS[quantity] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
    return (observation, hour) => {
      const value = observation[quantity]
      if (hour < from || value === null) return observation
      return { ...observation, [quantity]: Math.min(highest, Math.max(lowest, value + sign * rmse)) }
    }
  },
})

/** The values of another hour under the instants of this one; null: nothing was reported then. */
function valuesOf(other: Observation | undefined, { observedAt, receivedAt }: Observation): Observation | null {
  return other === undefined ? null : { ...other, observedAt, receivedAt }
}

/** A standard normal number that belongs to an hour (Box–Muller). */
function normalOf(hour: number): number {
  const uniform = createRng(Math.imul(hour, 0x9e3779b1) >>> 0)
  return Math.sqrt(-2 * Math.log(uniform() || Number.MIN_VALUE)) * Math.cos(2 * Math.PI * uniform())
}
