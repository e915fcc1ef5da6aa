/** SARIMAX behind the interface of all families. Pure, but seconds a fit: never in a service's main thread. */
import { FEATURE_SET } from '../../features/index.ts'
import { type ForecastVariable, HORIZON_HOURS, QUANTILE_LEVELS } from '../../../schemas/quantities.ts'
import { normalQuantile } from '../../verification/student-quantile.ts'
import { ArtefactError, type Arrays, type Header, pack, takeArray } from '../container.ts'
import { possibleSeries } from '../possible.ts'
import { OWN } from '../station-climate.ts'
import { allLeads, type Family, type FamilyFitted, type Observed } from '../types.ts'
import { forecastSarimax } from './index.ts'

const NAME = 'sarimax'
const H = HORIZON_HOURS

/** φ₁, φ₂, θ, Θ. */
const COEFFICIENTS = 4

type Coefficients = { readonly coefficients: Float64Array; readonly variance: number }

export const sarimax: Family<Observed> = {
  name: NAME,
  fit({ targets }, { variable }) {
    const made = forecastSarimax(possibleSeries(targets[variable], variable), H)
    return made.ok ? { ok: true, fitted: fittedSarimax(variable, made) } : made
  },
}

function fittedSarimax(variable: ForecastVariable, { coefficients, variance }: Coefficients): FamilyFitted<Observed> {
  return {
    family: NAME,
    variable,
    predict({ known }) {
      const made = forecastSarimax(possibleSeries(known.targets[variable], variable), H, { coefficients, variance })
      return made.ok
        ? { leadHours: allLeads(), quantiles: normalQuantiles(variable, made.mean, made.deviation) }
        : { refused: made.refused }
    },
    serialise: () => pack({ family: NAME, variable, featureSet: FEATURE_SET, golden: [], variance }, { coefficients }),
    describe: () => ({ family: NAME, variable, coefficients: [...coefficients], variance }),
  }
}

/** Null: not the artefact of a SARIMAX. Throws ArtefactError when an array is missing. */
export function decodeSarimax(header: Header, arrays: Arrays): FamilyFitted<Observed> | null {
  if (header.family !== NAME) return null
  const { variable, variance } = header as unknown as { variable: ForecastVariable; variance: number }
  if (!(variable in OWN) || !(variance > 0)) throw new ArtefactError('artefact-format', 'the header lacks what this family needs')
  return fittedSarimax(variable, { coefficients: Float64Array.from(takeArray(arrays, 'coefficients', COEFFICIENTS)), variance })
}

const NORMAL = QUANTILE_LEVELS.map(normalQuantile)

/** Leads × levels of a normal forecast, within the bounds of the variable; a probability has no interval. From lead `from` (0 = the first) on. */
export function normalQuantiles(
  variable: ForecastVariable,
  mean: ArrayLike<number>,
  deviation: ArrayLike<number>,
  from = 0,
): Float32Array {
  const { low, high } = OWN[variable]
  const isProbability = variable === 'precipitationProbabilityPct'
  const quantiles = new Float32Array(H * NORMAL.length)
  for (let h = 0; h < H; h++)
    NORMAL.forEach((z, q) => {
      const value = mean[from + h]! + (isProbability ? 0 : z * deviation[from + h]!)
      quantiles[h * NORMAL.length + q] = Math.min(high, Math.max(low, value))
    })
  return quantiles
}
