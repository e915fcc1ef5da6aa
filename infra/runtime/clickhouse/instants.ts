/** Epoch milliseconds ↔ the text of DateTime64(3, 'UTC'), and NaN ↔ the null that JSON makes of it. */

/** `2013-01-01 06:00:00.000` for an insert or a query parameter. Throws RangeError for a non-finite instant. */
export function toClickHouseInstant(instantMs: number): string {
  const iso = new Date(instantMs).toISOString()
  return `${iso.slice(0, 10)} ${iso.slice(11, 23)}`
}

export function toClickHouseInstantOrNull(instantMs: number | null): string | null {
  return instantMs === null ? null : toClickHouseInstant(instantMs)
}

/** Epoch ms of a DateTime64 as queries return it. */
export function fromClickHouseInstant(text: string): number {
  const instantMs = Date.parse(`${text.replace(' ', 'T')}Z`)
  if (Number.isNaN(instantMs)) throw new RangeError(`not a ClickHouse instant: ${JSON.stringify(text)}`)
  return instantMs
}

/** Array(Float) with NaN comes out of JSON as null. */
export function nanFromNull(values: ReadonlyArray<number | null>): number[] {
  return values.map((value) => value ?? Number.NaN)
}
