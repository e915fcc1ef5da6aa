/** Tables of the pieces there are. Every network counts the same, and every station within it: Ireland's 25 stations have one weather. */
import { mean } from 'simple-statistics'
import { createRng, pairedBlockBootstrap, type PairedDifference, skillScore } from '../../forecasting/verification/index.ts'
import { type ForecastVariable, HORIZON_HOURS, VARIABLE_UNITS } from '../../schemas/quantities.ts'
import { AS_MADE, SERVED as OURS } from '../../cli/evaluate/families.ts'
import { BUCKETS, type Cell, type PieceSummary, type Season } from './summary.ts'

const REFERENCE = 'recentred-climatology'
const LEADS = BUCKETS.filter((bucket) => bucket !== 'all')

type Pooled = Omit<Cell, 'n'>

export type Table = {
  readonly variable: ForecastVariable
  readonly stations: number
  readonly origins: number
  readonly pooled: readonly Pooled[]
  /** Model minus ours, in shares of the station's recentred climatology. */
  readonly against: ReadonlyArray<{ model: string; bucket: string; score: 'mae' | 'crps' } & PairedDifference>
  /** Shares of the recentred climatology's score that exceed 1, and by how much, with an interval of 95 % (whole weeks drawn). */
  readonly worse: ReadonlyArray<{ label: string; bucket: string; ratio: number; low: number; high: number }>
}

export function tableOf(pieces: readonly PieceSummary[]): Table {
  const { variable } = pieces[0]!
  const models = [...new Set(pieces.flatMap(({ cells }) => cells.map(({ model }) => model)))]
  const isOf = (piece: PieceSummary, model: string): boolean => piece.cells.some((cell) => cell.model === model)
  const pooled = models
    .filter((model) => pieces.every((piece) => isOf(piece, model)))
    .flatMap((model) =>
      (['year', 'summer', 'winter'] as const).flatMap((season) =>
        BUCKETS.flatMap((bucket) => pool(pieces, model, season, bucket) ?? []),
      ),
    )
  const against = models
    .filter((model) => model !== OURS && pieces.every((piece) => isOf(piece, model)))
    .flatMap((model) =>
      BUCKETS.flatMap((bucket) =>
        (['mae', 'crps'] as const).map((score) => ({ model, bucket, score, ...difference(pieces, model, bucket, score) })),
      ),
    )
  const worse = pieces.flatMap((piece) =>
    BUCKETS.flatMap((bucket) => {
      const score = scoreOf(variable)
      const ratio = 1 - skillScore(cellOf(piece, OURS, 'year', bucket)![score], cellOf(piece, REFERENCE, 'year', bucket)![score])
      if (ratio <= 1) return []
      const better = difference([piece], REFERENCE, bucket, score)
      return [{ label: piece.label, bucket, ratio, low: -better.high, high: -better.low }]
    }),
  )
  const origins = pieces.reduce((sum, piece) => sum + piece.origins.length, 0)
  return { variable, stations: pieces.length, origins, pooled, against, worse }
}

/** What is judged: of a probability the Brier score, as the mean |probability − outcome| is least for a forecast of 0 or 100 %. */
function scoreOf(variable: ForecastVariable): 'mae' | 'crps' {
  return variable === 'precipitationProbabilityPct' ? 'crps' : 'mae'
}

function cellOf(piece: PieceSummary, model: string, season: Season, bucket: string): Cell | undefined {
  return piece.cells.find((cell) => cell.model === model && cell.season === season && cell.bucket === bucket)
}

/** Mean over networks of the mean over their stations. */
function pool(pieces: readonly PieceSummary[], model: string, season: Season, bucket: Cell['bucket']): Pooled | null {
  const networks = [...Map.groupBy(pieces, ({ network }) => network).values()]
    .map((own) => own.flatMap((piece) => cellOf(piece, model, season, bucket) ?? []))
    .filter((cells) => cells.length > 0)
  if (networks.length === 0) return null
  const meanOf = (of: (cell: Cell) => number): number => mean(networks.map((cells) => mean(cells.map(of))))
  return {
    model,
    season,
    bucket,
    mae: meanOf((cell) => cell.mae),
    rmse: meanOf((cell) => cell.rmse),
    bias: meanOf((cell) => cell.bias),
    crps: meanOf((cell) => cell.crps),
    coverage80: meanOf((cell) => cell.coverage80),
    coverage95: meanOf((cell) => cell.coverage95),
    width80: meanOf((cell) => cell.width80),
    width95: meanOf((cell) => cell.width95),
    pit: networks[0]![0]!.pit.map((_, bin) => meanOf((cell) => cell.pit[bin]!)),
  }
}

