/** What differs between two sets of counts by station and hour, in words and on one screen. */

export type Expected = { readonly what: string; readonly stationId: string; readonly hour: number; readonly n: number }
/** `unique`: how many different things the `n` rows are. */
export type Counted = Expected & { readonly unique: number }

const HOUR_MS = 3_600_000
const MOST_LINES = 20

/** One line per run of neighbouring hours of a station that differ in the same way; the longest list ends with how many lines it lacks. */
export function differences(expected: readonly Expected[], found: readonly Counted[]): string[] {
  const key = ({ stationId, hour }: { stationId: string; hour: number }): string => `${stationId} ${hour}`
  const wanted = new Map(expected.map((row) => [key(row), row]))
  const present = new Map(found.map((row) => [key(row), row]))
  const wrong = [...wanted.keys(), ...[...present.keys()].filter((k) => !wanted.has(k))].flatMap((k) => {
    const want = wanted.get(k)?.n ?? 0
    const { n, unique } = present.get(k) ?? { n: 0, unique: 0 }
    if (n === want && unique === want) return []
    const { what, stationId, hour } = (wanted.get(k) ?? present.get(k)) as Expected
    const how = n > unique ? 'doubled' : unique < want ? 'lost' : 'not expected'
    return [{ what, stationId, hour, want, n, unique, how }]
  })
  if (wrong.length === 0) return []
  wrong.sort((a, b) => a.stationId.localeCompare(b.stationId) || a.how.localeCompare(b.how) || a.hour - b.hour)
  const runs: Array<{ first: (typeof wrong)[number]; to: number; hours: number; want: number; n: number; unique: number }> = []
  for (const row of wrong) {
    const run = runs.at(-1)
    if (run && run.first.stationId === row.stationId && run.first.how === row.how && row.hour <= run.to + 1) {
      Object.assign(run, {
        to: row.hour,
        hours: run.hours + 1,
        want: run.want + row.want,
        n: run.n + row.n,
        unique: run.unique + row.unique,
      })
    } else {
      runs.push({ first: row, to: row.hour, hours: 1, want: row.want, n: row.n, unique: row.unique })
    }
  }
  const at = (hour: number): string => new Date(hour * HOUR_MS).toISOString().slice(0, 16)
  const lines = runs.map(
    ({ first, to, hours, want, n, unique }) =>
      `${first.what} ${first.how}: ${first.stationId} ${at(first.hour)}…${at(to)} (${hours} h): ${n} rows, ${unique} different, ${want} expected`,
  )
  const total = `${wrong[0]?.what}: ${wrong.length} of ${wanted.size} station-hours differ`
  const left = lines.length - MOST_LINES
  return [total, ...lines.slice(0, MOST_LINES), ...(left > 0 ? [`… and ${left} more runs of hours`] : [])]
}
