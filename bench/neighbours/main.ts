/**
 * What neighbours add: the engine of each of the 25 Irish stations of 2017 (../shared/data, no part of the repository) with and without its
 * neighbours' departures, at the same origins, every 12 h of the second half of the year, refitted every 61 days on what was known.
 * `npm run bench -- neighbours [VARIABLE]`; `--quick`: one refit, five stations. The second table leaves a third of the reports out.
 */
import { mean as average } from 'simple-statistics'
import { checkedHours, toFullSet } from '../../cli/evaluate/series.ts'
import { FEATURE_COUNT, HOUR_MS } from '../../forecasting/features/index.ts'
import { type LeftOut, randomFeatureRidge, type TrainingSet, knownAt } from '../../forecasting/models/index.ts'
import { fitNeighbours, networkStation, type Place } from '../../forecasting/models/neighbours.ts'
import { createBucketScores, createRng, pairedBlockBootstrap, verifyLead } from '../../forecasting/verification/index.ts'
import { FORECAST_VARIABLES, type ForecastVariable, HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { type BenchOptions, type Figure, figure } from '../shared/figures.ts'
import { hasReference, readPlaces, readReference } from '../shared/reference.ts'

const FILE = 'ireland_network_2017.csv.gz'
const PLACES = 'ireland_stations.csv'
const Q = QUANTILE_LEVELS.length
const LEADS = 48
const REFIT_HOURS = 61 * 24
const EVERY_HOURS = 12
const SILENT_SHARE = 1 / 3
/** Least gain aimed at, leads 1 to 24. */
const GOAL = 0.05

type Station = Place & { readonly full: TrainingSet }
type Arm = 'alone' | 'all report' | 'a third is silent'
/** Of one origin: mean error over leads 1–24, summed over stations. */
type Row = Record<Arm, number> & { stations: number }

export async function run({ quick, json, only }: BenchOptions): Promise<Figure[]> {
  const say = (line: string): void => void (json || process.stderr.write(`${line}\n`))
  if (!hasReference(FILE) || !hasReference(PLACES)) {
    say(`skipped: no ../shared/data/${FILE} or ${PLACES}`)
    return []
  }
  const variable = FORECAST_VARIABLES.find((name) => only.includes(name)) ?? 'temperatureC'
  const stations = readStations()
  const start = Math.max(...stations.map(({ full }) => full.startHour))
  const end = Math.min(...stations.map(({ full }) => full.startHour + full.featureHours.length)) - 1
  const scores = {
    alone: createBucketScores(),
    'all report': createBucketScores(),
    'a third is silent': createBucketScores(),
  }
  const rows = new Map<number, Row>()
  const rng = createRng(7)
  for (let cut = start + Math.floor((end - start) / 2); cut < end - LEADS; cut += REFIT_HOURS) {
    const network = new Map(stations.map((station) => [station, networkStation(station, knownAt(station.full, cut))]))
    for (const station of quick ? stations.slice(0, 5) : stations) {
      const { full } = station
      const known = knownAt(full, cut)
      const leftOut: LeftOut[] = []
      const result = randomFeatureRidge.fit(known, { variable, onLeftOut: (left) => leftOut.push(left) })
      if (!result.ok) continue
      const own = network.get(station)!
      const others = [...network.values()].filter((other) => other !== own)
      const correction = fitNeighbours(variable, own, others, known.featureHours, leftOut)
      for (let origin = 12 * Math.ceil(cut / 12); origin < Math.min(cut + REFIT_HOURS, end - LEADS); origin += EVERY_HOURS) {
        const features = vectorAt(full, origin)
        if (!features) continue
        const input = { validAtMs: origin * HOUR_MS, features }
        const alone = result.fitted.predict(input)
        const corrected = (share: number) => {
          const neighbours = new Map<string, Float32Array>()
          for (const other of stations) {
            const vector = other !== station && rng() >= share ? vectorAt(other.full, origin) : undefined
            if (vector) neighbours.set(other.stationId, vector)
          }
          return correction ? correction.correct(alone, { ...input, neighbours }) : alone
        }
        const forecasts = { alone, 'all report': corrected(0), 'a third is silent': corrected(SILENT_SHARE) }
        const row = rows.get(origin) ?? { alone: 0, 'all report': 0, 'a third is silent': 0, stations: 0 }
        rows.set(origin, row)
        row.stations++
        for (const [arm, { quantiles }] of Object.entries(forecasts))
          row[arm as Arm] += add(scores[arm as Arm], quantiles, full, origin, variable)
      }
    }
    say(`fitted on ${Math.round((cut - start) / 24)} days`)
    if (quick) break
  }
  for (const [arm, own] of Object.entries(scores))
    for (const { leadBucket, mae, crps, coverage80, coverage95 } of own.result())
      say(
        `${arm}, ${leadBucket} h: MAE ${mae.toFixed(3)}, CRPS ${crps.toFixed(3)}, covers ${(100 * coverage80).toFixed(1)} / ${(100 * coverage95).toFixed(1)}`,
      )
  return (['all report', 'a third is silent'] as const).map((arm) => gain(rows, arm, variable, say))
}

function readStations(): Station[] {
  const places = readPlaces(PLACES)
  return readReference(FILE).flatMap(({ stationId, observations }) => {
    const place = places.get(stationId)
    if (!place) return []
    const full = toFullSet(checkedHours(stationId, [...observations]))
    return [{ stationId, ...place, full }]
  })
}

function vectorAt({ startHour, features, featureHours }: TrainingSet, hour: number): Float32Array | undefined {
  const row = hour - startHour
  return row >= 0 && row < featureHours.length ? features.subarray(row * FEATURE_COUNT, (row + 1) * FEATURE_COUNT) : undefined
}

/** Scores leads 1 to 48; the mean |error| (rain: Brier score) of leads 1 to 24. */
function add(
  scores: ReturnType<typeof createBucketScores>,
  quantiles: Float32Array,
  { startHour, targets }: TrainingSet,
  origin: number,
  variable: ForecastVariable,
): number {
  let sum = 0
  let n = 0
  for (let h = 0; h < LEADS; h++) {
    const observed = targets[variable][origin + h + 1 - startHour] ?? Number.NaN
    if (Number.isNaN(observed)) continue
    const score = verifyLead(quantiles.subarray(h * Q, (h + 1) * Q), observed, variable)
    scores.add(h + 1, score)
    if (h >= 24) continue
    sum += variable === 'precipitationProbabilityPct' ? score.crps : Math.abs(score.error)
    n++
  }
  return n > 0 ? sum / n : 0
}

/** Stations are averaged at each origin first: they have one weather. */
function gain(rows: ReadonlyMap<number, Row>, arm: Arm, variable: ForecastVariable, say: (line: string) => void): Figure {
  const ordered = [...rows].toSorted(([a], [b]) => a - b).map(([, row]) => row)
  const [ours, alone] = (['alone', arm] as const).map((name) => ordered.map((row) => row[name] / row.stations)).toReversed() as [
    number[],
    number[],
  ]
  const unit = average(alone)
  const { mean, low, high } = pairedBlockBootstrap(alone, ours, {
    blockLength: Math.ceil(HORIZON_HOURS / EVERY_HOURS),
    rng: createRng(1),
  })
  const [gained, least, most] = [mean, low, high].map((value) => ((100 * value) / unit).toFixed(2))
  say(`${arm}: error at 1–24 h lower by ${gained} % [${least}, ${most}]`)
  return figure(`${variable}, ${arm}: lower error at 1–24 h with neighbours, share`, mean / unit, '', '>=', GOAL)
}
