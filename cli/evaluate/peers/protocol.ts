/** What goes into a disposable process and what comes out of it, as JSON. */
export type PeerRequest = {
  readonly family: 'prophet' | 'sarimax'
  readonly startHour: number
  /** Hourly; null = not observed. */
  readonly values: ReadonlyArray<number | null>
  /** Hours after the last value to forecast. */
  readonly steps: number
  /** SARIMAX: coefficients of an earlier fit, to be used instead of a new one. */
  readonly fitted?: { readonly coefficients: readonly number[]; readonly variance: number }
}

/** Normal forecast of each step, or why there is none. */
export type PeerAnswer =
  | {
      readonly ok: true
      readonly mean: readonly number[]
      readonly deviation: readonly number[]
      readonly fitted?: { readonly coefficients: readonly number[]; readonly variance: number }
    }
  | { readonly ok: false; readonly refused: string }

export type PeerLimits = { readonly seconds: number; readonly megabytes: number }
