/**
 * Features that are read again → what of their hours has been issued already. An offset is committed after what was made of it is published: whoever
 * takes a partition over after a kill in between reads some features again, and a champion that was promoted meanwhile would issue their hours a
 * second time, under another version. So before the first of them the end of the forecasts' partition of the same number is read: same key, same
 * number. An hour that was issued stays as it was issued; only what is missing of it is made.
 *
 * How far back to look: each forecast says in a header up to which feature of its partition anything had been issued when it was made. Champions are
 * published in the order of their making, so before one that names an offset below the committed one there is nothing of a feature that is read again.
 */
import { AppError } from '../../infra/runtime/errors.ts'
import type { InboundEvent, OutboundEvent, PartitionEnd, TailOptions, TailRange } from '../../infra/runtime/kafka/index.ts'
import type { Logger } from '../../infra/runtime/log.ts'
import type { Feature, Forecast } from '../../schemas/generated/types.ts'
import { ISSUED_THROUGH } from '../../schemas/topics.ts'
import { type ActiveModels, modelsIn } from './models.ts'

type ForecastEvent = InboundEvent<'weather.forecast.v1'>

export type Deps = {
  /** Where the partitions of both topics begin and end. */
  readonly ends: () => Promise<ReadonlyArray<Pick<PartitionEnd, 'topic' | 'partition' | 'low' | 'end'>>>
  /** The forecasts at the ends of partitions, see readTails(). */
  readonly tails: (of: Pick<TailOptions<'weather.forecast.v1'>, 'ranges' | 'maxEvents' | 'onPiece'>) => Promise<readonly number[]>
  readonly log: Pick<Logger, 'warn' | 'info'>
}

export type Issued = {
  /** Before the first batch of an assignment: looks up what was issued of features that will be read again. */
  readonly assigned: (owned: ReadonlyArray<{ readonly partition: number; readonly nextOffset: number | null }>) => Promise<void>
  /** A batch begins at this offset: what was remembered of the partition is forgotten once nothing can be read again. */
  readonly begin: (partition: number, offset: number) => void
  /** Undefined: nothing has been issued of this hour, as far as it matters. */
  readonly of: (feature: Pick<Feature, 'stationId' | 'validAt'>, partition: number) => IssuedHour | undefined
  /** The forecasts made of the feature at an offset, with the header. */
  readonly stamp: (forecasts: readonly OutboundEvent[], partition: number, offset: number) => OutboundEvent[]
}

export const NOTHING_ISSUED: Pick<Issued, 'begin' | 'of' | 'stamp'> = {
  begin: () => undefined,
  of: () => undefined,
  stamp: (forecasts) => [...forecasts],
}

export type IssuedHour = {
  /** Nothing that these models would issue is missing. */
  readonly isWhole: (active: ReadonlyMap<string, ActiveModels>) => boolean
  /**
   * The same with the champions that issued the hour, where they are loaded still (a promotion leaves them warm): what is made now has to agree with
   * what they said.
   */
  readonly asIssued: (active: ReadonlyMap<string, ActiveModels>) => ReadonlyMap<string, ActiveModels>
  readonly missing: (forecasts: readonly OutboundEvent[]) => OutboundEvent[]
}

/** Of one hour and variable. */
type Known = { champion: string | null; readonly versions: Set<string> }
type Hours = Map<string, Map<string, Known>>
/** `end`: of the features when the partition was assigned. Later ones have been read by nobody. */
type Remembered = { readonly end: number; readonly hours: Hours }

/**
 * Far more than is ever under way (some hundred features, by a handful of models each): it only bounds the reading where no forecast has the header.
 * About 100 MB.
 */
const MAX_EVENTS = 20_000
/** A group that has never committed has issued at most what was under way in its first second. */
const MAX_EVENTS_UNCOMMITTED = 2048

