/**
 * What neighbours add: the engine of each station of a network (../shared/data, no part of the repository) with and without what its neighbours
 * know, at the same origins, every 12 h of the second half of the year, refitted every 61 days on what was known.
 * `npm run bench -- neighbours [ireland|nyc] [VARIABLE]`: 25 stations of Ireland (the default), 3 of New York; `--quick`: one refit, five
 * stations. In the other arms a third and nine tenths of the neighbours' reports are left out.
 */
import { mean as average } from 'simple-statistics'
import { checkedHours, toFullSet } from '../../cli/evaluate/series.ts'
import { FEATURE_COUNT, HOUR_MS } from '../../forecasting/features/index.ts'
import { type Fitted, type LeftOut, randomFeatureRidge, type TrainingSet, knownAt } from '../../forecasting/models/index.ts'
import { fitNeighbours, type Left } from '../../forecasting/models/neighbours.ts'
import { createNetwork, networkStation, type Place } from '../../forecasting/models/network.ts'
import { createBucketScores, createRng, pairedBlockBootstrap, verifyLead } from '../../forecasting/verification/index.ts'
import { BUNDLED_STATIONS } from '../../producers/replay/series.ts'
import { readStations as readStationList } from '../../producers/shared/stations.ts'
import { FORECAST_VARIABLES, type ForecastVariable, HORIZON_HOURS, QUANTILE_LEVELS } from '../../schemas/quantities.ts'
import { type BenchOptions, type Figure, figure } from '../shared/figures.ts'
import { hasReference, readPlaces, readReference } from '../shared/reference.ts'

type Coordinates = Omit<Place, 'stationId'>
const IRISH_PLACES = 'ireland_stations.csv'
/** Where the stations of a network are; empty when nothing says so. */
const NETWORKS: Readonly<Record<string, { file: string; readPlaces: () => Promise<ReadonlyMap<string, Coordinates>> }>> = {
  ireland: {
    file: 'ireland_network_2017.csv.gz',
    readPlaces: async () => (hasReference(IRISH_PLACES) ? readPlaces(IRISH_PLACES) : new Map()),
  },
  nyc: {
    file: 'nyc_2013.csv.gz',
    async readPlaces() {
      const stations = await readStationList(BUNDLED_STATIONS, 0)
      return new Map(stations.map((station) => [station.stationId, station]))
    },
  },
}
const Q = QUANTILE_LEVELS.length
const LEADS = 48
const REFIT_HOURS = 61 * 24
const EVERY_HOURS = 12
/** Share of the neighbours that have not reported, and the least gain aimed at, leads 1 to 24; of a network that hardly reports, no loss. */
const LISTENING = {
  'all report': { silentShare: 0, leastGain: 0.05 },
  'a third is silent': { silentShare: 1 / 3, leastGain: 0.05 },
  'nine of ten are silent': { silentShare: 0.9, leastGain: 0 },
} as const

type Station = Place & { readonly full: TrainingSet }
type Listening = keyof typeof LISTENING
type Arm = 'alone' | Listening
const LISTENING_ARMS = Object.keys(LISTENING) as Listening[]
const ARMS: readonly Arm[] = ['alone', ...LISTENING_ARMS]
/** Of one origin: mean error over leads 1–24, summed over stations. */
type Row = Record<Arm, number> & { stations: number }

