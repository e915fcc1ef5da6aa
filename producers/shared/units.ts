/** Unit conversions of provider formats, to the units of schemas/quantities.ts. */
export const KNOT_MPS = 1852 / 3600
export const KMH_MPS = 1 / 3.6
export const INCH_MM = 25.4
export const MILE_M = 1609.344

/** Rounds away the binary noise of a conversion; `digits` are more than any provider reports. */
export function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
