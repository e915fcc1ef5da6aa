/** Data on stdout: a table for people, JSON for programs. */

export type Column<Row> = { readonly title: string; readonly value: (row: Row) => unknown }

export function printJson(data: unknown): void {
  process.stdout.write(`${JSON.stringify(data, null, 2)}\n`)
}

export function printTable<Row>(rows: readonly Row[], columns: ReadonlyArray<Column<Row>>): void {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => columns.map(({ value }) => cellText(value(row))))]
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => (line[i] as string).length)))
  for (const line of cells)
    process.stdout.write(
      `${line
        .map((cell, i) => cell.padEnd(widths[i] as number))
        .join('  ')
        .trimEnd()}\n`,
    )
}

const BAR_CELLS = 30

/** A bar on a terminal; elsewhere a line for each tenth. */
export function progressTo(stream: NodeJS.WriteStream, what: string): (done: number, total: number) => void {
  let lastTenth = -1
  return (done, total) => {
    const share = total === 0 ? 1 : done / total
    if (stream.isTTY) {
      const full = Math.round(share * BAR_CELLS)
      stream.write(`\r${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)} ${done} of ${total} ${what}${share === 1 ? '\n' : ''}`)
      return
    }
    const tenth = Math.floor(share * 10)
    if (tenth > lastTenth) stream.write(`${done} of ${total} ${what}\n`)
    lastTenth = Math.max(lastTenth, tenth)
  }
}

export function talk(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Numbers short, nothing as -, control characters of names from outside as spaces. */
function cellText(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-'
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : value.toFixed(3)
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001F\u007F-\u009F]/g, ' ')
}
