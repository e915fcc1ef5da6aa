import { describe, expect, it } from 'vitest'
import { FORECAST_VARIABLES } from '../../schemas/quantities.ts'
import {
  apartFrom,
  causeOf,
  type ChartName,
  CHARTS,
  type ChartSpec,
  closeDay,
  DEFAULT_DETECTOR,
  type Detector,
  findChangePoint,
  jumpsAlong,
  LEVEL_WEIGHTS,
  measureCharts,
  NEW_DETECTOR,
  restartCharts,
  standardiseHour,
  stationBudget,
  thresholds,
  type Usual,
  USUAL,
  type Verdict,
} from './index.ts'

/** Standard normal numbers from a small linear congruential generator (Box–Muller). */
function normals(seed: number): () => number {
  let state = seed
  const uniform = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return (state + 0.5) / 2_147_483_648
  }
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}

const VARIABLE = 'temperatureC'
const usualOf = (name: ChartName): Usual => USUAL[name]?.[VARIABLE] ?? { centre: 0, sd: 1, longRunSd: 1 }
const isOfLevel = (chart: ChartSpec | undefined): chart is ChartSpec => chart?.measure === 'mean' || chart?.measure === 'level'
const isCalibrated = ({ share }: ChartSpec): boolean => share > 0

/** Days of all charts: first-order autoregressions with the usual spread and long run, the means shifted by `shift` long-run sd from `from` on. */
function daysOfCharts(days: number, seed: number, shift = 0, from = 0): number[][] {
  const normal = normals(seed)
  const states = CHARTS.map(() => normal())
  return Array.from({ length: days }, (_, day) =>
    CHARTS.map((chart, i) => {
      if (!isCalibrated(chart)) return 0
      const { centre, sd, longRunSd } = usualOf(chart.name)
      const phi = (longRunSd ** 2 - sd ** 2) / (longRunSd ** 2 + sd ** 2)
      const state = phi * (states[i] as number) + Math.sqrt(1 - phi ** 2) * normal()
      states[i] = state
      return centre + state * sd + (isOfLevel(chart) && day >= from ? shift * longRunSd : 0)
    }),
  )
}
const quiet = (days: number): number[][] =>
  Array.from({ length: days }, () => CHARTS.map((chart) => (isCalibrated(chart) ? usualOf(chart.name).centre : 0)))
/** The same days, with observations that came so many hours late. */
const withFeed = (values: readonly number[], lateHours: number): number[] =>
  values.map((value, i) => (CHARTS[i]?.name === 'late' ? lateHours : value))

function run(
  days: readonly (readonly (number | null)[])[],
  start: Detector = NEW_DETECTOR,
  firstDay = 0,
): { verdicts: Array<Verdict & { day: number }>; detector: Detector } {
  let detector = start
  const verdicts: Array<Verdict & { day: number }> = []
  days.forEach((values, i) => {
    const closed = closeDay(detector, VARIABLE, firstDay + i, values, DEFAULT_DETECTOR)
    detector = closed.detector
    if (closed.verdict) verdicts.push({ ...closed.verdict, day: firstDay + i })
  })
  return { verdicts, detector }
}

