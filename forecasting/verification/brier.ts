/** Scores and calibration of probabilities of a yes/no event (rain in the hour, frost in the night). Probabilities 0–1, outcomes 0 or 1. */

/** Mean (p − o)², 0 perfect, 0.25 for a constant 50 % (Brier 1950). NaN for no cases. */
export function brierScore(probabilities: ArrayLike<number>, outcomes: ArrayLike<number>): number {
  const n = checked(probabilities, outcomes)
  let sum = 0
  for (let i = 0; i < n; i++) sum += (probabilities[i]! - outcomes[i]!) ** 2
  return sum / n
}

/** One point of a reliability diagram. */
export type ReliabilityBin = {
  /** Forecasts p with from ≤ p < to; the last bin takes its upper edge too. */
  readonly from: number
  readonly to: number
  readonly n: number
  readonly meanProbability: number
  readonly observedFrequency: number
}

/** Reliability diagram over `bins` (default 10) bins of equal width; empty bins are left out. */
export function reliabilityBins(probabilities: ArrayLike<number>, outcomes: ArrayLike<number>, bins = 10): ReliabilityBin[] {
  return grouped(probabilities, outcomes, bins).flatMap(({ n, p, o }, k) =>
    n === 0 ? [] : [{ from: k / bins, to: (k + 1) / bins, n, meanProbability: p / n, observedFrequency: o / n }],
  )
}

/** score = reliability − resolution + uncertainty + withinBin, exactly. */
export type BrierDecomposition = {
  readonly score: number
  /** Σ n_k (p̄_k − ō_k)²/n: 0 when every stated probability is the observed frequency. */
  readonly reliability: number
  /** Σ n_k (ō_k − ō)²/n: how far the forecasts tell cases apart; 0 for a constant forecast. */
  readonly resolution: number
  /** ō(1 − ō): the Brier score of the climatological frequency of this very sample. */
  readonly uncertainty: number
  /** What different forecasts in one bin add: variance of p minus twice its covariance with o. 0 when a bin holds one value. */
  readonly withinBin: number
  readonly baseRate: number
  readonly n: number
}

/**
 * Brier score split as by Murphy (1973) over `bins` bins of equal width, p̄_k and ō_k the means of bin k; the two within-bin terms of
 * Stephenson, Coelho & Jolliffe (2008) make the sum exact for forecasts that vary inside a bin. Small bins bias reliability and
 * resolution upwards, both by about (bins filled)·ō(1 − ō)/n. NaN for no cases.
 */
export function decomposeBrier(probabilities: ArrayLike<number>, outcomes: ArrayLike<number>, bins = 10): BrierDecomposition {
  const n = checked(probabilities, outcomes)
  const groups = grouped(probabilities, outcomes, bins)
  const baseRate = groups.reduce((sum, { o }) => sum + o, 0) / n
  let reliability = 0
  let resolution = 0
  for (const group of groups) {
    if (group.n === 0) continue
    reliability += (group.n / n) * ((group.p - group.o) / group.n) ** 2
    resolution += (group.n / n) * (group.o / group.n - baseRate) ** 2
  }
  let withinBin = 0
  for (let i = 0; i < n; i++) {
    const group = groups[binOf(probabilities[i]!, bins)]!
    const deviation = probabilities[i]! - group.p / group.n
    withinBin += deviation * (deviation - 2 * (outcomes[i]! - group.o / group.n))
  }
  const score = brierScore(probabilities, outcomes)
  const uncertainty = baseRate * (1 - baseRate)
  return { score, reliability, resolution, uncertainty, withinBin: withinBin / n, baseRate, n }
}

/** 1 − score/uncertainty: skill over always stating the sample's own frequency (Wilks 2011, 8.37). NaN where nothing or everything happened. */
export function brierSkillScore({ score, uncertainty }: Pick<BrierDecomposition, 'score' | 'uncertainty'>): number {
  return uncertainty > 0 ? 1 - score / uncertainty : NaN
}

function grouped(probabilities: ArrayLike<number>, outcomes: ArrayLike<number>, bins: number) {
  if (!Number.isInteger(bins) || bins < 1) throw new RangeError(`bins ${bins}`)
  const n = checked(probabilities, outcomes)
  const groups = Array.from({ length: bins }, () => ({ n: 0, p: 0, o: 0 }))
  for (let i = 0; i < n; i++) {
    const group = groups[binOf(probabilities[i]!, bins)]!
    group.n++
    group.p += probabilities[i]!
    group.o += outcomes[i]!
  }
  return groups
}

/** The small allowance keeps 0.3 in the bin that starts at 3/10 although 0.3·10 may round below 3. */
function binOf(probability: number, bins: number): number {
  return Math.min(bins - 1, Math.floor(probability * bins + 1e-9))
}

function checked(probabilities: ArrayLike<number>, outcomes: ArrayLike<number>): number {
  const n = probabilities.length
  if (n !== outcomes.length) throw new RangeError(`${n} probabilities, ${outcomes.length} outcomes`)
  for (let i = 0; i < n; i++) {
    if (!(probabilities[i]! >= 0 && probabilities[i]! <= 1)) throw new RangeError(`probability ${probabilities[i]} at ${i}`)
    if (outcomes[i] !== 0 && outcomes[i] !== 1) throw new RangeError(`outcome ${outcomes[i]} at ${i}`)
  }
  return n
}
