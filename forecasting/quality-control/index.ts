/**
 * Quality control of one observation against what its station reported before: physical range, internal consistency, step by gap length,
 * stuck sensor, future time. Flags, never changes values. Limits: WMO and MADIS practice, calibrated on clean series (docs/quality-control.md).
 */
import type { CheckedObservation, Observation } from '../../schemas/generated/types.ts'
import { QUANTITIES, type Quantity } from '../../schemas/quantities.ts'

export const QC_VERSION = 'qc-1'
export type Flag = CheckedObservation['flags'][Quantity]
export type Verdict = Pick<CheckedObservation, 'flags' | 'rules'>

type Limits = { readonly bad: readonly [number, number]; readonly suspect?: readonly [number, number]; readonly sentinels?: readonly number[] }

/** Outside `bad` a value is bad, outside `suspect` suspect. Units as in the names. */
const RANGE: Readonly<Record<Quantity, Limits>> = {
  temperatureC: { bad: [-80, 60] },
  dewPointC: { bad: [-80, 35] },
  relativeHumidityPct: { bad: [0, 110], suspect: [5, 102], sentinels: [0, 255] },
  pressureHpa: { bad: [870, 1083.3], suspect: [930, 1060], sentinels: [0] },
  stationPressureHpa: { bad: [500, 1100], sentinels: [0] },
  windSpeedMps: { bad: [0, 75], suspect: [0, 45], sentinels: [255] },
  windGustMps: { bad: [0, 113.2], suspect: [0, 60], sentinels: [255] },
  windDirectionDeg: { bad: [0, 360] },
  precipitationMm: { bad: [0, 305], suspect: [0, 100] },
  cloudCoverPct: { bad: [0, 100] },
  visibilityM: { bad: [0, 200_000] },
  solarWm2: { bad: [-20, 1500] },
  snowDepthCm: { bad: [0, 1200] },
}
const SENTINELS = [-9999, -999.9, -999, 9999, 999_990, 99_999, 32_767, -32_768, -99, 1e8]

/** Change in one hour, [suspect, bad]; longer gaps allow more (×1.75, 2.25, 3.75, 6.25 at 2, 3, 6, 12 h). */
const STEP: Partial<Record<Quantity, readonly [number, number]>> = {
  temperatureC: [8, 16],
  dewPointC: [8, 20],
  pressureHpa: [5, 12],
  relativeHumidityPct: [45, Number.POSITIVE_INFINITY],
  windSpeedMps: [12, 25],
}

/** Hours of one unchanged value at 0.1 resolution, [suspect, bad]; twice that where the station reports whole degrees (C or F). */
const STUCK: Partial<Record<Quantity, readonly [number, number]>> = { temperatureC: [8, 16], pressureHpa: [8, 16] }

const HOUR_MS = 3_600_000
const FUTURE_TOLERANCE_MS = 10 * 60_000
const MAX_STEP_GAP_HOURS = 12

type Last = { at: number; value: number; since: number }
/** What is remembered of a station: per quantity the last accepted value and since when it has not changed. */
export type StationMemory = { readonly last: Partial<Record<Quantity, Last>>; readonly recentSteps: number[]; newestAt: number }

export function createStationMemory(): StationMemory {
  return { last: {}, recentSteps: [], newestAt: Number.NEGATIVE_INFINITY }
}

