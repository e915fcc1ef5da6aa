/**
 * Declared alterations of replayed observations, for demonstrations and tests. What a scenario changes it marks in the event's `source`,
 * so that no altered value can be taken for a measurement. Pure: the same rows and scenario always give the same events.
 */
import { z } from 'zod'
import type { Observation } from '../../schemas/generated/types.ts'
import { STATION_ID_PATTERN } from '../../schemas/quantities.ts'
import { dewPoint, relativeHumidity } from '../shared/humidity.ts'
import { round } from '../shared/units.ts'

const Instant = z.iso.datetime().transform((text) => Date.parse(text))
const StationId = z.string().regex(STATION_ID_PATTERN)
const HOUR_MS = 3_600_000

export const ScenarioSchema = z.object({
  /** Everything before is published at once; from here on the replay is paced. */
  backfillUntil: Instant.optional(),
  /** Until then the replay is live but hurries: nothing of the story is left out, it only takes less of the spectator's time. */
  fastForwardUntil: Instant.optional(),
  changes: z
    .array(
      z.discriminatedUnion('kind', [
        z.strictObject({
          kind: z.literal('instrument-change'),
          at: Instant,
          /** Added to every temperature from `at` on, °C. */
          offsetC: z.number().min(-50).max(50),
          /** Absent: all stations. */
          stationIds: z.array(StationId).min(1).optional(),
        }),
        z.strictObject({
          kind: z.literal('stuck-sensor'),
          stationId: StationId,
          from: Instant,
          /** How long the temperature repeats its first value. */
          hours: z.number().positive(),
        }),
      ]),
    )
    .default([]),
})
export type Scenario = z.output<typeof ScenarioSchema>
/** The scenario as written in JSON: instants as ISO 8601 text. */
export type ScenarioJson = z.input<typeof ScenarioSchema>

type Change = Scenario['changes'][number]
type StuckSensor = Extract<Change, { kind: 'stuck-sensor' }>

/**
 * The alteration to apply to each observation of `series` (ascending in time). Changes act in the order of the scenario;
 * a stuck sensor repeats the (already altered) temperature of its first observed hour, which is why the series is needed.
 */
export function prepareScenario(scenario: Scenario, series: readonly Observation[]): (observation: Observation) => Observation {
  const steps: Array<(observation: Observation) => Observation> = []
  const applyAll = (observation: Observation): Observation => steps.reduce((altered, step) => step(altered), observation)
  for (const change of scenario.changes) {
    if (change.kind === 'instrument-change') {
      steps.push((observation) => {
        const affected = observation.observedAt >= change.at && (change.stationIds?.includes(observation.stationId) ?? true)
        return affected ? shiftTemperature(observation, change.offsetC) : observation
      })
    } else {
      const first = series.find((o) => isStuck(o, change) && o.temperatureC !== null)
      if (!first) continue
      const stuckAtC = applyAll(first).temperatureC
      steps.push((observation) =>
        isStuck(observation, change) && observation.temperatureC !== null
          ? { ...observation, temperatureC: stuckAtC, source: `${observation.source}+stuck-sensor` }
          : observation,
      )
    }
  }
  return applyAll
}

function isStuck(observation: Observation, { stationId, from, hours }: StuckSensor): boolean {
  return observation.stationId === stationId && observation.observedAt >= from && observation.observedAt < from + hours * HOUR_MS
}

/** Same water vapour, other thermometer: the dew point stays and the humidity follows, as a real instrument would report it. */
function shiftTemperature(observation: Observation, offsetC: number): Observation {
  const { temperatureC, relativeHumidityPct, source } = observation
  if (temperatureC === null) return observation
  const shiftedC = round(temperatureC + offsetC, 2)
  const humid = relativeHumidityPct === null ? null : dewPoint(temperatureC, relativeHumidityPct)
  const dewPointC = observation.dewPointC ?? humid
  return {
    ...observation,
    temperatureC: shiftedC,
    relativeHumidityPct:
      relativeHumidityPct === null || dewPointC === null ? null : round(relativeHumidity(shiftedC, dewPointC), 2),
    source: `${source}+instrument-change`,
  }
}