export function createIssued({ ends, tails, log }: Deps): Issued {
  const remembered = new Map<number, Remembered>()
  /** Highest offset of a feature of which anything has been issued, by partition. */
  const through = new Map<number, number>()

  return {
    async assigned(owned) {
      remembered.clear()
      through.clear()
      const features = new Map<number, { readonly low: number; readonly end: number }>()
      const forecasts = new Map<number, TailRange>()
      for (const { topic, ...range } of await ends()) {
        if (topic === 'weather.feature.v1') features.set(range.partition, range)
        else forecasts.set(range.partition, range)
      }
      refuseUnequal(features.size, forecasts.size)
      const next = new Map<number, number>()
      const ranges: TailRange[] = []
      for (const { partition, nextOffset } of owned) {
        const { low, end } = features.get(partition)!
        const from = Math.max(low, nextOffset ?? low)
        next.set(partition, from)
        through.set(partition, from - 1)
        if (from >= end) continue
        remembered.set(partition, { end, hours: new Map() })
        const range = forecasts.get(partition)!
        const earliest = nextOffset === null ? range.end - MAX_EVENTS_UNCOMMITTED : range.low
        ranges.push({ ...range, low: Math.max(range.low, earliest) })
      }
      let events = 0
      const cut = await tails({
        ranges,
        maxEvents: MAX_EVENTS,
        onPiece(partition, piece) {
          events += piece.length
          return learn(partition, piece) >= next.get(partition)!
        },
      })
      if (cut.length > 0)
        log.warn(
          { partitions: cut, maxEvents: MAX_EVENTS },
          'forecasts say nothing of their features: an hour may be issued again',
        )
      if (events > 0)
        log.info({ partitions: ranges.length, forecasts: events }, 'looked up what was issued of features that are read again')
    },
    begin(partition, offset) {
      const known = remembered.get(partition)
      if (known && offset >= known.end) remembered.delete(partition)
    },
    of({ stationId, validAt }, partition) {
      const hour = remembered.get(partition)?.hours.get(hourKey(stationId, validAt))
      return hour && hourOf(hour)
    },
    stamp(forecasts, partition, offset) {
      const highest = Math.max(offset, through.get(partition) ?? offset)
      through.set(partition, highest)
      const headers = { [ISSUED_THROUGH]: `${partition}/${highest}` }
      return forecasts.map((forecast) => ({ ...forecast, headers }))
    },
  }

  /** The lowest that a champion of the piece says was issued through; infinite when none says anything. */
  function learn(partition: number, piece: readonly ForecastEvent[]): number {
    const hours = remembered.get(partition)!.hours
    let lowest = Number.POSITIVE_INFINITY
    // Newest first: of an hour that was issued twice all the same, what came first stands.
    for (const { value, headers } of piece.toReversed()) {
      const offset = issuedThrough(headers[ISSUED_THROUGH], partition)
      // Of a silent station, whose hour is issued anew when it is reported, or a back-filled one.
      if (offset === null) continue
      remember(hours, value)
      if (value.role !== 'champion') continue
      lowest = Math.min(lowest, offset)
      through.set(partition, Math.max(offset, through.get(partition)!))
    }
    return lowest
  }
}

function refuseUnequal(features: number, forecasts: number): void {
  if (features === forecasts) return
  const counts = `weather.feature.v1 has ${features} partitions and weather.forecast.v1 has ${forecasts}`
  throw new AppError(
    `${counts}: what was issued of a feature is only found where both have as many. Add partitions to the one with fewer`,
    {
      code: 'partitions-differ',
      retry: 'permanent',
    },
  )
}

/** Null for what is not said of this partition: one whose number of partitions has grown holds forecasts of others. */
function issuedThrough(header: string | undefined, partition: number): number | null {
  const [of, offset] = header?.split('/') ?? []
  return of === String(partition) && offset !== undefined ? Number(offset) : null
}

const hourKey = (stationId: string, hourMs: number): string => `${stationId}|${hourMs}`

function remember(hours: Hours, { stationId, issuedAt, variable, modelVersion, role }: Forecast): void {
  const key = hourKey(stationId, issuedAt)
  const hour = hours.get(key) ?? new Map<string, Known>()
  hours.set(key, hour)
  const known = hour.get(variable) ?? { champion: null, versions: new Set<string>() }
  hour.set(variable, known)
  known.versions.add(modelVersion)
  if (role === 'champion') known.champion = modelVersion
}

function hourOf(hour: ReadonlyMap<string, Known>): IssuedHour {
  const isMissing = (variable: string, version: string, role: Forecast['role']): boolean => {
    const known = hour.get(variable)
    if (!known) return true
    // A version speaks once of an hour, in the role that it had then.
    return role === 'champion' ? known.champion === null : !known.versions.has(version)
  }
  return {
    isWhole: (active) =>
      [...active].every(
        ([variable, { champion, challengers, shadows }]) =>
          !isMissing(variable, champion.served.version, 'champion') &&
          challengers.every(({ served }) => !isMissing(variable, served.version, 'challenger')) &&
          shadows.every(({ served }) => !isMissing(variable, served.version, 'shadow')),
      ),
    asIssued: (active) =>
      new Map(
        [...active].map(([variable, models]) => {
          const version = hour.get(variable)?.champion
          const champion = modelsIn(models).find(({ served }) => served.version === version)
          return [variable, champion ? { ...models, champion } : models]
        }),
      ),
    missing: (forecasts) =>
      forecasts.filter(({ value }) => {
        const { variable, modelVersion, role } = value as Forecast
        return isMissing(variable, modelVersion, role)
      }),
  }
}
