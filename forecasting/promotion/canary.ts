/**
 * Canary stations: a share of the stations, always the same ones, whose accepted models serve first. Models of the same wave at the other
 * stations wait for the probation of those, and are refused when too many of them were rolled back.
 */

/** Rollbacks that are no sign of a bad wave, share of its canaries: the probation takes back 2 % of models that are as good. */
const TOLERATED_ROLLBACKS = 0.1
/** Event time after which a model no longer waits: as long as a trial or a probation may take. */
const LONGEST_WAIT_MS = 21 * 24 * 3_600_000
/** Models named in a reason. */
const NAMED = 5

/** Whether a station is among the given share of all stations. A larger share keeps the canaries of a smaller one. */
export function isCanaryStation(stationId: string, share: number): boolean {
  return placeOf(stationId) < share
}

/** Uniform in [0, 1): FNV-1a over the characters of an id, then the finaliser of MurmurHash3, because ids differ in their last characters. */
function placeOf(stationId: string): number {
  let hash = 0x811c9dc5
  for (const character of stationId) hash = Math.imul(hash ^ (character.codePointAt(0) as number), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}

type Ended = { readonly model: string; readonly state: 'passed' | 'rolled-back'; readonly at: number }
/** A model of the wave at a canary station: in trial or on probation, or what came of it and when (event time). */
export type Canary = { readonly model: string; readonly state: 'open' } | Ended

type CanaryDecision = {
  readonly decision: 'release' | 'refuse' | 'wait'
  /** Event time from which it holds; the same whenever it is taken after that. */
  readonly at: number
  /** Machine-readable, `code: detail`; none when there is no canary. */
  readonly reasons: readonly string[]
}

/**
 * What becomes of a model accepted at `acceptedAt`, as of `now`: what came later is not known yet. Refused once more canaries were rolled
 * back than chance explains; released when all have ended, or at the end of the wait.
 */
export function decideRelease(
  canaries: readonly Canary[],
  { acceptedAt, now }: { acceptedAt: number; now: number },
): CanaryDecision {
  if (canaries.length === 0) return { decision: 'release', at: acceptedAt, reasons: [] }
  const until = acceptedAt + LONGEST_WAIT_MS
  const asOf = Math.min(now, until)
  const ended = canaries.filter((canary): canary is Ended => canary.state !== 'open' && canary.at <= asOf)
  const back = ended.filter(({ state }) => state === 'rolled-back')
  const of = `of ${canaries.length}`
  // The rollbacks that decide, and no later ones: whenever this is asked, the answer is the same.
  const decisive = back
    .toSorted((a, b) => a.at - b.at || (a.model < b.model ? -1 : 1))
    .slice(0, 1 + Math.floor(TOLERATED_ROLLBACKS * canaries.length))
  if (decisive.length > TOLERATED_ROLLBACKS * canaries.length) {
    const at = Math.max(acceptedAt, (decisive.at(-1) as Ended).at)
    const names = decisive.slice(0, NAMED).map(({ model }) => model)
    return { decision: 'refuse', at, reasons: [`canaries-rolled-back: ${decisive.length} ${of}, ${names.join(', ')}`] }
  }
  const open = canaries.length - ended.length
  if (open === 0) {
    const at = Math.max(acceptedAt, ...ended.map((canary) => canary.at))
    return { decision: 'release', at, reasons: [`canaries-passed: ${ended.length - back.length} ${of}`] }
  }
  if (now >= until) return { decision: 'release', at: until, reasons: [`canaries-overdue: ${open} ${of}`] }
  return { decision: 'wait', at: acceptedAt, reasons: [`waits-for-canaries: ${open} ${of}`] }
}