/** Stations of a network are averaged at each origin first: their errors are not independent. Blocks of a horizon. */
function difference(pieces: readonly PieceSummary[], model: string, bucket: string, score: 'mae' | 'crps'): PairedDifference {
  const theirs: number[] = []
  const ours: number[] = []
  for (const own of Map.groupBy(pieces, ({ network }) => network).values()) {
    const sums = new Map<number, { a: number; b: number; n: number }>()
    for (const piece of own) {
      const unit = cellOf(piece, REFERENCE, 'year', bucket)![score]
      const a = piece.byOrigin[model]![bucket]![score]
      const b = piece.byOrigin[OURS]![bucket]![score]
      piece.origins.forEach((origin, i) => {
        if (a[i] === null || b[i] === null) return
        const sum = sums.get(origin) ?? { a: 0, b: 0, n: 0 }
        sums.set(origin, { a: sum.a + a[i]! / unit, b: sum.b + b[i]! / unit, n: sum.n + 1 })
      })
    }
    for (const [, { a, b, n }] of [...sums].toSorted(([x], [y]) => x - y)) {
      theirs.push(a / n)
      ours.push(b / n)
    }
  }
  const blockLength = Math.ceil(HORIZON_HOURS / pieces[0]!.everyHours)
  return pairedBlockBootstrap(theirs, ours, { blockLength, rng: createRng(1) })
}

