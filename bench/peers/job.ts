/**
 * The job that every peer does, in the terms of its own language: a JSON observation in, 48 hours of each station kept, 78 features out as
 * JSON, at least once, one process. Of each of eight columns seven lags and the means over 24 and 48 h, two ranges of the temperature, two
 * shares of wet hours, the hour of day as sine and cosine. A mean or range is null where an hour of it was not observed.
 */

const HOURS = 48
const COLUMNS = 8
export const FEATURES = 78
const LAGS = [0, 1, 3, 6, 12, 24, 47]
const WET_MM = 0.1
const HOUR_MS = 3_600_000
const PRECIPITATION = 7

export type PeerObservation = {
  readonly stationId: string
  /** Epoch ms. */
  readonly observedAt: number
  readonly temperatureC: number | null
  readonly dewPointC: number | null
  readonly relativeHumidityPct: number | null
  readonly pressureHpa: number | null
  readonly windSpeedMps: number | null
  readonly windDirectionDeg: number | null
  readonly precipitationMm: number | null
}

/** The hours of one station, oldest first; NaN where not observed. */
export type Window = { newestHour: number; readonly values: Float32Array }

export function createWindow(): Window {
  return { newestHour: 0, values: new Float32Array(HOURS * COLUMNS).fill(Number.NaN) }
}

/** Takes an observation into its station's window and gives the features of that window's newest hour. */
export function featuresAfter(window: Window, observation: PeerObservation): Array<number | null> {
  const hour = Math.floor(observation.observedAt / HOUR_MS + 0.5)
  const { values } = window
  if (hour > window.newestHour) {
    const shift = Math.min(HOURS, hour - window.newestHour)
    values.copyWithin(0, shift * COLUMNS)
    values.fill(Number.NaN, (HOURS - shift) * COLUMNS)
    window.newestHour = hour
  }
  const at = HOURS - 1 - (window.newestHour - hour)
  if (at >= 0) values.set(rowOf(observation), at * COLUMNS)
  return features(window)
}

function rowOf(observation: PeerObservation): number[] {
  const speed = observation.windSpeedMps ?? Number.NaN
  const angle = ((observation.windDirectionDeg ?? Number.NaN) * Math.PI) / 180
  return [
    observation.temperatureC ?? Number.NaN,
    observation.dewPointC ?? Number.NaN,
    observation.relativeHumidityPct ?? Number.NaN,
    observation.pressureHpa ?? Number.NaN,
    -speed * Math.sin(angle),
    -speed * Math.cos(angle),
    speed,
    observation.precipitationMm ?? Number.NaN,
  ]
}

function features({ newestHour, values }: Window): Array<number | null> {
  const out: Array<number | null> = []
  const add = (value: number): void => void out.push(value === value ? value : null)
  for (let column = 0; column < COLUMNS; column++) {
    for (const lag of LAGS) add(values[(HOURS - 1 - lag) * COLUMNS + column]!)
    let older = 0
    let newer = 0
    for (let hour = 0; hour < HOURS / 2; hour++) older += values[hour * COLUMNS + column]!
    for (let hour = HOURS / 2; hour < HOURS; hour++) newer += values[hour * COLUMNS + column]!
    add(newer / 24)
    add((older + newer) / 48)
  }
  for (const hours of [24, 48]) {
    let low = Infinity
    let high = -Infinity
    for (let hour = HOURS - hours; hour < HOURS; hour++) {
      low = Math.min(low, values[hour * COLUMNS]!)
      high = Math.max(high, values[hour * COLUMNS]!)
    }
    add(high - low)
  }
  for (const hours of [6, 24]) {
    let wet = 0
    for (let hour = HOURS - hours; hour < HOURS; hour++) if (values[hour * COLUMNS + PRECIPITATION]! >= WET_MM) wet++
    add(wet / hours)
  }
  const angle = (2 * Math.PI * (newestHour % 24)) / 24
  add(Math.sin(angle))
  add(Math.cos(angle))
  return out
}
