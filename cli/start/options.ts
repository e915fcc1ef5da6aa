/** What `isobar start` was asked for. */
export type StartOptions = {
  readonly speed?: number
  readonly live?: string
  readonly station: readonly string[]
  readonly demo?: boolean
  readonly exit?: boolean
  readonly json?: boolean
  readonly maxMinutes: number
}
