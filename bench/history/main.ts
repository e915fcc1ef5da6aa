/**
 * How much history, and how fresh: the engine without any, beside the best baseline with 3 days to 10 years of record, and what is left of a forecast when the
 * newest hours are missing. Real series that are no part of the repository (../shared/data), every variable that they have, the same origins
 * for all; what is older than the length is not there, for the engine and for the baselines. A piece is one station and one length; pieces are
 * kept in bench/results/history, so that a run can be stopped, gone on with, and split. Words choose some of them:
 * `npm run bench -- history 3d 14d szeged`, lengths without a blank, `late` (newest hours missing), stations. The tables are of all pieces
 * that there are.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkedHours, type StationHours } from '../../cli/evaluate/series.ts'
import { engineOf } from '../shared/engine.ts'
import type { Figure } from '../shared/figures.ts'
import { hasReference, readReference } from '../shared/reference.ts'
import { writeWhole } from '../shared/whole-file.ts'
import { type Cases, originsOf, scoreLate, scoreLength, scorePrior } from './measure.ts'
import { lateFigures, lengthFigures, type Piece, priorFigures } from './report.ts'

const DAY = 24
const YEAR = 8766
const QUICK_EVERY_HOURS = 2005
/** Newest hours missing. */
const LATE = 'late'
const NONE = '0h'
/** 13 h more than a number of days: every hour of the day is visited. Fits of short records are cheap; so are few fits at many origins. */
const NONE_EVERY_HOURS = 397
const OFTEN = { everyHours: 133, fitHours: 0 }
const FEW_FITS = { everyHours: 61, fitHours: 61 * DAY }
const LENGTHS = [
  ['3 d', 3 * DAY, OFTEN],
  ['14 d', 14 * DAY, OFTEN],
  ['60 d', 60 * DAY, OFTEN],
  ['180 d', 180 * DAY, OFTEN],
  ['1 y', YEAR, FEW_FITS],
  ['3 y', 3 * YEAR, FEW_FITS],
  // One station has them.
  ['10 y', 10 * YEAR, FEW_FITS],
] as const
const wordOf = (length: string): string => length.replace(' ', '')

type Part = {
  readonly word: string
  readonly everyHours: number
  readonly score: (station: StationHours, origins: number[]) => Cases
}
const PARTS: readonly Part[] = [
  { word: NONE, everyHours: NONE_EVERY_HOURS, score: (station, origins) => scorePrior(station, origins, siteOf(station)) },
  ...LENGTHS.map(([name, hours, { everyHours, fitHours }]) => ({
    word: wordOf(name),
    everyHours,
    score: (station: StationHours, origins: number[]) => scoreLength(station, origins, { hours, fitHours }),
  })),
  { word: LATE, everyHours: OFTEN.everyHours, score: scoreLate },
]

const SERIES: ReadonlyArray<readonly [file: string, stations: readonly string[]]> = [
  ['tokyo_2019_2024.csv.gz', ['tokyo']],
  ['beijing_changping_2013_2017.csv.gz', ['changping']],
  ['garanhuns_2020_2024.csv.gz', ['a322']],
  ['recife_2020_2024.csv.gz', ['a301']],
  ['szeged_2006_2016_unclean.csv.gz', ['szeged']],
  ['nyc_2013.csv.gz', ['jfk']],
  ['ireland_network_2017.csv.gz', ['belmullet', 'dublin-airport', 'oak-park']],
]
const STATIONS = SERIES.flatMap(([file, stations]) => stations.map((stationId) => ({ file, stationId })))

/** Latitude, longitude, elevation in metres. */
const SITES: Readonly<Record<string, readonly [number, number, number]>> = {
  tokyo: [35.69, 139.75, 25],
  changping: [40.22, 116.23, 76],
  a322: [-8.91, -36.49, 827],
  a301: [-8.06, -34.96, 11],
  szeged: [46.25, 20.15, 82],
  jfk: [40.64, -73.78, 4],
  belmullet: [54.23, -10.01, 9],
  'dublin-airport': [53.43, -6.24, 71],
  'oak-park': [52.86, -6.91, 62],
}

function siteOf({ stationId }: StationHours) {
  const [latitude, longitude, elevationM] = SITES[stationId]!
  return { latitude, longitude, elevationM }
}

export async function run({ quick, json, only }: { quick: boolean; json: boolean; only: readonly string[] }): Promise<Figure[]> {
  const say = (line: string): void => void (json || process.stderr.write(`${line}\n`))
  const { parts, stations } = choose(only)
  const folder = join(import.meta.dirname, '../results', quick ? 'history-quick' : 'history')
  mkdirSync(folder, { recursive: true })
  const engine = engineOf()
  const fileOf = (stationId: string, { word }: Part): string => join(folder, `${stationId}.${word}.json`)
  for (const { file, stationId } of stations) {
    if (!hasReference(file)) {
      say(`skipped ${stationId}: no ../shared/data/${file}`)
      continue
    }
    const missing = parts.filter((part) => !readPiece(fileOf(stationId, part), engine))
    if (missing.length === 0) continue
    const found = readReference(file).find((station) => station.stationId === stationId)!
    const station = checkedHours(stationId, [...found.observations])
    for (const part of missing) {
      const everyHours = quick ? QUICK_EVERY_HOURS : part.everyHours
      const cases = part.score(station, originsOf(station, everyHours))
      writeWhole(fileOf(stationId, part), { engine, network: file, everyHours, cases } satisfies Kept)
      say(`${stationId} ${part.word}: measured`)
    }
  }
  const piecesOf = (word: string): Piece[] => {
    const part = PARTS.find((one) => one.word === word)!
    return STATIONS.flatMap(({ stationId }) => readPiece(fileOf(stationId, part), engine) ?? [])
  }
  return [
    ...priorFigures(piecesOf(NONE), say),
    ...LENGTHS.flatMap(([name]) => lengthFigures(name, piecesOf(wordOf(name)), say)),
    ...lateFigures(piecesOf(LATE), say),
  ]
}

type Kept = Piece & { readonly engine: string }

/** Null: not there, or made by another engine. */
function readPiece(file: string, engine: string): Kept | null {
  const piece: Kept | null = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null
  return piece?.engine === engine ? piece : null
}

/** All of it without words; throws for one that means nothing. */
function choose(words: readonly string[]) {
  const known = [...PARTS.map(({ word }) => word), ...STATIONS.map(({ stationId }) => stationId)]
  const unknown = words.filter((word) => !known.includes(word))
  if (unknown.length > 0) throw new Error(`no length or station is called ${unknown.join(', ')}; there are ${known.join(', ')}`)
  const parts = PARTS.filter(({ word }) => words.includes(word))
  const stations = STATIONS.filter(({ stationId }) => words.includes(stationId))
  return { parts: parts.length > 0 ? parts : PARTS, stations: stations.length > 0 ? stations : STATIONS }
}
