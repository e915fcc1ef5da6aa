/**
 * Tables of the pieces there are. Stations of a network are averaged at each origin, as in the skill bench: the Irish ones have one weather. Every
 * origin of a network then counts the same: with a year of record some networks have only two or three.
 */
import { mean } from 'simple-statistics'
import { BASELINES } from '../../forecasting/models/index.ts'
import { createRng, pairedBlockBootstrap } from '../../forecasting/verification/index.ts'
import { type ForecastVariable, LEAD_BUCKETS } from '../../schemas/quantities.ts'
import { type Figure, figure } from '../shared/figures.ts'
import { type Case, type Cases, ENGINE, type Score, STALE_HOURS, VARIABLES } from './measure.ts'

/** Four weeks of origins are drawn together. */
const BLOCK_HOURS = 28 * 24
/** A baseline that refused at more than a tenth of the engine's origins is not available at that length. */
const LEAST_SHARE = 0.9

/** Of one station and one length. */
export type Piece = { readonly network: string; readonly everyHours: number; readonly cases: Cases }

export function priorFigures(pieces: readonly Piece[], say: (line: string) => void): Figure[] {
  say('\nno record: MAE, covered by 80 / 95 %, all leads')
  return VARIABLES.flatMap((variable) => {
    const own = pooled(pieces, `${variable}|${ENGINE}`, 'all')
    if (!own) return []
    say(`  ${variable}: ${own.mae.toFixed(3)}, ${percent(own.covered80)} / ${percent(own.covered95)}`)
    return [figure(`${variable}, no record: covered by 80 %, all leads`, 100 * own.covered80, '%', '>=', 80)]
  })
}

export function lengthFigures(name: string, pieces: readonly Piece[], say: (line: string) => void): Figure[] {
  say(`\n${name} of record: MAE, in % from the hardest baseline's [95 %], covered by 80 %`)
  return VARIABLES.flatMap((variable) => {
    const key = `${variable}|${ENGINE}`
    const cells = LEAD_BUCKETS.flatMap(({ name: bucket }) => {
      const own = pooled(pieces, key, bucket)
      const hardest = hardestOf(pieces, variable, bucket)
      return own && hardest ? [{ own, hardest }] : []
    })
    if (cells.length < LEAD_BUCKETS.length) return []
    const origins = pieces.reduce((sum, { cases }) => sum + (cases[key]?.length ?? 0), 0)
    say(`  ${variable}, ${origins} origins`)
    for (const [i, { own, hardest }] of cells.entries())
      say(
        `    ${LEAD_BUCKETS[i]!.name.padEnd(7)} ${own.mae.toFixed(3)} ${signed(hardest.mean)} [${signed(hardest.low)}, ${signed(hardest.high)}] ${hardest.baseline}, ${percent(own.covered80)}`,
      )
    const worst = Math.max(...cells.map(({ hardest }) => hardest.mean))
    return [figure(`${variable}, ${name} of record: MAE beside the best baseline, worst lead bucket`, worst, '%', '<=', 1)]
  })
}

export function lateFigures(pieces: readonly Piece[], say: (line: string) => void): Figure[] {
  return VARIABLES.flatMap((variable) => {
    say(`\n${variable}, newest hours missing: MAE, covered by 80 / 95 %, mean width of 80 %`)
    return STALE_HOURS.flatMap((stale) => {
      const cells = LEAD_BUCKETS.flatMap(({ name: bucket }) => pooled(pieces, `${variable}|${stale}`, bucket) ?? [])
      if (cells.length < LEAD_BUCKETS.length) return []
      const text = cells.map(
        ({ mae, covered80, covered95, width80 }) =>
          `${mae.toFixed(3)} ${percent(covered80)}/${percent(covered95)} ${width80.toFixed(2)}`,
      )
      say(`  ${String(stale).padStart(2)} h ${text.join(' | ')}`)
      const least = Math.min(...cells.map(({ covered80 }) => covered80))
      const label = `${variable}, newest ${stale} h missing: covered by 80 %, lowest lead bucket`
      return [figure(label, 100 * least, '%', '>=', 76)]
    })
  })
}