describe('false alarms', () => {
  it('keep to the budget: a variable that is as usual alarms less often than its share of one a year of six', () => {
    expect(CHARTS.reduce((sum, { share, onlyWarns }) => sum + (onlyWarns ? 0 : share), 0)).toBeCloseTo(0.77)
    let alarms = 0
    const years = 120
    for (let model = 0; model < years; model++)
      alarms += run(daysOfCharts(365, 40 + model)).verdicts.filter(({ state }) => state === 'confirmed').length
    // Real weather is rougher than an autoregression, and thresholds are made for real weather.
    expect(alarms).toBeLessThanOrEqual(years / 6)
  })
  it('a larger budget lowers the thresholds, more variables raise them; a fixed rule stays', () => {
    for (const variable of FORECAST_VARIABLES) {
      const one = thresholds(1, 6, variable)
      const [looser, stricter] = [thresholds(4, 6, variable), thresholds(1, 12, variable)]
      CHARTS.forEach((chart, i) => {
        if (!isCalibrated(chart)) expect([looser[i], stricter[i]]).toEqual([one[i], one[i]])
        else {
          expect(looser[i]).toBeLessThan(one[i] as number)
          expect(stricter[i]).toBeGreaterThan(one[i] as number)
        }
      })
    }
  })
  it('of a fleet keep to its own budget: one a week of 500 stations is a tenth of one a year of each', () => {
    expect(stationBudget(1, 1, 3)).toBe(1)
    expect(stationBudget(1, 1, 500)).toBeCloseTo(0.104, 3)
    const options = { ...DEFAULT_DETECTOR, falseAlarmsPerStationYear: stationBudget(1, 1, 500) }
    let alarms = 0
    for (let model = 0; model < 240; model++) {
      let detector = NEW_DETECTOR
      daysOfCharts(365, 5000 + model).forEach((values, day) => {
        const closed = closeDay(detector, VARIABLE, day, values, options)
        detector = closed.detector
        if (closed.verdict?.state === 'confirmed') alarms++
      })
    }
    // 40 station-years at 0.104: four are expected of a detector that spends all of it.
    expect(alarms).toBeLessThanOrEqual(6)
  })
})

describe('what is usual', () => {
  it('is learnt from days three weeks old: a model that always leans one way is no drift, one that begins to is', () => {
    const days = daysOfCharts(400, 21)
    const leaning = days.map((values) =>
      values.map((value, i) => value + (isOfLevel(CHARTS[i]) ? 0.9 * usualOf(CHARTS[i].name).longRunSd : 0)),
    )
    // Until it is learnt a lean is told; then it is usual.
    expect(run(leaning).verdicts.filter(({ state, day }) => state === 'confirmed' && day > 120)).toEqual([])
    const begun = leaning.map((values, day) =>
      values.map((value, i) => value + (day >= 370 && isOfLevel(CHARTS[i]) ? 2 * usualOf(CHARTS[i].name).longRunSd : 0)),
    )
    expect(run(begun).verdicts.some(({ state, day }) => state === 'confirmed' && day >= 370)).toBe(true)
  })
  it('of a restless series widens: twice the usual spread is not confirmed for ever', () => {
    const confirmed = Array.from({ length: 10 }, (_, seed) =>
      run(
        daysOfCharts(730, 300 + seed).map((values) => values.map((value, i) => (isOfLevel(CHARTS[i]) ? value * 2 : value))),
      ).verdicts.filter(({ state, day }) => state === 'confirmed' && day > 365),
    ).flat()
    // Ten model-years with what is learnt of them; at the usual scale each would be confirmed again and again.
    expect(confirmed.length).toBeLessThanOrEqual(6)
  })
})

