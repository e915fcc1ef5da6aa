/** The rules. Each raises flags on one observation; none changes a value. */
import type { Observation } from '../../schemas/generated/types.ts'
import { QUANTITIES } from '../../schemas/quantities.ts'
import type { Quantity } from '../../schemas/quantities.ts'
import * as limits from './limits.ts'
import { HOUR_MS, continuesStuckRun, isCoarse, unchangedHours } from './memory.ts'
import type { StationMemory } from './memory.ts'

export const RULES = [
  'sentinel',
  'physical-range',
  'future-timestamp',
  'old-timestamp',
  'dew-point-above-temperature',
  'humidity-mismatch',
  'gust-below-mean',
  'gust-factor',
  'direction-zero',
  'heavy-frost-precipitation',
  'step',
  'stuck-sensor',
  'long-calm',
] as const
export type Rule = (typeof RULES)[number]
export type Raise = (quantity: Quantity, flag: 'missing' | 'suspect' | 'bad', rule: Rule) => void

/** Sentinels and physical limits. */
export function checkRange(o: Observation, raise: Raise): void {
  for (const quantity of QUANTITIES) {
    const value = o[quantity]
    if (value === null) continue
    const { bad, suspect } = limits.RANGE[quantity]
    if (limits.isSentinel(quantity, value)) raise(quantity, 'missing', 'sentinel')
    else if (value < bad[0] || value > bad[1]) raise(quantity, 'bad', 'physical-range')
    else if (suspect && (value < suspect[0] || value > suspect[1])) raise(quantity, 'suspect', 'physical-range')
  }
}

/** An observation from the future, or from before any station, says nothing: all of it is bad. `nowMs`: event time. False: off time. */
export function checkTime(o: Observation, nowMs: number, raise: Raise): boolean {
  const rule =
    o.observedAt > nowMs + limits.FUTURE_TOLERANCE_MS
      ? 'future-timestamp'
      : o.observedAt < limits.OLDEST_OBSERVATION
        ? 'old-timestamp'
        : null
  if (rule === null) return true
  for (const quantity of QUANTITIES) if (o[quantity] !== null) raise(quantity, 'bad', rule)
  return false
}

/** Quantities of one observation against each other. `usable`: neither null nor already bad or missing. */
export function checkConsistency(o: Observation, usable: (quantity: Quantity) => number | null, raise: Raise): void {
  const temperature = usable('temperatureC')
  const dewPoint = usable('dewPointC')
  if (temperature !== null && dewPoint !== null) {
    const excess = dewPoint - temperature
    const [suspect, bad] = limits.SUPERSATURATION_C
    if (excess > suspect) raise('dewPointC', excess > bad ? 'bad' : 'suspect', 'dew-point-above-temperature')
  }
  const speed = usable('windSpeedMps')
  const gust = usable('windGustMps')
  if (speed !== null && gust !== null) {
    if (gust < speed - 0.5) raise('windGustMps', 'suspect', 'gust-below-mean')
    else if (speed > 2 && gust > 10 * speed) raise('windGustMps', 'suspect', 'gust-factor')
  }
  // North is 360; 0 means calm.
  if (speed !== null && speed > 0 && o.windDirectionDeg === 0) raise('windDirectionDeg', 'suspect', 'direction-zero')
  const precipitation = usable('precipitationMm')
  if (temperature !== null && temperature < -15 && precipitation !== null && precipitation > 5) {
    raise('precipitationMm', 'suspect', 'heavy-frost-precipitation')
  }
}

/**
 * Temperature, dew point and humidity determine each other. When they disagree any of the three may be wrong, and all are flagged,
 * unless the temperature has not moved for hours: then it is a stuck thermometer, and the other two are right.
 */