function pooled(pieces: readonly Piece[], key: string, bucket: string): Score | null {
  const scored = pieces.flatMap(({ network, cases }) =>
    (cases[key] ?? []).flatMap(({ origin, scores }) => {
      const score = scores[bucket]
      return score ? [{ at: `${network} ${origin}`, score }] : []
    }),
  )
  if (scored.length === 0) return null
  const origins = [...Map.groupBy(scored, ({ at }) => at).values()]
  const meanOf = (of: (score: Score) => number): number => mean(origins.map((own) => mean(own.map(({ score }) => of(score)))))
  return {
    mae: meanOf(({ mae }) => mae),
    covered80: meanOf(({ covered80 }) => covered80),
    covered95: meanOf(({ covered95 }) => covered95),
    width80: meanOf(({ width80 }) => width80),
  }
}

type Difference = { readonly baseline: string; readonly mean: number; readonly low: number; readonly high: number }

/** The baseline that the engine looks worst beside, picked in hindsight. */
function hardestOf(pieces: readonly Piece[], variable: ForecastVariable, bucket: string): Difference | null {
  const differences = BASELINES.flatMap(({ name }) => difference(pieces, variable, name, bucket) ?? [])
  return differences.toSorted((a, b) => b.mean - a.mean)[0] ?? null
}

/** Engine − baseline in % of the baseline's mean error in the network; stations of a network are averaged at each origin first. */
function difference(pieces: readonly Piece[], variable: ForecastVariable, baseline: string, bucket: string): Difference | null {
  const networks: Pair[][] = []
  let [asked, answered] = [0, 0]
  for (const own of Map.groupBy(pieces, ({ network }) => network).values()) {
    const pairs = own.flatMap(({ cases }) => {
      const ours = cases[`${variable}|${ENGINE}`] ?? []
      asked += ours.length
      return pairsOf(ours, cases[`${variable}|${baseline}`] ?? [], bucket)
    })
    answered += pairs.length
    const byOrigin = [...Map.groupBy(pairs, ({ origin }) => origin)].toSorted(([a], [b]) => a - b)
    if (byOrigin.length > 0)
      networks.push(
        byOrigin.map(([origin, at]) => ({
          origin,
          ours: mean(at.map(({ ours }) => ours)),
          theirs: mean(at.map(({ theirs }) => theirs)),
        })),
      )
  }
  if (answered < LEAST_SHARE * asked || networks.length === 0) return null
  const inPercent = networks.flatMap((pairs) => {
    const unit = mean(pairs.map(({ theirs }) => theirs)) / 100
    return pairs.map(({ ours, theirs }) => ({ ours: ours / unit, theirs: theirs / unit }))
  })
  const drawn = pairedBlockBootstrap(
    inPercent.map(({ ours }) => ours),
    inPercent.map(({ theirs }) => theirs),
    { blockLength: Math.max(1, Math.round(BLOCK_HOURS / pieces[0]!.everyHours)), rng: createRng(1) },
  )
  return { baseline, mean: drawn.mean, low: drawn.low, high: drawn.high }
}

type Pair = { readonly origin: number; readonly ours: number; readonly theirs: number }

function pairsOf(ours: readonly Case[], theirs: readonly Case[], bucket: string): Pair[] {
  const found = new Map(theirs.map(({ origin, scores }) => [origin, scores[bucket]?.mae]))
  return ours.flatMap(({ origin, scores }) => {
    const [own, other] = [scores[bucket]?.mae, found.get(origin)]
    return own === undefined || other === undefined ? [] : [{ origin, ours: own, theirs: other }]
  })
}

const percent = (share: number): string => (100 * share).toFixed(1)
const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`