describe('measures of a day', () => {
  const angle = (hour: number) => (2 * Math.PI * hour) / 24
  const allHours = Array.from({ length: 24 }, () => 0)
  const around = (arrivals: number[], carriesFeed = true) => ({ variable: VARIABLE, arrivals, carriesFeed, apart: 0.7 }) as const
  const hours = (value: (hour: number) => number) =>
    Array.from({ length: 24 }, (_, hour) => [value(hour), value(hour), value(hour), 0.5, Math.sin(angle(hour))])
  const measured = (name: string, values: (number | null)[]) => values[CHARTS.findIndex((chart) => chart.name === name)]
  it('are its mean, its spread, its course and what is missing', () => {
    const level = measureCharts(
      hours(() => 2),
      around(allHours),
    )
    expect(measured('mean 1-6', level)).toBeCloseTo(2)
    const { halfDay, reference } = LEVEL_WEIGHTS[VARIABLE]
    expect(measured('level 1-6', level)).toBeCloseTo(2 + 2 * halfDay + 0.5 * reference)
    expect(measured('spread 1-3', level)).toBeCloseTo(Math.log(4.1))
    expect(measured('clock 13-24', level)).toBeCloseTo(0)
    expect(measured('missing', level)).toBe(0)
    // Every value is that of the hour before: the forecast is ahead of it by the slope of what is usual.
    const slope = (hour: number) => Math.sin(angle(hour)) - Math.sin(angle(hour - 1))
    const late = measureCharts(hours(slope), around(allHours))
    expect(measured('clock 13-24', late)).toBeCloseTo(2 * Math.sin(Math.PI / 24) * Math.SQRT1_2)
    expect(measured('mean 1-6', late)).toBeCloseTo(0)
    const early = measureCharts(
      hours((hour) => -slope(hour)),
      around(allHours),
    )
    expect(measured('clock 13-24', early)).toBeCloseTo(-(measured('clock 13-24', late) as number))
  })
  it('level leaves out what a week-old forecast has not said yet, and nothing that it needs sooner', () => {
    const { halfDay } = LEVEL_WEIGHTS[VARIABLE]
    const young = Array.from({ length: 24 }, () => [2, 2, 1, null, 10])
    expect(measured('level 1-6', measureCharts(young, around(allHours)))).toBeCloseTo(2 + halfDay)
    const younger = Array.from({ length: 24 }, () => [2, 2, null, null, 10])
    expect(measured('level 1-6', measureCharts(younger, around(allHours)))).toBeNull()
    // What has no weights is the mean alone.
    const alone = measureCharts(younger, { ...around(allHours), variable: 'pressureHpa' })
    expect(measured('level 1-6', alone)).toBe(2)
  })
  it('are unknown with too few hours; hours in which the whole station was silent are not missing', () => {
    const few = hours(() => 1).map((hour, i) => (i < 6 ? hour : null))
    expect(measured('mean 1-6', measureCharts(few, around(allHours)))).toBeNull()
    // A quarter of the hours away: what is left says which hours, not how the model is.
    const most = hours(() => 1).map((hour, i) => (i < 17 ? hour : null))
    expect(measured('mean 1-6', measureCharts(most, around(allHours)))).toBeNull()
    expect(measured('missing', measureCharts(few, around(allHours)))).toBeCloseTo(0.75)
    expect(measured('missing', measureCharts(few, around(allHours.slice(0, 6))))).toBe(0)
  })
  it('of the values look at the reference, those of the feed at arrivals, told by one model of a station', () => {
    const departing = Array.from({ length: 24 }, () => [0, 0, 0, -1.5, 10])
    const arrivals = [0.2, 0.4, 30, 0.2, 0.2]
    const carried = measureCharts(departing, around(arrivals))
    expect(measured('reference', carried)).toBeCloseTo(-1.5)
    expect(measured('apart', carried)).toBe(0.7)
    expect(measured('mean 1-6', carried)).toBe(0)
    expect([measured('late', carried), measured('silent', carried)]).toEqual([0.2, 19])
    const other = measureCharts(departing, around(arrivals, false))
    expect([measured('late', other), measured('silent', other)]).toEqual([null, null])
    // A day of which nothing came says that all of it is missing, and nothing of how late it was.
    const silent = measureCharts([], around([]))
    expect([measured('late', silent), measured('silent', silent), measured('reference', silent)]).toEqual([null, 24, null])
  })
})

