/**
 * Scored hours → how far intervals are to be stretched (forecasting/models/adaptation-record.ts). An hour counts once, with what had verified
 * when its block was folded; the published record says how far it has come, so that redelivery and a restart fold nothing twice.
 */
import {
  type AdaptationRecord,
  blockOf,
  completeUntil,
  foldBlock,
  isAdapted,
  isUnstretched,
  type VerifiedPart,
} from '../../forecasting/models/index.ts'
import { modelKey } from '../../schemas/event-ids.ts'
import type { IntervalAdaptation, Verification } from '../../schemas/generated/types.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'
import { HOUR_MS, KEPT_HOURS, type StationLedger, verifyHour } from './ledger.ts'

/** The new record of each variable of which blocks have been completed by these scores. */
export function foldScored(ledger: StationLedger, stationId: string, scored: readonly Verification[]): IntervalAdaptation[] {
  const made: IntervalAdaptation[] = []
  for (const [variable, events] of Map.groupBy(scored, (event) => event.variable)) {
    if (!isAdapted(variable)) continue
    const hours = ledger.unfolded.get(variable) ?? new Map<number, VerifiedPart[]>()
    ledger.unfolded.set(variable, hours)
    for (const [observedAt, parts] of Map.groupBy(events, (event) => event.observedAt)) hours.set(observedAt / HOUR_MS, parts)
    const scoredHours = [...hours.keys()]
    const until = completeUntil(Math.max(...scoredHours))
    const known = ledger.adaptations.get(variable) ?? { end: blockOf(Math.min(...scoredHours)), versions: [] }
    // Of hours before this nothing is known any more.
    let record: AdaptationRecord = { ...known, end: Math.max(known.end, blockOf(until - KEPT_HOURS)) }
    if (record.end >= until) continue
    while (record.end < until)
      record = foldBlock(
        record,
        (hour) => hours.get(hour) ?? verifyHour(ledger, stationId, variable, hour),
        (modelVersion) => hasBegunAnew(ledger, variable, modelVersion),
      )
    ledger.adaptations.set(variable, record)
    for (const hour of scoredHours) if (hour < record.end) hours.delete(hour)
    made.push(toEvent(stationId, variable, record))
  }
  return made
}

/** Inference knows which changes a version was fitted for; its forecasts say what they applied. */
function hasBegunAnew(ledger: StationLedger, variable: ForecastVariable, modelVersion: string): boolean {
  const own = [...(ledger.forecasts.get(variable)?.values() ?? [])].filter((forecast) => forecast.modelVersion === modelVersion)
  return own.length > 0 && own.every(({ logFactors }) => isUnstretched(logFactors))
}

function toEvent(stationId: string, variable: ForecastVariable, { end, versions }: AdaptationRecord): IntervalAdaptation {
  return {
    eventId: `adaptation/${modelKey(stationId, variable)}/${new Date(end * HOUR_MS).toISOString()}`,
    stationId,
    variable,
    verifiedUntil: end * HOUR_MS,
    versions: versions.map(({ modelVersion, verifiedHour, logFactors, previousLogFactors }) => ({
      modelVersion,
      verifiedAt: verifiedHour * HOUR_MS,
      logFactors: [...logFactors],
      previousLogFactors: [...previousLogFactors],
    })),
  }
}
