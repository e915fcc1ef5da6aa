/**
 * Reads observation CSV: header `stationId?,observedAt,` + any of the quantity names of schemas/quantities.ts; UTC; empty = not observed;
 * gzip is recognised by its content. Streams: memory does not grow with the file.
 * A bad row is reported with its line and does not stop the good ones; a bad header does, because nothing after it can be trusted.
 */
import { createReadStream } from 'node:fs'
import { Readable, pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { parse } from 'csv-parse'
import type { Info } from 'csv-parse'
import { AppError } from '../../infra/runtime/errors.ts'
import { QUANTITIES, STATION_ID_PATTERN } from '../../schemas/quantities.ts'
import type { Quantity } from '../../schemas/quantities.ts'
import { nearestName } from './nearest-name.ts'
import { emptyQuantities } from './observation.ts'
import type { QuantityValues } from './observation.ts'

/** A good row. `observedAt`: epoch ms. `line`: 1-based line of the file. */
export type ObservationCsvRow = {
  readonly line: number
  readonly stationId: string
  readonly observedAt: number
  readonly values: QuantityValues
}

/** A row that was not accepted: what is wrong, why it matters, how to mend it. */
export type ObservationCsvProblem = { readonly line: number; readonly what: string; readonly why: string; readonly fix: string }

export type ObservationCsvOptions = {
  /** Station of files without a stationId column; refused when the file has one, so that no row changes its station silently. */
  readonly stationId?: string
  readonly onProblem: (problem: ObservationCsvProblem) => void
}

/** Nothing measured by a weather station comes near it; larger numbers are typing or unit errors and overflow later arithmetic. */
const LARGEST_VALUE = 1e9
const OLDEST = Date.UTC(1850, 0, 1)
const NEWEST = Date.UTC(2100, 0, 1)
/** Instants per station remembered for finding duplicates; a bound on memory, far beyond any plausible disorder in a file. */
const REMEMBERED_INSTANTS = 20_000
const LONGEST_ROW_BYTES = 64 * 1024

/** Rows of the file at `path`, in file order. Throws AppError 'csv-unreadable' | 'csv-header'. */
export async function* readObservationCsvFile(
  path: string | URL,
  options: ObservationCsvOptions,
): AsyncGenerator<ObservationCsvRow> {
  yield* readObservationCsv(createReadStream(path), options)
}

/** Rows of a stream of bytes, plain or gzip. */
export async function* readObservationCsv(bytes: Readable, options: ObservationCsvOptions): AsyncGenerator<ObservationCsvRow> {
  const { onProblem } = options
  const parser = parse({
    bom: true,
    trim: true,
    info: true,
    skip_empty_lines: true,
    relax_column_count: true,
    skip_records_with_error: true,
    max_record_size: LONGEST_ROW_BYTES,
  })
  parser.on('skip', (error: { message: string; lines?: number }) => {
    onProblem({
      line: error.lines ?? 0,
      what: error.message,
      why: 'the row is not valid CSV',
      fix: 'check quotes and separators in this line',
    })
  })
  let header: Header | undefined
  const seen = new DuplicateFinder()
  try {
    // A failing source reaches this loop through the parser, which pipeline destroys with the same error.
    pipeline(await maybeGunzip(bytes), parser, () => undefined)
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
      if (header === undefined) {
        header = readHeader(record, options.stationId)
        continue
      }
      const row = readRow(record, info.lines, header)
      if ('what' in row) {
        onProblem(row)
        continue
      }
      const duplicate = seen.check(row)
      if (duplicate) onProblem(duplicate)
      else yield row
    }
  } catch (error) {
    if (error instanceof AppError) throw error
    const detail = error instanceof Error ? error.message : String(error)
    throw new AppError(`cannot read the CSV: ${detail}`, { code: 'csv-unreadable', retry: 'permanent', cause: error })
  } finally {
    parser.destroy()
  }
  if (header === undefined) throw headerError('the file is empty')
}

type Header = { readonly columns: ReadonlyArray<'stationId' | 'observedAt' | Quantity>; readonly stationId: string | undefined }

function readHeader(cells: readonly string[], stationId: string | undefined): Header {
  const known = ['stationId', 'observedAt', ...QUANTITIES]
  if (cells.length === 1 && /[;\t|]/.test(cells[0] ?? '')) throw headerError('columns must be separated by commas')
  if (cells.some((cell) => cell !== '' && !Number.isNaN(Number(cell)))) throw headerError('the first line must name the columns')
  const errors = cells.flatMap((cell, i) => {
    if (!known.includes(cell)) {
      const near = nearestName(cell, known)
      return [`unknown column "${cell}"${near === null ? '' : `; did you mean "${near}"?`}`]
    }
    return cells.indexOf(cell) === i ? [] : [`column "${cell}" appears twice`]
  })
  if (errors.length > 0) throw headerError(`${errors.join('; ')}. Known columns: ${known.join(', ')}`)
  if (!cells.includes('observedAt')) throw headerError('the column "observedAt" is missing')
  if (cells.includes('stationId') === (stationId !== undefined)) {
    throw headerError(
      stationId === undefined
        ? 'the column "stationId" is missing and no station was given; add the column, or --station ID (REPLAY_STATION for the replay)'
        : `a station was given ("${stationId}") but the file has its own column "stationId"`,
    )
  }
  if (stationId !== undefined && !STATION_ID_PATTERN.test(stationId)) throw headerError(`"${stationId}" is not a station id`)
  return { columns: cells as Header['columns'], stationId }
}

