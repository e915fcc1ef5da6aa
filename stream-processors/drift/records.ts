/** What the drift processor remembers, one record per key of its memory. */
import {
  type Arrivals,
  type Detector,
  type HourOfDay,
  INNOVATION_LEADS,
  NEW_DETECTOR,
  type Verdict,
  type VerifiedHour,
  WATCHED_COUNT,
} from '../../forecasting/drift/index.ts'
import type { Memory } from '../../infra/runtime/state/index.ts'
import type { Drift } from '../../schemas/generated/types.ts'

/** Days of verified hours kept: an excursion this long has been decided on. */
export const KEPT_DAYS = 45

export type ModelRecord = {
  readonly modelVersion: string | null
  readonly detector: Detector
  /** The day being filled (since 1970). */
  readonly openDay: number | null
  /** Signed leading CUSUM ÷ threshold of each chart on the last closed days: what neighbours compare with. */
  readonly ratios: Readonly<Record<string, readonly number[]>>
  /** Departure of the values from their reference on the last closed days, expected scales. */
  readonly departures: Readonly<Record<string, number | null>>
  /** A confirmation waits one day, so that the neighbours have closed the same day whatever the order of partitions. */
  readonly pending: { readonly day: number; readonly verdict: Verdict } | null
  /** The last changes told, and the message that caused each: a redelivery tells them again. */
  readonly told: ReadonlyArray<{ readonly partition: number; readonly offset: number; readonly events: readonly Drift[] }>
}

const NEW_MODEL: ModelRecord = {
  modelVersion: null,
  detector: NEW_DETECTOR,
  openDay: null,
  ratios: {},
  departures: {},
  pending: null,
  told: [],
}

/** Per hour of the day: standardised error by watched leads, departure from the reference, innovations by lead; null: not verified. */
type DayRecord = readonly HourOfDay[]
/** Hour of the day → hours until it arrived. */
type AliveRecord = Readonly<Record<string, number>>

export function createRecords(memory: Memory) {
  const dayKey = (key: string, day: number): string => `day/${key}/${day}`
  const flagKey = (stationId: string, quantity: string, day: number): string => `flag/${stationId}/${quantity}/${day}`
  const aliveKey = (stationId: string, day: number): string => `alive/${stationId}/${day}`
  return {
    model: (key: string): ModelRecord => memory.get<ModelRecord>(`model/${key}`) ?? NEW_MODEL,
    setModel: (key: string, record: ModelRecord): void => memory.set(`model/${key}`, record),
    /** A repeated or corrected hour replaces what was known of it. */
    setHour(key: string, { hour, standardised, innovations }: VerifiedHour): void {
      const day = Math.floor(hour / 24)
      const hours = [...(memory.get<DayRecord>(dayKey(key, day)) ?? Array.from({ length: 24 }, () => null))]
      hours[hour % 24] = [...standardised, ...innovations]
      memory.set(dayKey(key, day), hours)
    },
    hoursOf: (key: string, day: number): DayRecord => memory.get<DayRecord>(dayKey(key, day)) ?? [],
    innovations(key: string, fromDay: number, toDay: number): Map<number, readonly (number | null)[]> {
      const found = new Map<number, readonly (number | null)[]>()
      for (let day = fromDay; day <= toDay; day++) {
        memory.get<DayRecord>(dayKey(key, day))?.forEach((hour, i) => {
          if (hour) found.set(day * 24 + i, hour.slice(WATCHED_COUNT, WATCHED_COUNT + 2 * INNOVATION_LEADS.length))
        })
      }
      return found
    },
    forgetDay: (key: string, day: number): void => memory.delete(dayKey(key, day)),
    /** Hours in which any variable of a station verified, and how late they came at first: a correction comes later without being late. */
    noteAlive(stationId: string, hour: number, lateHours: number): void {
      const key = aliveKey(stationId, Math.floor(hour / 24))
      const hours = memory.get<AliveRecord>(key) ?? {}
      if ((hours[hour % 24] ?? Number.POSITIVE_INFINITY) <= lateHours) return
      memory.set(key, { ...hours, [hour % 24]: lateHours })
      memory.delete(aliveKey(stationId, Math.floor(hour / 24) - KEPT_DAYS))
    },
    arrivals: (stationId: string, day: number): Arrivals =>
      Object.values(memory.get<AliveRecord>(aliveKey(stationId, day)) ?? {}),
    flagHour(stationId: string, quantity: string, hour: number): void {
      const day = Math.floor(hour / 24)
      const hours = memory.get<number[]>(flagKey(stationId, quantity, day)) ?? []
      if (hours.includes(hour % 24)) return
      memory.set(flagKey(stationId, quantity, day), [...hours, hour % 24])
      memory.delete(flagKey(stationId, quantity, day - KEPT_DAYS))
    },
    flaggedHours(stationId: string, quantity: string, fromDay: number, toDay: number): number {
      let hours = 0
      for (let day = fromDay; day <= toDay; day++) hours += memory.get<number[]>(flagKey(stationId, quantity, day))?.length ?? 0
      return hours
    },
  }
}