export function markdownOf(table: Table, pieces: readonly PieceSummary[]): string {
  const { variable, stations, origins } = table
  const unit =
    variable === 'precipitationProbabilityPct'
      ? 'mean |probability − outcome| in percentage points; CRPS: Brier score'
      : VARIABLE_UNITS[variable]
  const models = [...new Set(table.pooled.map(({ model }) => model))]
  const lines = [`### ${variable}`, '', `${stations} stations, ${origins} origins (${unit}).`, '']
  lines.push(
    row([
      'MAE',
      ...LEADS.map((lead) => `${lead} h`),
      'all',
      'RMSE',
      'bias',
      'CRPS',
      'covers 80 / 95',
      'width 80',
      `MAE minus \`${OURS}\`'s, all leads, %`,
    ]),
  )
  lines.push(row(Array.from({ length: 12 }, () => '---')))
  for (const model of models) {
    const cell = (bucket: string): Pooled =>
      table.pooled.find((c) => c.model === model && c.season === 'year' && c.bucket === bucket)!
    const all = cell('all')
    const paired = table.against.find((d) => d.model === model && d.bucket === 'all' && d.score === 'mae')
    lines.push(
      row([
        `\`${model}\``,
        ...BUCKETS.map((bucket) => number(cell(bucket).mae)),
        number(all.rmse),
        number(all.bias),
        number(all.crps),
        `${share(all.coverage80)} / ${share(all.coverage95)}`,
        number(all.width80),
        paired ? `${percent(paired.mean)} [${percent(paired.low)}, ${percent(paired.high)}]` : '',
      ]),
    )
  }
  if (variable !== 'precipitationProbabilityPct') {
    lines.push('', `\`${OURS}\` by season, its intervals as made → as issued, and CRPS by lead:`, '')
    lines.push(
      row(['', ...BUCKETS.map((bucket) => (bucket === 'all' ? 'all' : `${bucket} h`))]),
      row(Array.from({ length: 6 }, () => '---')),
    )
    for (const season of ['year', 'summer', 'winter'] as const) {
      const covered = (model: string, bucket: string): string => {
        const found = table.pooled.find((c) => c.model === model && c.season === season && c.bucket === bucket)
        return found ? `${share(found.coverage80)} / ${share(found.coverage95)}` : ''
      }
      lines.push(
        row([
          `covered by 80 / 95 %, ${season}`,
          ...BUCKETS.map((bucket) => `${covered(AS_MADE, bucket)} → ${covered(OURS, bucket)}`),
        ]),
      )
    }
    const year = BUCKETS.map((bucket) =>
      table.pooled.find((c) => c.model === OURS && c.season === 'year' && c.bucket === bucket)!,
    )
    lines.push(row(['mean width 80 / 95 %', ...year.map((c) => `${number(c.width80)} / ${number(c.width95)}`)]))
    for (const score of ['mae', 'crps'] as const)
      lines.push(
        row([
          `${score.toUpperCase()} beside \`${REFERENCE}\`'s, %`,
          ...BUCKETS.map((bucket) => beside(table, REFERENCE, bucket, score)),
        ]),
      )
    lines.push(row(['CRPS', ...year.map((c) => number(c.crps))]))
    lines.push(row(['CRPS beside that as made, %', ...BUCKETS.map((bucket) => beside(table, AS_MADE, bucket, 'crps'))]))
    lines.push(
      row([
        `CRPS, \`${REFERENCE}\``,
        ...BUCKETS.map((bucket) =>
          number(table.pooled.find((c) => c.model === REFERENCE && c.season === 'year' && c.bucket === bucket)!.crps),
        ),
      ]),
    )
    lines.push(row(['PIT, tenths (1 = flat)', ...year.map((c) => c.pit.map((d) => d.toFixed(2)).join(' '))]))
  }
  const score = scoreOf(variable)
  const isProbability = score === 'crps'
  lines.push(
    '',
    `By network, means of its stations: ${isProbability ? 'Brier score' : 'MAE'} of \`${OURS}\`, beside the recentred climatology's${isProbability ? '' : ', covered by 80 / 95 %'}:`,
    '',
  )
  lines.push(row(['', 'origins', ...BUCKETS.map((bucket) => (bucket === 'all' ? 'all' : `${bucket} h`))]))
  lines.push(row(Array.from({ length: 7 }, () => '---')))
  for (const [network, own] of Map.groupBy(pieces, ({ network: name }) => name)) {
    const cells = BUCKETS.map((bucket) => {
      const ours = pool(own, OURS, 'year', bucket)!
      const beside = `${number(ours[score])} · ${percent(ours[score] / pool(own, REFERENCE, 'year', bucket)![score] - 1)} %`
      return isProbability ? beside : `${beside} · ${share(ours.coverage80)} / ${share(ours.coverage95)}`
    })
    lines.push(row([network, String(own.reduce((sum, piece) => sum + piece.origins.length, 0)), ...cells]))
  }
  lines.push('', `Worse than the recentred climatology: ${worseOf(table)}.`)
  lines.push(
    '',
    `By station, ${isProbability ? 'Brier score' : 'MAE'} of \`${OURS}\` and its share of the recentred climatology's:`,
    '',
  )
  lines.push(row(['', 'origins', ...BUCKETS.map((bucket) => (bucket === 'all' ? 'all' : `${bucket} h`)), 'covers 80 / 95']))
  lines.push(row(Array.from({ length: 8 }, () => '---')))
  for (const piece of pieces) {
    const all = cellOf(piece, OURS, 'year', 'all')!
    lines.push(
      row([
        piece.label,
        String(piece.origins.length),
        ...BUCKETS.map((bucket) => {
          const own = cellOf(piece, OURS, 'year', bucket)![score]
          return `${number(own)} · ${(own / cellOf(piece, REFERENCE, 'year', bucket)![score]).toFixed(3)}`
        }),
        `${share(all.coverage80)} / ${share(all.coverage95)}`,
      ]),
    )
  }
  const refused = pieces.flatMap(({ label, refused: own }) =>
    Object.entries(own).map(([model, { count, first }]) => `- ${label}, \`${model}\`: no answer at ${count} origins (${first})`),
  )
  return [...lines, ...(refused.length > 0 ? ['', ...refused] : []), ''].join('\n')
}

/** Of what is ours, in shares of the station's reference: below 0 is better. */
function beside({ against }: Table, model: string, bucket: string, score: 'mae' | 'crps'): string {
  const paired = against.find((d) => d.model === model && d.bucket === bucket && d.score === score)
  return paired ? `${percent(-paired.mean)} [${percent(-paired.high)}, ${percent(-paired.low)}]` : ''
}

function worseOf({ worse }: Table): string {
  if (worse.length === 0) return 'no station at any bucket'
  return worse
    .map(
      ({ label, bucket, ratio, low, high }) =>
        `${label} at ${bucket === 'all' ? 'all leads' : `${bucket} h`} (${percent(ratio - 1)} % [${percent(low)}, ${percent(high)}])`,
    )
    .join(', ')
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}
function number(value: number): string {
  return String(Number(value.toPrecision(3)))
}
function share(value: number): string {
  return (100 * value).toFixed(1)
}
function percent(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(100 * value).toFixed(1)}`
}
