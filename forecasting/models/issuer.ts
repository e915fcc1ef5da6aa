/**
 * Forecasts in time order as the running system would have issued them: what verifies by an hour stretches the intervals of later ones, folded as
 * verification folds it and applied as inference applies it (adaptation-record.ts). Only what `observe` was told is known.
 */
import { type ForecastVariable, HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { verifyLead } from '../verification/index.ts'
import {
  adaptationFor,
  type AdaptationRecord,
  blockOf,
  completeUntil,
  foldBlock,
  isAdapted,
  type VerifiedPart,
} from './adaptation-record.ts'
import { withAdaptation } from './adaptive.ts'
import { OWN } from './station-climate.ts'

const Q = QUANTILE_LEVELS.length

export function createIssuer(variable: ForecastVariable) {
  const { low, high } = OWN[variable]
  /** By hour of issue, what may still verify. */
  const issued = new Map<number, { readonly modelVersion: string; readonly quantiles: Float32Array }>()
  /** By hour, of blocks that are not folded. */
  const verified = new Map<number, readonly VerifiedPart[]>()
  let record: AdaptationRecord | null = null
  return {
    /** What was observed at an hour; hours ascend, hours without a value may be left out. */
    observe(hour: number, value: number): void {
      if (Number.isNaN(value)) return
      const parts: VerifiedPart[] = []
      for (const [issueHour, { modelVersion, quantiles }] of issued) {
        const lead = hour - issueHour
        if (lead > HORIZON_HOURS) issued.delete(issueHour)
        else if (lead >= 1) {
          const { pit } = verifyLead(quantiles.subarray((lead - 1) * Q, lead * Q), value, variable)
          parts.push({ modelVersion, leadHours: [lead], pit: [pit] })
        }
      }
      if (parts.length === 0) return
      verified.set(hour, parts)
      let now = record ?? { end: blockOf(hour), versions: [] }
      for (const until = completeUntil(hour); now.end < until;) now = foldBlock(now, (at) => verified.get(at) ?? [])
      record = now
      for (const at of verified.keys()) if (at < now.end) verified.delete(at)
    },
    /** The quantiles (168 × 7) that a version made at an hour, as they would have been issued. */
    issue(hour: number, modelVersion: string, made: Float32Array): Float32Array {
      if (!isAdapted(variable)) return made
      const factors = record && adaptationFor(record, modelVersion, hour)
      const quantiles = factors ? withAdaptation(made, factors, low, high) : made
      issued.set(hour, { modelVersion, quantiles })
      return quantiles
    },
  }
}
