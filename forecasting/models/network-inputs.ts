/**
 * What a station can learn of its network: how the air around it differs and how the air that was upstream 3, 6 and 12 h ago does, what the
 * whole network has in common, which no single sensor shows as clearly, and how far the own place is from that.
 */
import { COLUMN, HOURLY_COLUMNS } from '../features/index.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'
import { linearInputOf } from './inputs.ts'
import type { Heard, Network } from './network.ts'
import { OWN } from './station-climate.ts'

/** Standard deviation of the Gaussian weight of a station by its distance, km. */
const REACH_KM = 60
/** Weather moves faster than the wind near the ground. */
const STEERING = 1.5
/** Weight of "no difference": a lone station far away says little. */
const DOUBT = 0.3
const KMH_PER_MPS = 3.6

/** Of the network's mean, whatever is forecast. */
const COMMON = [
  ...[0, 3, 6, 12, 24].map((k) => `temperatureC.lag${k}h`),
  'temperatureC.mean24h.before0h',
  ...[0, 6].map((k) => `dewPointC.lag${k}h`),
  ...[0, 3, 6, 12, 24].map((k) => `pressureHpa.lag${k}h`),
  ...['lag0h', 'mean6h.before0h', 'mean24h.before0h'].flatMap((when) => [`windU.${when}`, `windV.${when}`]),
  'windSpeedMps.lag0h',
  'relativeHumidityPct.lag0h',
  'precipitationMm.wet3h.before0h',
  'precipitationMm.wet24h.before0h',
]
const LAGS = ['lag0h', 'lag3h', 'lag6h', 'lag12h', 'mean24h.before0h']
const WET = ['wet1h.before0h', 'wet6h.before0h', 'wet24h.before0h']
/** Beside the own variable, the first two that are not it. */
const COMPANIONS = ['pressureHpa.lag0h', 'dewPointC.lag0h', 'temperatureC.lag0h']

export type NetworkInputs = {
  readonly count: number
  /** Writes `count` inputs of station s into `out`, 0 for what nobody can say; returns how many other stations were heard, 0 without an own value. */
  fill(heard: Heard, s: number, out: Float64Array): number
}

export function networkInputs(variable: ForecastVariable, network: Network): NetworkInputs {
  const { column } = OWN[variable]
  const of = (what: string): string => `${HOURLY_COLUMNS[column]!}.${what}`
  const own = (column === COLUMN.precipitationMm ? WET : LAGS).map(of)
  const [now, earlier] = [own[0]!, own[1]!]
  const companions = COMPANIONS.filter((name) => name !== now).slice(0, 2)
  const around = [
    ...[0, 3, 6, 12].map((hours) => ({ input: linearInputOf(now), hours })),
    { input: linearInputOf(earlier), hours: 0 },
    ...companions.flatMap((name) => [0, 6].map((hours) => ({ input: linearInputOf(name), hours }))),
  ]
  const means = [...new Set([...COMMON, ...own])].map(linearInputOf)
  const apart = [...own, ...companions].map(linearInputOf)
  const newest = linearInputOf(now)
  return {
    count: around.length + means.length + apart.length,
    fill(heard, s, out) {
      out.fill(0)
      const mine = heard.departures[s]!
      const others = heard.departures.filter((values, t) => t !== s && !Number.isNaN(values[newest]!)).length
      if (others === 0 || Number.isNaN(mine[newest]!)) return 0
      let i = 0
      for (const { input, hours } of around) out[i++] = difference(network, heard, s, input, hours)
      for (const input of means) out[i++] = heard.means[input]! || 0
      for (const input of apart) out[i++] = mine[input]! - heard.means[input]! || 0
      return others
    },
  }
}

/** Departures of the others less the own one, averaged around where the air was so many hours ago; drawn to 0 where few are near. */
function difference(
  { east, north }: Network,
  { departures, wind: [u, v] }: Heard,
  s: number,
  input: number,
  hours: number,
): number {
  const n = departures.length
  const mine = departures[s]![input]!
  const x = -STEERING * KMH_PER_MPS * u * hours
  const y = -STEERING * KMH_PER_MPS * v * hours
  let sum = 0
  let weights = DOUBT
  for (let t = 0; t < n; t++) {
    const apart = departures[t]![input]! - mine
    if (t === s || apart !== apart) continue
    const weight = Math.exp(-((east[s * n + t]! - x) ** 2 + (north[s * n + t]! - y) ** 2) / (2 * REACH_KM ** 2))
    sum += weight * apart
    weights += weight
  }
  return sum / weights
}
