/** A station's hours that were never observed: a day, weather of some days, rain when it is low; and their vectors in the store. */
import { buildFeatures, createHourlyGrid, FEATURE_SET, HOUR_MS } from '../../../forecasting/features/index.ts'
import { createRng } from '../../../forecasting/verification/index.ts'
import { type ClickHouse, toClickHouseInstant } from '../../../infra/runtime/clickhouse/index.ts'

export type FeatureHour = { readonly hour: number; readonly values: number[] }

/** `start`: epoch hour of the first. */
export function madeUpFeatures(start: number, hours: number): FeatureHour[] {
  const grid = createHourlyGrid(start, hours)
  const rng = createRng(2)
  let weather = 0
  for (let hour = start; hour < start + hours; hour++) {
    weather = 0.96 * weather + rng() + rng() - 1
    const day = Math.sin((2 * Math.PI * hour) / 24)
    grid.set(hour, [15 + 5 * day + weather, 8, 70, 1013 - weather, 1, 1, 3, weather < -1.5 ? 1 : 0])
  }
  return Array.from({ length: hours }, (_, i) => ({ hour: start + i, values: Array.from(buildFeatures(grid, start + i)) }))
}

/** Each hour is known at once. */
export function storeFeatures(
  clickhouse: Pick<ClickHouse, 'insert'>,
  stationId: string,
  rows: readonly FeatureHour[],
): Promise<void> {
  return clickhouse.insert(
    'feature_log',
    rows.map(({ hour, values }, i) => ({
      stationId,
      validAt: toClickHouseInstant(hour * HOUR_MS),
      knownAt: toClickHouseInstant(hour * HOUR_MS),
      featureSet: FEATURE_SET,
      values,
      cause: 'new',
      version: i,
    })),
  )
}
