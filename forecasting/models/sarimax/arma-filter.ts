/**
 * Exact Gaussian likelihood of an ARMA process by the Kalman filter, in the state-space form of Harvey (1989, 3.4.1):
 * α_{t+1} = T α_t + R ε_{t+1}, w_t = α_t[0], T the companion matrix of φ, R = (1, θ₁, …). Missing observations (NaN) are skipped.
 */

export type Arma = {
  /** φ₁… of w_t = Σ φ_i w_{t−i} + ε_t + Σ θ_j ε_{t−j}. */
  readonly ar: Float64Array
  readonly ma: Float64Array
}

export type Filtered = {
  /** Σ v²/F and Σ log F over the observed, F in units of σ². */
  readonly sumSquares: number
  readonly logDeterminant: number
  readonly observed: number
  /** Predicted state after the last observation. */
  readonly state: Float64Array
}

/**
 * Change of the covariance over r steps (in units of F) below which the filter counts as steady: from there on a step costs r instead of r².
 * Over r steps, because a seasonal process changes nothing of F within a season.
 */
const STEADY = 1e-9
/** Doublings of the sum Σ Tᵏ R Rᵀ Tᵏᵀ: enough for roots up to 1 − 1e-7. */
const DOUBLINGS = 26

export function filterArma({ ar, ma }: Arma, series: Float64Array): Filtered {
  const r = Math.max(ar.length, ma.length + 1)
  const phi = padded(ar, r)
  const load = new Float64Array(r)
  load[0] = 1
  load.set(ma, 1)
  let covariance = stationaryCovariance(phi, load)
  let next = new Float64Array(r * r)
  const state = new Float64Array(r)
  const gain = new Float64Array(r)
  let sumSquares = 0
  let logDeterminant = 0
  let observed = 0
  const snapshot = new Float64Array(r * r)
  let known = 0
  let isSteady = false
  for (const value of series) {
    const isKnown = value === value
    const f = Math.max(covariance[0]!, 1e-12)
    let innovation = 0
    if (isKnown) {
      innovation = value - state[0]!
      sumSquares += (innovation * innovation) / f
      logDeterminant += Math.log(f)
      observed++
      known++
    } else {
      isSteady = false
      known = 0
    }
    if (isKnown && !isSteady) for (let i = 0; i < r; i++) gain[i] = covariance[i * r]! / f
    // Update, then one step ahead: the first entry feeds back through φ, the others move up.
    const first = state[0]! + (isKnown ? gain[0]! * innovation : 0)
    for (let i = 0; i < r; i++) {
      const shifted = i + 1 < r ? state[i + 1]! + (isKnown ? gain[i + 1]! * innovation : 0) : 0
      state[i] = phi[i]! * first + shifted
    }
    if (isSteady) continue
    if (isKnown)
      for (let i = 0; i < r; i++) {
        const g = gain[i]! * f
        for (let j = i; j < r; j++) covariance[i * r + j] = covariance[i * r + j]! - g * gain[j]!
      }
    stepCovariance(covariance, phi, load, next, r)
    ;[covariance, next] = [next, covariance]
    if (known % r !== r - 1) continue
    let change = 0
    for (let i = 0; i < snapshot.length; i++) change = Math.max(change, Math.abs(covariance[i]! - snapshot[i]!))
    snapshot.set(covariance)
    if (change < STEADY * f) {
      isSteady = true
      for (let i = 0; i < r; i++) gain[i] = covariance[i * r]! / covariance[0]!
    }
  }
  return { sumSquares, logDeterminant, observed, state }
}

/** w at 1…steps after the last observation, given the predicted state. */
export function forecastArma(ar: Float64Array, state: Float64Array, steps: number): Float64Array {
  const r = state.length
  const phi = padded(ar, r)
  const at = state.slice()
  return Float64Array.from({ length: steps }, () => {
    const first = at[0]!
    for (let i = 0; i < r; i++) at[i] = phi[i]! * first + (i + 1 < r ? at[i + 1]! : 0)
    return first
  })
}

/** next = T P Tᵀ + R Rᵀ from the upper triangle of P, both triangles of next are written. T x = φ x₀ + shift x. */
function stepCovariance(p: Float64Array, phi: Float64Array, load: Float64Array, next: Float64Array, r: number): void {
  const corner = p[0]!
  for (let i = 0; i < r; i++) {
    const up = i + 1 < r ? p[i + 1]! : 0
    for (let j = i; j < r; j++) {
      const across = j + 1 < r ? p[j + 1]! : 0
      const inner = i + 1 < r && j + 1 < r ? p[(i + 1) * r + j + 1]! : 0
      const value = phi[i]! * phi[j]! * corner + phi[i]! * across + phi[j]! * up + inner + load[i]! * load[j]!
      next[i * r + j] = value
      next[j * r + i] = value
    }
  }
}

/** P = T P Tᵀ + R Rᵀ by doubling (Smith 1968): A ← A², P ← P + A P Aᵀ. */
function stationaryCovariance(phi: Float64Array, load: Float64Array): Float64Array<ArrayBuffer> {
  const r = phi.length
  let power = new Float64Array(r * r)
  for (let i = 0; i < r; i++) {
    power[i * r] = phi[i]!
    if (i + 1 < r) power[i * r + i + 1] = 1
  }
  const sum = new Float64Array(r * r)
  for (let i = 0; i < r; i++) for (let j = 0; j < r; j++) sum[i * r + j] = load[i]! * load[j]!
  for (let k = 0; k < DOUBLINGS; k++) {
    const half = product(power, sum, r)
    let change = 0
    for (let i = 0; i < r; i++)
      for (let j = 0; j < r; j++) {
        let extra = 0
        for (let m = 0; m < r; m++) extra += half[i * r + m]! * power[j * r + m]!
        sum[i * r + j] = sum[i * r + j]! + extra
        change = Math.max(change, Math.abs(extra))
      }
    if (change < 1e-13 * sum[0]!) break
    power = product(power, power, r)
  }
  return sum
}

function product(a: Float64Array, b: Float64Array, r: number): Float64Array<ArrayBuffer> {
  const out = new Float64Array(r * r)
  for (let i = 0; i < r; i++)
    for (let k = 0; k < r; k++) {
      const value = a[i * r + k]!
      if (value === 0) continue
      for (let j = 0; j < r; j++) out[i * r + j] = out[i * r + j]! + value * b[k * r + j]!
    }
  return out
}

function padded(values: Float64Array, length: number): Float64Array {
  const out = new Float64Array(length)
  out.set(values)
  return out
}
