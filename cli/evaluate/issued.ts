/**
 * What the running system would have issued: the engine's intervals, stretched by what had verified before each origin (docs/adr/016). A fit is a
 * model version, as in the system; forecasts verify at the pace of the origins, where the system issues every hour and learns sooner.
 */
import { createIssuer, isAdapted } from '../../forecasting/models/index.ts'
import { HORIZON_HOURS, type ForecastVariable } from '../../schemas/quantities.ts'
import { AS_MADE, SERVED } from './families.ts'
import { assertSame, type OriginResult } from './origins.ts'

/** The service makes a new version a month by default; fits that follow sooner are one version to their intervals. */
const VERSION_HOURS = 730
/** What nobody can have observed, for hours after an origin: a forecast that moves with it has looked ahead. */
const NONSENSE = 1e4

export type IssueOptions = {
  readonly variable: ForecastVariable
  /** From one fit to the next; 0: at every origin. */
  readonly refitHours: number
  /** Corrupts what is known after each origin, and throws when a forecast changes. */
  readonly poison: boolean
}

/** The same results, in order of origin, with the engine's answers as issued and, under a name of their own, as made. */
export function withIssued(results: readonly OriginResult[], options: IssueOptions): OriginResult[] {
  const ordered = results.toSorted((a, b) => a.origin - b.origin)
  const observed = new Map<number, number>()
  for (const { origin, observed: values } of ordered)
    for (let h = 0; h < HORIZON_HOURS; h++) observed.set(origin + h + 1, values[h]!)
  const valueAt = (hour: number): number => observed.get(hour) ?? Number.NaN
  const issued = issueAll(ordered, options, valueAt)
  if (options.poison) {
    const blind = issueAll(ordered, options, (hour, origin) => (hour > origin ? NONSENSE : valueAt(hour)))
    issued.forEach(({ origin, answers }, i) => assertSame(SERVED, origin, answers[SERVED]!, blind[i]!.answers[SERVED]!))
  }
  return issued
}

function issueAll(
  ordered: readonly OriginResult[],
  { variable, refitHours }: IssueOptions,
  valueAt: (hour: number, origin: number) => number,
): OriginResult[] {
  if (!isAdapted(variable)) return ordered.map((result) => withBoth(result, (made) => made))
  const issuer = createIssuer(variable)
  let next = ordered[0] ? ordered[0].origin + 1 : 0
  let fittedAt = Number.NEGATIVE_INFINITY
  return ordered.map((result) => {
    const { origin } = result
    for (; next <= origin; next++) issuer.observe(next, valueAt(next, origin))
    // With the fits that runOrigins makes, where these are not more.
    if (origin - fittedAt >= Math.max(refitHours, VERSION_HOURS)) fittedAt = origin
    return withBoth(result, (made) => issuer.issue(origin, String(fittedAt), made))
  })
}

function withBoth(result: OriginResult, issue: (made: Float32Array) => Float32Array): OriginResult {
  const made = result.answers[SERVED]!
  const issued = made.ok ? { ...made, quantiles: issue(made.quantiles) } : made
  return { ...result, answers: { ...result.answers, [SERVED]: issued, [AS_MADE]: made } }
}