describe('detector', () => {
  it('confirms a lasting shift after a warning, in the right direction and dated near its beginning', () => {
    const { verdicts } = run(daysOfCharts(80, 5, 2, 30))
    const confirmed = verdicts.find(({ state }) => state === 'confirmed') as Verdict & { day: number }
    expect(confirmed.day).toBeGreaterThan(30)
    expect(confirmed.day).toBeLessThan(45)
    expect(confirmed.direction).toBe(1)
    expect(Math.abs(confirmed.since - 30)).toBeLessThan(6)
    expect(verdicts.find(({ state }) => state === 'warned')?.day).toBeLessThan(confirmed.day)
  })
  it('stays quiet on a year of what is usual, for most of ten stations', () => {
    const confirmed = Array.from(
      { length: 10 },
      (_, seed) => run(daysOfCharts(365, 100 + seed)).verdicts.filter(({ state }) => state === 'confirmed').length,
    )
    expect(confirmed.reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(3)
  })
  it('does not confirm one day of extreme weather', () => {
    const days = quiet(20)
    days[10] = CHARTS.map((chart) => (isCalibrated(chart) ? 50 : 0))
    expect(run(days).verdicts.filter(({ state }) => state === 'confirmed')).toEqual([])
  })
  it('does not confirm the same model again within the cooldown', () => {
    const shifted = daysOfCharts(60, 9, 2.5)
    const days = run(shifted)
      .verdicts.filter(({ state }) => state === 'confirmed')
      .map(({ day }) => day)
    expect(days.length).toBe(1)
  })
  it('recovers once a new model has shown calm days, and is stable the day after', () => {
    const { detector } = run(daysOfCharts(20, 5, 2.5))
    expect(detector.state).toBe('confirmed')
    const { verdicts } = run(quiet(6), restartCharts(detector), 20)
    expect(verdicts.map(({ state, day }) => [state, day])).toEqual([
      ['recovered', 22],
      ['stable', 23],
    ])
  })
  it('takes longer to call the same model recovered', () => {
    const { detector } = run(daysOfCharts(20, 5, 2.5))
    const { verdicts } = run(quiet(16), { ...detector, calmDays: 0 }, 20)
    expect(verdicts[0]).toMatchObject({ state: 'recovered', day: 33 })
  })
  it('decides the same when it is stored and restored every day', () => {
    const days = daysOfCharts(120, 5, 1.5, 60).map((values, day) => withFeed(values, day >= 50 ? 7 : 1))
    const stored: Array<Verdict & { day: number }> = []
    let detector = NEW_DETECTOR
    days.forEach((values, day) => {
      const closed = closeDay(detector, VARIABLE, day, values, DEFAULT_DETECTOR)
      detector = JSON.parse(JSON.stringify(closed.detector)) as Detector
      if (closed.verdict) stored.push({ ...closed.verdict, day })
    })
    expect(stored).toEqual(run(days).verdicts)
    expect(new Set(stored.filter(({ state }) => state === 'confirmed').map(({ chart }) => chart.of))).toEqual(
      new Set(['feed', 'errors']),
    )
  })
})

describe('values that depart', () => {
  /** Errors as usual, the values of one chart off by twice their long-run spread. */
  const departing = (name: ChartName) =>
    quiet(60).map((values) => values.map((value, i) => (CHARTS[i]?.name === name ? value + 2 * usualOf(name).longRunSd : value)))
  it('from their season are a warning: weather until proven otherwise', () => {
    expect(run(departing('reference')).verdicts.map(({ state, chart }) => [state, chart.name])).toEqual([['warned', 'reference']])
  })
  it('from those of the neighbours are confirmed, and dated a day back', () => {
    const { verdicts } = run(departing('apart'), NEW_DETECTOR, 100)
    expect(verdicts.slice(0, 2).map(({ state, chart, since }) => [state, chart.name, since])).toEqual([
      ['warned', 'apart', 99],
      ['confirmed', 'apart', 99],
    ])
  })
  it('hide nothing of the errors', () => {
    const apart = run(departing('apart').slice(0, 12))
    expect(apart.verdicts.at(-1)).toMatchObject({ state: 'confirmed', chart: { of: 'values' } })
    const { verdicts } = run(daysOfCharts(30, 5, 2.5), apart.detector, 12)
    expect(verdicts[0]).toMatchObject({ state: 'confirmed', previousState: 'confirmed', chart: { of: 'errors' } })
  })
})

describe('how observations come', () => {
  const feedOf = (days: number, hours: (day: number) => number) => quiet(days).map((values, day) => withFeed(values, hours(day)))
  it('is told when it changes from what is usual for the station, and becomes usual when it stays', () => {
    const { verdicts } = run(feedOf(240, (day) => (day < 60 ? 1 : 7)))
    expect(verdicts.map(({ state }) => state)).toEqual(['confirmed', 'recovered', 'stable'])
    // Six hours more: on the second day. By then what it was before is what counts; two months later it is not.
    expect(verdicts[0]).toMatchObject({ day: 61, chart: { name: 'late' }, since: 60 })
    expect((verdicts[1] as { day: number }).day).toBeLessThan(60 + 90)
  })
  it('is nothing where it was always so, nor on a single bad day', () => {
    expect(run(feedOf(200, () => 20)).verdicts).toEqual([])
    expect(run(feedOf(200, (day) => (day === 100 ? 24 : 1))).verdicts.filter(({ state }) => state === 'confirmed')).toEqual([])
  })
  it('outlives a new model, and hides nothing of its errors', () => {
    const late = run(feedOf(62, (day) => (day < 60 ? 1 : 7)))
    expect(late.verdicts.at(-1)).toMatchObject({ state: 'confirmed', chart: { of: 'feed' } })
    const learnt = restartCharts(late.detector).charts[CHARTS.findIndex(({ name }) => name === 'late')]
    expect(learnt?.learnt.centre.weight).toBeGreaterThan(20)
    const { verdicts } = run(
      daysOfCharts(30, 5, 2.5).map((values) => withFeed(values, 7)),
      late.detector,
      62,
    )
    expect(verdicts[0]).toMatchObject({ state: 'confirmed', previousState: 'confirmed', chart: { of: 'errors' } })
  })
})

describe('standardised errors', () => {
  it('are errors in expected scales, averaged over the leads of a bucket', () => {
    const hour = standardiseHour({
      variable: 'temperatureC',
      observedAt: 7_200_000,
      observed: 10,
      leadHours: [1, 4, 6, 20],
      error: [0.5, 2, 5, -3],
      expectedScale: [1, 2, 2, 3],
      recentredClimatologyError: [6, 6, 6, 7],
      knownAt: 9_000_000,
    })
    expect(hour).toEqual({
      hour: 2,
      lateHours: 0.5,
      standardised: [4 / 3, 0.5, -1, null, 17],
      innovations: [0.5, null, null, 0.5, null, null],
    })
  })
  it('come with the departure of the value from its season, once a forecast of a week ago verifies', () => {
    const at = (longest: number) =>
      standardiseHour({
        variable: 'temperatureC',
        observedAt: 0,
        observed: 10,
        leadHours: [1, longest],
        error: [0, 1],
        expectedScale: [1, 4],
        recentredClimatologyError: [Number.NaN, -6],
        knownAt: 0,
      }).standardised[3]
    expect(at(168)).toBe(-1.5)
    expect(at(144)).toBeNull()
  })
  it('of a probability are in standard deviations of the outcome', () => {
    const {
      standardised: [, , day],
    } = standardiseHour({
      variable: 'precipitationProbabilityPct',
      observedAt: 0,
      observed: 100,
      leadHours: [14],
      error: [-80],
      expectedScale: [1],
      recentredClimatologyError: [-60],
      knownAt: 0,
    })
    expect(day).toBeCloseTo(-2) // p = 0.2: sqrt(.2 * .8) = .4
  })
})

describe('change point', () => {
  const jumpAt = 300
  /** Errors, and the same in expected scales of one. */
  const twice = (errors: number[]): number[] => [...errors, ...errors]
  const series = (size: number, seed: number) => {
    const normal = normals(seed)
    return new Map(
      Array.from({ length: 400 }, (_, hour) => [
        hour,
        twice([1, 2, 3].map((lead) => 0.5 * Math.sqrt(lead) * normal() - (hour >= jumpAt && hour < jumpAt + lead ? size : 0))),
      ]),
    )
  }
  it('finds the hour and the size of a step', () => {
    const change = findChangePoint([series(3, 1)], 250, 350, -1)
    expect(change?.hour).toBe(jumpAt)
    expect(change?.offset).toBeGreaterThan(2)
    expect(change?.offset).toBeLessThan(4)
  })
  it('comes with intervals that hold the hour and the size of most steps', () => {
    let hours = 0
    let sizes = 0
    let found = 0
    for (let seed = 0; seed < 200; seed++) {
      const change = findChangePoint([series(3, 1000 + seed)], 250, 350, -1)
      if (!change) continue
      found++
      expect(change.fromHour).toBeLessThanOrEqual(change.hour)
      expect(change.toHour).toBeGreaterThanOrEqual(change.hour)
      if (change.fromHour <= jumpAt && jumpAt <= change.toHour) hours++
      if (Math.abs(change.offset - 3) <= change.offsetMargin) sizes++
    }
    expect(found).toBeGreaterThan(150)
    expect(hours / found).toBeGreaterThan(0.9)
    expect(sizes / found).toBeGreaterThan(0.9)
  })
  it('of a larger step is narrower', () => {
    const width = (size: number): number => {
      const change = findChangePoint([series(size, 1)], 250, 350, -1)
      return change ? change.toHour - change.fromHour : Number.POSITIVE_INFINITY
    }
    expect(width(8)).toBeLessThanOrEqual(width(3))
  })
  it('finds nothing where nothing stands out, or only the other way', () => {
    expect(findChangePoint([series(0, 2)], 250, 350, -1)?.score ?? 0).toBeLessThan(4)
    expect(findChangePoint([series(6, 1)], 280, 320, 1)?.hour).not.toBe(jumpAt)
  })
  it('is looked for in units of what was expected: a jump in a quiet hour outweighs a larger one in a wild one', () => {
    const normal = normals(3)
    const quietAt = 316
    const mixed = new Map(
      Array.from({ length: 400 }, (_, hour) => {
        // Afternoons are six times as wild as nights; the jump of 2 is at night.
        const scale = hour % 24 >= 12 ? 3 : 0.5
        const errors = [1, 2, 3].map((lead) => scale * normal() - (hour >= quietAt && hour < quietAt + lead ? 2.5 : 0))
        return [hour, [...errors, ...errors.map((error) => error / scale)]]
      }),
    )
    expect(findChangePoint([mixed], 250, 350, -1)?.hour).toBe(quietAt)
  })
  it('knows which neighbours jumped along', () => {
    const change = { hour: jumpAt, offset: 3 }
    expect(jumpsAlong(series(3, 7), change, 250, 350, 2)).toBe(true)
    expect(jumpsAlong(series(0, 8), { hour: 320, offset: 3 }, 250, 350, 3)).toBe(false)
  })
})

describe('apart from the neighbours', () => {
  it('is as far as half of them are at least, so that a faulty one does not make the others depart', () => {
    expect(apartFrom(-3, [0.2, 0])).toBe(-3)
    expect(apartFrom(0.2, [-3, 0])).toBeCloseTo(0.2)
    expect(apartFrom(1, [0.9, -1, -2])).toBe(2)
  })
  it('is unknown with fewer than two, or of an unknown day', () => {
    expect(apartFrom(1, [0])).toBeNull()
    expect(apartFrom(null, [0, 0])).toBeNull()
  })
})

describe('cause', () => {
  const change = { hour: 1, offset: 2, score: 5, fromHour: 0, toHour: 2, offsetMargin: 0.5 }
  it.each([
    [
      'flagged by quality control',
      { flaggedShare: 0.5, neighbours: [{ signedRatio: 0.9, jumped: true }], changePoint: change },
      'sensor',
    ],
    [
      'neighbours move along',
      {
        flaggedShare: 0,
        neighbours: [
          { signedRatio: 0.5, jumped: false },
          { signedRatio: 0, jumped: false },
        ],
        changePoint: null,
      },
      'network',
    ],
    [
      'neighbours jumped along',
      { flaggedShare: 0, neighbours: [{ signedRatio: 0, jumped: true }], changePoint: change },
      'network',
    ],
    [
      'alone, a clean step',
      { flaggedShare: 0, neighbours: [{ signedRatio: -0.5, jumped: false }], changePoint: change },
      'instrument-change',
    ],
    ['alone, creeping', { flaggedShare: 0, neighbours: [{ signedRatio: 0, jumped: false }], changePoint: null }, 'sensor'],
    ['nobody to compare with, no step', { flaggedShare: 0, neighbours: [], changePoint: null }, 'model'],
    ['nobody to compare with, a step', { flaggedShare: 0, neighbours: [], changePoint: change }, 'instrument-change'],
  ] as const)('%s', (_, evidence, cause) => {
    expect(causeOf({ direction: 1, ...evidence })).toBe(cause)
  })
})
