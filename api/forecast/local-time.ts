/** Instants as local ISO 8601 with offset, through the platform's time zone data. */

const formatters = new Map<string, Intl.DateTimeFormat>()

function formatter(timezone: string): Intl.DateTimeFormat {
  let known = formatters.get(timezone)
  if (known === undefined) {
    known = new Intl.DateTimeFormat('en-CA', {
      timeZone: timezone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      timeZoneName: 'longOffset',
    })
    formatters.set(timezone, known)
  }
  return known
}

/** 2013-05-01T08:00:00-04:00; for UTC 2013-05-01T12:00:00Z (whole seconds; milliseconds only when there are any). */
export function isoIn(timezone: string, instantMs: number): string {
  if (timezone === 'UTC') return isoUtc(instantMs)
  const part: Record<string, string> = {}
  for (const { type, value } of formatter(timezone).formatToParts(instantMs)) part[type] = value
  const offset = (part['timeZoneName'] ?? '').replace('GMT', '')
  return `${part['year']}-${part['month']}-${part['day']}T${part['hour']}:${part['minute']}:${part['second']}${offset === '' ? 'Z' : offset}`
}

export function isoUtc(instantMs: number): string {
  const iso = new Date(instantMs).toISOString()
  return iso.endsWith('.000Z') ? `${iso.slice(0, -5)}Z` : iso
}

/** Local calendar date, YYYY-MM-DD. */
export function localDate(timezone: string, instantMs: number): string {
  return isoIn(timezone, instantMs).slice(0, 10)
}
