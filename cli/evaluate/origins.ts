/** A run of origins on one thread: what every family says at each, and what came. */
import { HORIZON_HOURS, QUANTILE_LEVELS, type ForecastVariable } from '../../schemas/quantities.ts'
import { knownAt } from '../../forecasting/models/index.ts'
import type { Answer } from './evaluated.ts'
import { createFamily, MADE_OF } from './families.ts'
import { poisonedAfter, type StationHours, toFullSet } from './series.ts'

const H = HORIZON_HOURS
const Q = QUANTILE_LEVELS.length

export type Job = {
  readonly station: StationHours
  readonly variable: ForecastVariable
  readonly models: readonly string[]
  /** Hours since 1970, ascending. */
  readonly origins: readonly number[]
  /** 0: refit at every origin. */
  readonly refitHours: number
  readonly poison: boolean
}

/** Origins of one thread. `hoursOfDay`: how many hours of the day there are among the origins of all threads. */
export type Share = Job & { readonly hoursOfDay: number }

export type OriginResult = {
  readonly origin: number
  readonly answers: Readonly<Record<string, Answer>>
  readonly observed: Float64Array
}

/** A forecast changed when only the future was changed. */
class LeakageError extends Error {
  override name = 'LeakageError'
}

/** `familyOf`: fresh families by name. */
export function* runOrigins(share: Share, familyOf: typeof createFamily = createFamily): Generator<OriginResult> {
  const { station, variable, models, origins, refitHours, poison, hoursOfDay } = share
  const full = toFullSet(station)
  const everyOrigin = refitHours === 0
  const run = models.filter((name) => !(name in MADE_OF))
  const families = run.map((name) => familyOf(name, refitHours, hoursOfDay))
  const clean = run.map((name) => familyOf(name, refitHours, hoursOfDay))
  let fittedAt = Number.NEGATIVE_INFINITY
  for (const origin of origins) {
    const refit = everyOrigin || origin - fittedAt >= refitHours
    if (refit) fittedAt = origin
    const known = knownAt(full, origin)
    const answers = Object.fromEntries(families.map((family) => [family.name, family.forecast(known, variable, refit)]))
    if (poison) {
      const other = knownAt(toFullSet(poisonedAfter(station, origin)), origin)
      for (const family of clean) assertSame(family.name, origin, answers[family.name]!, family.forecast(other, variable, refit))
    }
    const observed = Float64Array.from(
      { length: H },
      (_, h) => full.targets[variable][origin + h + 1 - full.startHour] ?? Number.NaN,
    )
    yield { origin, answers, observed }
  }
}

/** Throws LeakageError. `a`: with the true future, `b`: with a corrupted one. */
export function assertSame(name: string, origin: number, a: Answer, b: Answer): void {
  const at = `${name} at ${new Date(origin * 3_600_000).toISOString()}`
  if (a.ok !== b.ok) throw new LeakageError(`${at}: answers only with ${a.ok ? 'the true' : 'a corrupted'} future`)
  if (!a.ok || !b.ok) return
  for (let i = 0; i < H * Q; i++)
    if (a.quantiles[i] !== b.quantiles[i])
      throw new LeakageError(
        `${at}: lead ${Math.floor(i / Q) + 1} h is ${a.quantiles[i]}, and ${b.quantiles[i]} when the future is corrupted`,
      )
}