/** Flags an observation and remembers it. `nowMs`: event time. Late observations are range-checked only. */
export function checkObservation(memory: StationMemory, observation: Observation, nowMs: number): Verdict {
  const flags = {} as Record<Quantity, Flag>
  const rules: Record<string, string[]> = {}
  const raise = (quantity: Quantity, flag: 'missing' | 'suspect' | 'bad', rule: string): void => {
    flags[quantity] = worse(flags[quantity], flag)
    rules[quantity] = [...(rules[quantity] ?? []), rule]
  }
  const isFuture = observation.observedAt > nowMs + FUTURE_TOLERANCE_MS
  const isLate = observation.observedAt <= memory.newestAt
  if (!isLate && !isFuture) memory.newestAt = observation.observedAt

  for (const quantity of QUANTITIES) {
    const value = observation[quantity]
    if (value === null) {
      flags[quantity] = 'missing'
      continue
    }
    flags[quantity] = 'good'
    checkRange(quantity, value, raise)
    if (isFuture) raise(quantity, 'bad', 'future-timestamp')
  }
  checkConsistency(observation, raise)
  if (!isLate && !isFuture) {
    for (const quantity of QUANTITIES) {
      const value = observation[quantity]
      if (value === null || flags[quantity] === 'bad' || flags[quantity] === 'missing') continue
      checkAgainstLast(memory, quantity, value, observation.observedAt, raise)
      if ((flags[quantity] as Flag) !== 'bad' || rules[quantity]?.includes('stuck-sensor')) remember(memory, quantity, value, observation.observedAt)
    }
  }
  return { flags, rules }
}

type Raise = (quantity: Quantity, flag: 'missing' | 'suspect' | 'bad', rule: string) => void

function checkRange(quantity: Quantity, value: number, raise: Raise): void {
  const { bad, suspect, sentinels } = RANGE[quantity]
  if (SENTINELS.includes(value) || sentinels?.includes(value)) raise(quantity, 'missing', 'sentinel')
  else if (!(value >= bad[0] && value <= bad[1])) raise(quantity, 'bad', 'physical-range')
  else if (suspect && (value < suspect[0] || value > suspect[1])) raise(quantity, 'suspect', 'physical-range')
}

function checkConsistency(o: Observation, raise: Raise): void {
  if (o.dewPointC !== null && o.temperatureC !== null && o.dewPointC > o.temperatureC + 0.5) {
    raise('dewPointC', o.dewPointC > o.temperatureC + 1 ? 'bad' : 'suspect', 'dew-point-above-temperature')
  }
  if (o.windGustMps !== null && o.windSpeedMps !== null && o.windGustMps < o.windSpeedMps - 0.5) raise('windGustMps', 'suspect', 'gust-below-mean')
}

function checkAgainstLast(memory: StationMemory, quantity: Quantity, value: number, at: number, raise: Raise): void {
  const last = memory.last[quantity]
  if (!last) return
  const gapHours = (at - last.at) / HOUR_MS
  const step = STEP[quantity]
  if (step && gapHours <= MAX_STEP_GAP_HOURS) {
    const allowance = gapAllowance(gapHours)
    const change = Math.abs(value - last.value)
    if (change > step[1] * allowance) raise(quantity, 'bad', 'step')
    else if (change > step[0] * allowance) raise(quantity, 'suspect', 'step')
  }
  const stuck = STUCK[quantity]
  if (stuck && value === last.value) {
    const hours = (at - last.since) / HOUR_MS
    const patience = quantity === 'temperatureC' && isCoarse(memory) ? 2 : 1
    if (hours >= stuck[1] * patience) raise(quantity, 'bad', 'stuck-sensor')
    else if (hours >= stuck[0] * patience) raise(quantity, 'suspect', 'stuck-sensor')
  }
}

function remember(memory: StationMemory, quantity: Quantity, value: number, at: number): void {
  const last = memory.last[quantity]
  if (quantity === 'temperatureC' && last && last.value !== value) {
    memory.recentSteps.push(Math.abs(value - last.value))
    if (memory.recentSteps.length > 240) memory.recentSteps.shift()
  }
  memory.last[quantity] = { at, value, since: last && last.value === value ? last.since : at }
}

/** Whole-degree reports (1 °C or 1 °F) never change by less than half a degree. */
function isCoarse({ recentSteps }: StationMemory): boolean {
  return recentSteps.length >= 24 && recentSteps.every((step) => step > 0.45)
}

function gapAllowance(hours: number): number {
  if (hours <= 1) return 1
  if (hours <= 2) return 1.75
  if (hours <= 3) return 2.25
  return hours <= 6 ? 3.75 : 6.25
}

function worse(a: Flag, b: Flag): Flag {
  const rank = { good: 0, unchecked: 0, suspect: 1, missing: 2, bad: 3 }
  return rank[b] > rank[a] ? b : a
}