export async function run({ quick, json, only }: BenchOptions): Promise<Figure[]> {
  const say = (line: string): void => void (json || process.stderr.write(`${line}\n`))
  const name = Object.keys(NETWORKS).find((word) => only.includes(word)) ?? 'ireland'
  const { file, readPlaces: placesOf } = NETWORKS[name]!
  const places = await placesOf()
  if (!hasReference(file) || places.size === 0) {
    say(`skipped: no ../shared/data/${file}, or nothing says where its stations are`)
    return []
  }
  const variable = FORECAST_VARIABLES.find((word) => only.includes(word)) ?? 'temperatureC'
  const stations = readStations(file, places).slice(0, quick ? 5 : undefined)
  const start = Math.max(...stations.map(({ full }) => full.startHour))
  const end = Math.min(...stations.map(({ full }) => full.startHour + full.featureHours.length)) - 1
  const scores = new Map(ARMS.map((arm) => [arm, createBucketScores()]))
  const rows = new Map<number, Row>()
  const rng = createRng(7)
  for (let cut = start + Math.floor((end - start) / 2); cut < end - LEADS; cut += REFIT_HOURS) {
    const { fits, network, correction } = fitNetwork(stations, cut, variable)
    const until = Math.min(cut + REFIT_HOURS, end - LEADS)
    for (let origin = EVERY_HOURS * Math.ceil(cut / EVERY_HOURS); origin < until; origin += EVERY_HOURS)
      for (const own of stations) {
        const features = vectorAt(own.full, origin)
        const fitted = fits.get(own)
        if (!features || !fitted) continue
        const validAtMs = origin * HOUR_MS
        const alone = fitted.predict({ validAtMs, features })
        const listening = (arm: Listening) => {
          const vectors = new Map([[own.stationId, features]])
          for (const other of stations) {
            const vector = other !== own && rng() >= LISTENING[arm].silentShare ? vectorAt(other.full, origin) : undefined
            if (vector) vectors.set(other.stationId, vector)
          }
          return correction ? correction.correct(own.stationId, alone, network.issue(validAtMs, vectors)) : alone
        }
        const row = rows.get(origin) ?? emptyRow()
        rows.set(origin, row)
        row.stations++
        for (const arm of ARMS) {
          const { quantiles } = arm === 'alone' ? alone : listening(arm)
          row[arm] += add(scores.get(arm)!, quantiles, own.full, origin, variable)
        }
      }
    say(`fitted on ${Math.round((cut - start) / 24)} days`)
    if (quick) break
  }
  for (const [arm, own] of scores)
    for (const { leadBucket, mae, crps, coverage80, coverage95 } of own.result())
      say(
        `${arm}, ${leadBucket} h: MAE ${mae.toFixed(3)}, CRPS ${crps.toFixed(3)}, covers ${(100 * coverage80).toFixed(1)} / ${(100 * coverage95).toFixed(1)}`,
      )
  return LISTENING_ARMS.map((arm) => gain(rows, arm, variable, say))
}

const emptyRow = (): Row => ({ ...(Object.fromEntries(ARMS.map((arm) => [arm, 0])) as Record<Arm, number>), stations: 0 })

/** Everything that is fitted on what was known at `cut`. */
function fitNetwork(stations: readonly Station[], cut: number, variable: ForecastVariable) {
  const fits = new Map<Station, Fitted>()
  const left = new Map<string, Left>()
  const network = createNetwork(
    stations.map((station) => {
      const known = knownAt(station.full, cut)
      const leftOut: LeftOut[] = []
      const result = randomFeatureRidge.fit(known, { variable, onLeftOut: (part) => leftOut.push(part) })
      if (result.ok) {
        fits.set(station, result.fitted)
        left.set(station.stationId, { featureHours: known.featureHours, leftOut })
      }
      return networkStation(station, known)
    }),
  )
  return { fits, network, correction: fitNeighbours(variable, network, left) }
}

function readStations(file: string, places: ReadonlyMap<string, Coordinates>): Station[] {
  return readReference(file).flatMap(({ stationId, observations }) => {
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
function gain(rows: ReadonlyMap<number, Row>, arm: Listening, variable: ForecastVariable, say: (line: string) => void): Figure {
  const ordered = [...rows].toSorted(([a], [b]) => a - b).map(([, row]) => row)
  const alone = ordered.map((row) => row.alone / row.stations)
  const ours = ordered.map((row) => row[arm] / row.stations)
  const unit = average(alone)
  const { mean, low, high } = pairedBlockBootstrap(alone, ours, {
    blockLength: Math.ceil(HORIZON_HOURS / EVERY_HOURS),
    rng: createRng(1),
  })
  const [gained, least, most] = [mean, low, high].map((value) => ((100 * value) / unit).toFixed(2))
  say(`${arm}: error at 1–24 h lower by ${gained} % [${least}, ${most}]`)
  return figure(
    `${variable}, ${arm}: lower error at 1–24 h with neighbours, share`,
    mean / unit,
    '',
    '>=',
    LISTENING[arm].leastGain,
  )
}