export function checkHumidity(
  memory: StationMemory,
  at: number,
  usable: (quantity: Quantity) => number | null,
  raise: Raise,
): void {
  const temperature = usable('temperatureC')
  const dewPoint = usable('dewPointC')
  const humidity = usable('relativeHumidityPct')
  if (temperature === null || dewPoint === null || humidity === null || temperature < -45) return
  const { expected, perPercent } = expectedDewPoint(temperature, Math.min(humidity, 100))
  const mismatch = Math.abs(dewPoint - expected) - perPercent * limits.HUMIDITY_ROUNDING_PCT
  const [suspect, bad] = limits.HUMIDITY_MISMATCH_C
  if (mismatch <= suspect) return
  const [stuckSuspect, stuckBad] = limits.STUCK_AND_CONTRADICTED_HOURS
  const stuckHours = unchangedHours(memory.tracks.temperatureC, at, temperature)
  const moves = (quantity: 'dewPointC' | 'relativeHumidityPct', value: number): boolean =>
    unchangedHours(memory.tracks[quantity], at, value) < stuckSuspect
  if (stuckHours >= stuckSuspect && moves('dewPointC', dewPoint) && moves('relativeHumidityPct', humidity)) {
    raise('temperatureC', stuckHours >= stuckBad ? 'bad' : 'suspect', 'stuck-sensor')
    raise('temperatureC', 'suspect', 'humidity-mismatch')
    return
  }
  for (const quantity of ['temperatureC', 'dewPointC', 'relativeHumidityPct'] as const) {
    raise(quantity, mismatch > bad ? 'bad' : 'suspect', 'humidity-mismatch')
  }
}

/** A value against the station's newest accepted one: too large a change for the gap. */
export function checkStep(memory: StationMemory, quantity: Quantity, value: number, at: number, raise: Raise): void {
  const track = memory.tracks[quantity]
  const step = limits.STEP[quantity]
  if (!track || !step) return
  const gapHours = (at - track.at) / HOUR_MS
  const factor = limits.GAP_FACTORS.find(([hours]) => gapHours <= hours)?.[1]
  if (factor === undefined) return
  const change = Math.abs(value - track.value)
  if (change > step[1] * factor) raise(quantity, 'bad', 'step')
  else if (change > step[0] * factor) raise(quantity, 'suspect', 'step')
}

/** A value that has not changed for longer than weather allows. */
export function checkStuck(memory: StationMemory, quantity: Quantity, o: Observation, value: number, raise: Raise): void {
  const stuck = limits.STUCK[quantity]
  if (!stuck) return
  if (continuesStuckRun(memory.tracks[quantity], o.observedAt, value)) {
    raise(quantity, 'bad', 'stuck-sensor')
    return
  }
  const hours = unchangedHours(memory.tracks[quantity], o.observedAt, value)
  if (quantity === 'windSpeedMps' && value === 0) {
    if (hours > limits.LONGEST_CALM_HOURS) raise(quantity, 'suspect', 'long-calm')
    return
  }
  if (quantity === 'relativeHumidityPct' && value >= limits.HUMIDITY_CAP_PCT) return
  if (quantity === 'windDirectionDeg' && !(o.windSpeedMps !== null && o.windSpeedMps > limits.DIRECTION_MIN_WIND_MPS)) return
  const patience = isCoarse(memory, quantity) ? 2 : 1
  if (hours >= stuck.hours[1] * patience) raise(quantity, 'bad', 'stuck-sensor')
  else if (hours >= stuck.hours[0] * patience) raise(quantity, 'suspect', 'stuck-sensor')
}

/**
 * Dew point of temperature (°C) and humidity (%, above 0) by the Magnus form of WMO-No. 8 (Sonntag 1990), and how much it moves for one
 * percent of humidity, °C. Valid −45…60 °C.
 */
export function expectedDewPoint(temperatureC: number, relativeHumidityPct: number): { expected: number; perPercent: number } {
  const gamma = Math.log(relativeHumidityPct / 100) + (17.62 * temperatureC) / (243.12 + temperatureC)
  const expected = (243.12 * gamma) / (17.62 - gamma)
  return { expected, perPercent: (243.12 * 17.62) / (17.62 - gamma) ** 2 / relativeHumidityPct }
}