function readRow(cells: readonly string[], line: number, header: Header): ObservationCsvRow | ObservationCsvProblem {
  if (cells.length !== header.columns.length) {
    return {
      line,
      what: `${cells.length} values, the header has ${header.columns.length}`,
      why: 'it is unclear which value belongs to which column',
      fix: 'write one value per column, nothing between the commas where not observed',
    }
  }
  const values = emptyQuantities()
  let stationId = header.stationId ?? ''
  let observedAt = NaN
  for (const [i, column] of header.columns.entries()) {
    const text = cells[i] ?? ''
    if (column === 'stationId') {
      if (!STATION_ID_PATTERN.test(text))
        return problem(line, column, text, 'is not a station id', 'use a-z, 0-9, - and _, at most 64')
      stationId = text
    } else if (column === 'observedAt') {
      observedAt = parseUtc(text)
      if (Number.isNaN(observedAt)) return problem(line, column, text, 'is not an instant', 'write UTC as 2013-01-31T06:00:00Z')
      if (observedAt < OLDEST || observedAt >= NEWEST)
        return problem(line, column, text, 'is outside 1850…2099', 'check the year')
    } else if (text !== '') {
      const value = parseNumber(text)
      if (value === null)
        return problem(
          line,
          column,
          text,
          'is not a finite decimal number',
          'use a decimal point, or leave it empty when not observed',
        )
      if (Math.abs(value) >= LARGEST_VALUE) return problem(line, column, text, 'is larger than any measurement', 'check the unit')
      values[column] = value
    }
  }
  return { line, stationId, observedAt, values }
}

/** The same station and instant twice in one file: identical rows are harmless, differing ones ambiguous; the first wins. */
class DuplicateFinder {
  readonly #stations = new Map<string, Map<number, { line: number; values: string }>>()

  check(row: ObservationCsvRow): ObservationCsvProblem | null {
    let instants = this.#stations.get(row.stationId)
    if (!instants) this.#stations.set(row.stationId, (instants = new Map()))
    const values = Object.values(row.values).join(',')
    const first = instants.get(row.observedAt)
    if (first) {
      const same = first.values === values
      return {
        line: row.line,
        what: `${row.stationId} at ${new Date(row.observedAt).toISOString()} is already in line ${first.line}`,
        why: same
          ? 'the rows are the same; the second is not needed'
          : 'the values differ and only one can be true; the first was taken',
        fix: 'keep one of the two lines',
      }
    }
    instants.set(row.observedAt, { line: row.line, values })
    if (instants.size > REMEMBERED_INSTANTS) {
      const oldest = instants.keys().next().value
      if (oldest !== undefined) instants.delete(oldest)
    }
    return null
  }
}

/** Strict: only plain decimal notation. Number() alone would take '0x10', '' and 'Infinity'. */
function parseNumber(text: string): number | null {
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/.test(text) && Number.isFinite(Number(text)) ? Number(text) : null
}

/** ISO 8601 with Z or an offset; without either it is UTC, as the format says. NaN when it is no existing instant. */
function parseUtc(text: string): number {
  const match = /^(\d{4}-\d{2}-(\d{2}))[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?$/.exec(text)
  if (!match) return NaN
  const [, date, day, time, seconds, zone] = match
  // Date.parse rolls 31 February over into March.
  if (new Date(`${date}T00:00:00Z`).getUTCDate() !== Number(day)) return NaN
  return Date.parse(`${date}T${time}${seconds ?? ':00'}${zone ?? 'Z'}`)
}

/** Looks at the first two bytes, then hands on the whole content. */
async function maybeGunzip(bytes: Readable): Promise<Readable> {
  const chunks = bytes[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  const first = await chunks.next()
  const content = Readable.from(
    (async function* () {
      try {
        for (let next = first; !next.done; next = await chunks.next()) yield next.value
      } finally {
        bytes.destroy()
      }
    })(),
  )
  const isGzip = !first.done && first.value[0] === 0x1f && first.value[1] === 0x8b
  return isGzip ? pipeline(content, createGunzip(), () => undefined) : content
}

function problem(line: number, column: string, text: string, why: string, fix: string): ObservationCsvProblem {
  return { line, what: `${column} "${text.slice(0, 80)}"`, why, fix }
}

function headerError(what: string): AppError {
  return new AppError(`CSV header: ${what}`, { code: 'csv-header', retry: 'permanent' })
}
