/** Checked observations of made-up stations: a daily cycle and persistent noise, seeded, so that every run reads the same bytes. */
import { HOUR_MS } from '../../forecasting/features/index.ts'
import { createRng } from '../../forecasting/verification/index.ts'
import type { KafkaConfig, RegistryConfig } from '../../infra/runtime/config/index.ts'
import { openPublisher } from '../../infra/runtime/kafka/index.ts'
import type { Logger } from '../../infra/runtime/log.ts'
import type { CheckedObservation, Station } from '../../schemas/generated/types.ts'

export const FIRST_HOUR = Date.UTC(2013, 0, 1) / HOUR_MS

const FLAGS: CheckedObservation['flags'] = {
  temperatureC: 'good',
  dewPointC: 'good',
  relativeHumidityPct: 'good',
  pressureHpa: 'good',
  stationPressureHpa: 'missing',
  windSpeedMps: 'good',
  windGustMps: 'missing',
  windDirectionDeg: 'good',
  precipitationMm: 'good',
  cloudCoverPct: 'missing',
  visibilityM: 'unchecked',
  solarWm2: 'missing',
  snowDepthCm: 'missing',
}

const PUBLISH_BATCH = 5000

export const stationIdOf = (index: number): string => `bench-${index}`

export function stationOf(stationId: string): Station {
  return {
    stationId,
    name: stationId,
    latitude: 40,
    longitude: -74,
    elevationM: 3,
    timezone: 'America/New_York',
    provider: 'bench',
    providerStationId: stationId,
    kind: 'airport',
    validFrom: 0,
  }
}

/** The next observation of the fleet at each call: every station once an hour, hour after hour. */
export function createObservations(stations: number, seed = 1): () => CheckedObservation {
  const rng = createRng(seed)
  const weather = new Float64Array(stations)
  let next = 0
  return () => {
    const station = next % stations
    const hour = FIRST_HOUR + Math.floor(next / stations)
    next += 1
    const departure = (weather[station] = 0.95 * (weather[station] as number) + 2 * rng() - 1)
    const day = Math.sin((2 * Math.PI * (hour - 9)) / 24)
    const observedAt = hour * HOUR_MS
    return {
      stationId: stationIdOf(station),
      observedAt,
      receivedAt: observedAt,
      source: 'bench',
      kind: 'observation',
      revision: 0,
      temperatureC: round(12 + 6 * day + departure),
      dewPointC: round(6 + departure),
      relativeHumidityPct: round(70 - 12 * day),
      pressureHpa: round(1013 - departure),
      stationPressureHpa: null,
      windSpeedMps: round(3 + Math.abs(departure)),
      windGustMps: null,
      windDirectionDeg: Math.round(360 * rng()),
      precipitationMm: departure < -3 ? 0.4 : 0,
      cloudCoverPct: null,
      visibilityM: 16_093,
      solarWm2: null,
      snowDepthCm: null,
      flags: FLAGS,
      rules: {},
      qcVersion: 'bench',
    }
  }
}

function round(value: number): number {
  return Math.round(10 * value) / 10
}

/** A backlog for the features processor. */
export async function fillObservations(
  config: KafkaConfig & RegistryConfig,
  log: Logger,
  stations: number,
  total: number,
): Promise<void> {
  const publisher = openPublisher({ config, name: 'bench', log })
  try {
    const next = createObservations(stations)
    for (let sent = 0; sent < total; sent += PUBLISH_BATCH) {
      await publisher.publish(
        Array.from({ length: Math.min(PUBLISH_BATCH, total - sent) }, () => {
          const value = next()
          return { topic: 'weather.observation-checked.v1' as const, key: value.stationId, value }
        }),
      )
    }
  } finally {
    await publisher.close()
  }
}
