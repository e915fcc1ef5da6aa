import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FEATURE_NAMES } from '../../forecasting/features/index.ts'
import { randomFeatureRidge, type TrainingSet, knownAt } from '../../forecasting/models/index.ts'
import { createRng } from '../../forecasting/verification/index.ts'
import { withCombination } from './combine.ts'
import { COMBINED, createFamily, FAMILY_NAMES } from './families.ts'
import { codeFingerprint, observationsFingerprint } from './fingerprint.ts'
import { openJournal } from './journal.ts'
import { type OriginResult, runOrigins } from './origins.ts'
import { PEER_NAMES } from './peers/family.ts'
import { progressText } from './progress.ts'
import { refitGroups } from './run.ts'
import { readStation, toFullSet } from './series.ts'
import { createTally } from './tally.ts'

const HOUR_MS = 3_600_000
const START = Date.UTC(2023, 0, 1) / HOUR_MS
const DAYS = 120
let folder: string
let csv: string

/** A year's and a day's cycle with weather that forgets itself in two days. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'isobar-evaluate-'))
  csv = join(folder, 'station.csv')
  const random = createRng(7)
  let weather = 0
  const lines = ['observedAt,temperatureC']
  for (let i = 0; i < DAYS * 24; i++) {
    weather = 0.98 * weather + 0.6 * (random() + random() - 1)
    const value = 10 - 8 * Math.cos((2 * Math.PI * i) / 8766) + 4 * Math.sin((2 * Math.PI * i) / 24) + weather
    lines.push(`${new Date((START + i) * HOUR_MS).toISOString()},${value.toFixed(2)}`)
  }
  writeFileSync(csv, lines.join('\n'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (args: readonly string[]) =>
  promisify(execFile)(process.execPath, ['cli/main.ts', 'evaluate', '--csv', csv, ...args], { maxBuffer: 1 << 24 })

// Prophet and SARIMAX have their own tests (peers/): seconds a fit.
const MODELS = FAMILY_NAMES.filter((name) => !PEER_NAMES.includes(name)).join(',')

describe('isobar evaluate', { timeout: 60_000 }, () => {
  it('scores every model on the same origins and leads, and writes what was scored', async () => {
    const predictions = join(folder, 'p.csv')
    const { stdout } = await run([
      '--from',
      '2023-04-10',
      '--to',
      '2023-04-20',
      '--every-hours',
      '61',
      '--jobs',
      '2',
      '--models',
      MODELS,
      '--poison',
      '--json',
      '--predictions',
      predictions,
    ])
    const answer = JSON.parse(stdout)
    expect(answer).toMatchObject({
      station: 'station',
      variable: 'temperatureC',
      from: '2023-04-10T00:00:00Z',
      to: '2023-04-20T00:00:00Z',
      everyHours: 61,
      origins: 4,
    })
    const all = Object.fromEntries(
      answer.models.map(({ model, buckets }: { model: string; buckets: Array<{ bucket: string; n: number; mae: number }> }) => [
        model,
        buckets.find(({ bucket }) => bucket === '1-6'),
      ]),
    )
    expect(new Set(Object.values(all).map((bucket) => (bucket as { n: number }).n))).toEqual(new Set([24]))
    expect(all['isobar'].mae).toBeLessThan(all['persistence'].mae)
    expect(all['isobar-as-made'].mae).toBe(all['isobar'].mae)
    // The file alone gives the same mean error.
    const rows = readFileSync(predictions, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(','))
    const own = rows.filter(
      ([model, , lead, , , , , , , , observed]) => model === 'isobar' && Number(lead) <= 6 && observed !== '',
    )
    const mae = own.reduce((sum, cells) => sum + Math.abs(Number(cells[6]) - Number(cells[10])), 0) / own.length
    expect(mae).toBeCloseTo(all['isobar'].mae, 3)
  })

  it('does not depend on the number of threads', async () => {
    const of = async (jobs: string): Promise<unknown> => {
      const { stdout } = await run([
        '--from',
        '2023-04-10',
        '--to',
        '2023-04-18',
        '--every-hours',
        '37',
        '--refit-hours',
        '72',
        '--models',
        'isobar',
        '--jobs',
        jobs,
        '--json',
      ])
      return JSON.parse(stdout).models.map(({ buckets }: { buckets: unknown }) => buckets)
    }
    expect(await of('1')).toEqual(await of('3'))
  })

  it.each([
    [['--variable', 'temperature'], 2, /did you mean temperatureC\?/],
    [['--models', 'prophecy'], 2, /no model named prophecy; did you mean prophet\?/],
    [['--models', 'isobar-as-made'], 2, /isobar-as-made is made of isobar; name that too/],
    [['--models', 'isobar,combination'], 2, /made of isobar, ridge-direct, analog-ensemble/],
    [['--from', '2030-01-01', '--to', '2031-01-01'], 2, /does not meet the series/],
    [['--every-hours', 'x'], 2, /whole number/],
    [['--variable', 'pressureHpa'], 2, /no usable pressureHpa of station; --variable can be temperatureC/],
    [['--csv', 'no-such-file.csv'], 3, /no-such-file.csv: cannot read the CSV/],
    [['--csv', 'package.json'], 2, /package.json: CSV header/],
  ])('refuses %j with the reason', async (args, code, message) => {
    await expect(run(args)).rejects.toMatchObject({ code, stderr: expect.stringMatching(message) })
  })
})

describe('the leakage guard', () => {
  it('lets an honest model pass and the tally count it', async () => {
    const station = await readStation(csv, undefined, (line) => expect.unreachable(line))
    const origins = [START + 100 * 24, START + 101 * 24 + 5]
    const options = { variable: 'temperatureC', models: ['isobar', 'damped-anomaly'], refitHours: 0, poison: true } as const
    const tally = createTally({ ...options, everyHours: 12, firstScored: START })
    for (const result of runOrigins({ ...options, station, origins, hoursOfDay: 2 })) tally.add(result)
    expect(tally.result().origins).toBe(2)
    const later = createTally({ ...options, everyHours: 12, firstScored: origins[1]! })
    for (const result of runOrigins({ ...options, station, origins, hoursOfDay: 2 })) later.add(result)
    expect(later.onCommonSupport().common.map(({ origin }) => origin)).toEqual([origins[1]])
  })

  it('is passed by fits for one hour of the day that are made when they are asked for: they know what was known at the refit', async () => {
    const station = await readStation(csv, undefined, (line) => expect.unreachable(line))
    const refitAt = START + 100 * 24
    const origins = [refitAt, refitAt + 12, refitAt + 24]
    const share = { station, variable: 'temperatureC', models: ['isobar'], origins, refitHours: 720, poison: true } as const
    const results = [...runOrigins({ ...share, hoursOfDay: 2 })]
    const full = toFullSet(station)
    const atNoon = randomFeatureRidge.fit(knownAt(full, refitAt), {
      variable: 'temperatureC',
      originHour: (refitAt + 12) % 24,
    })
    if (!atNoon.ok) throw new Error(atNoon.refused)
    const width = full.features.length / station.length
    const at = refitAt + 12 - START
    const { quantiles } = atNoon.fitted.predict({
      validAtMs: (refitAt + 12) * 3_600_000,
      features: full.features.subarray(at * width, (at + 1) * width),
    })
    expect(results.map(({ answers }) => answers['isobar']?.ok)).toEqual([true, true, true])
    expect(results[1]!.answers['isobar']).toMatchObject({ quantiles })
  })

  it('sees a feature that looks ahead: vectors of hours before the origin are the same whatever comes after', async () => {
    const station = await readStation(csv, undefined, () => undefined)
    const { poisonedAfter } = await import('./series.ts')
    const origin = START + 90 * 24
    const [a, b] = [toFullSet(station), toFullSet(poisonedAfter(station, origin))]
    const width = a.features.length / station.length
    const at = (origin + 1 - START) * width
    expect(b.features.subarray(0, at)).toEqual(a.features.subarray(0, at))
    expect(b.features.subarray(at)).not.toEqual(a.features.subarray(at))
  })
})

describe('the leakage guard fails', () => {
  const origins = [START + 100 * 24, START + 100 * 24 + 12]
  const share = { variable: 'temperatureC', models: ['leaky'], origins, refitHours: 0, poison: true, hoursOfDay: 2 } as const
  /** Says at every lead what `peek` finds. */
  const peeking =
    (peek: (known: TrainingSet) => number): typeof createFamily =>
    (name) => ({
      name,
      forecast: (known) => ({
        ok: true,
        quantiles: new Float32Array(168 * 7).fill(peek(known)),
        fitSeconds: null,
        predictMilliseconds: 0,
      }),
    })
  // What was known is a view of the whole series, which a careless family can reach through.
  const beyond = (values: Float64Array): number => new Float64Array(values.buffer)[values.length]!

  it.each([
    ['the next value of its own variable', (known: TrainingSet) => beyond(known.targets.temperatureC)],
    [
      'a feature of the next hour',
      (known: TrainingSet) =>
        new Float32Array(known.features.buffer)[known.features.length + FEATURE_NAMES.indexOf('temperatureC.lag0h')]!,
    ],
  ])('when a family uses %s', async (_, peek) => {
    const station = await readStation(csv, undefined, () => undefined)
    expect(() => [...runOrigins({ ...share, station }, peeking(peek))]).toThrow(
      /^leaky at 2023-04-11T00:00:00.000Z: lead 1 h is .*, and .* when the future/,
    )
    expect([...runOrigins({ ...share, poison: false, station }, peeking(peek))]).toHaveLength(2)
  })

  it('not when it uses the last value', async () => {
    const station = await readStation(csv, undefined, () => undefined)
    expect([
      ...runOrigins(
        { ...share, station },
        peeking(({ targets }) => targets.temperatureC.at(-1)!),
      ),
    ]).toHaveLength(2)
  })

  it('when an answer comes only with the true future', async () => {
    const station = await readStation(csv, undefined, () => undefined)
    const onlyWarm: typeof createFamily = (name) => ({
      name,
      forecast: ({ targets }) =>
        beyond(targets.temperatureC) < 35
          ? { ok: true, quantiles: new Float32Array(168 * 7), fitSeconds: null, predictMilliseconds: 0 }
          : { ok: false, refused: 'too warm' },
    })
    expect(() => [...runOrigins({ ...share, station }, onlyWarm)]).toThrow(/answers only with the true future/)
  })
})

describe('the combination', () => {
  const H = 168
  /** Of three members the third is right, the first two err by days; noise tells the rest. */
  const results = (count: number): OriginResult[] => {
    const random = createRng(5)
    return Array.from({ length: count }, (_, k) => {
      const observed = Float64Array.from({ length: H }, () => 10 + 4 * (random() - 0.5))
      const answers = Object.fromEntries(
        COMBINED.map((name, m) => [
          name,
          {
            ok: true as const,
            quantiles: Float32Array.from({ length: H * 7 }, (_, i) => observed[Math.floor(i / 7)]! + (2 - m) * (random() - 0.4)),
            fitSeconds: null,
            predictMilliseconds: 0,
          },
        ]),
      )
      return { origin: START + 12 * k, answers, observed }
    })
  }
  const answerOf = (result: OriginResult) => {
    const answer = result.answers['combination']
    if (!answer?.ok) throw new Error('no answer')
    return answer.quantiles
  }

  it('learns from what has verified, and is the same whatever comes after the origin', () => {
    const all = results(200)
    const combined = withCombination(all, { everyHours: 12, poison: true })
    // Before anything is learnt it is the base member; then it leans on those that were right.
    expect(answerOf(combined[0]!)).toEqual(all[0]!.answers['isobar']!.ok && all[0]!.answers['isobar']!.quantiles)
    expect(answerOf(combined[150]!)).not.toEqual(all[150]!.answers['isobar']!.ok && all[150]!.answers['isobar']!.quantiles)
    const cut = withCombination(all.slice(0, 151), { everyHours: 12, poison: true })
    expect(answerOf(cut[150]!)).toEqual(answerOf(combined[150]!))
  })

  it('is caught by the guard when its weights are learnt from what has not verified', () => {
    const options = { everyHours: 12, poison: true, teachesAfterHours: 24 }
    expect(() => withCombination(results(200), options)).toThrow(/^combination at .* when the future is corrupted/)
  })
})

describe('progress', () => {
  it('tells the time left from what this run did, not from what it took over', () => {
    expect(progressText({ done: 2, resumed: 0, total: 10, seconds: 6 })).toBe('2/10 origins, 6 s, about 24 s left')
    expect(progressText({ done: 92, resumed: 90, total: 100, seconds: 6 })).toBe('92/100 origins, 6 s, about 24 s left')
  })
})

describe('a young station', { timeout: 60_000 }, () => {
  it('scores who answers, and names who cannot with the reason', async () => {
    const short = join(folder, 'short.csv')
    writeFileSync(short, readFileSync(csv, 'utf8').split('\n').slice(0, 14).join('\n'))
    const { stdout } = await run(['--csv', short, '--models', 'isobar,analog-ensemble,persistence', '--json'])
    const { models, refused, origins } = JSON.parse(stdout)
    expect(origins).toBe(1)
    expect(models.find(({ model }: { model: string }) => model === 'persistence').buckets.length).toBeGreaterThan(0)
    expect(refused['analog-ensemble']).toMatchObject({ count: 1, first: expect.stringMatching(/fewer than 24 observed hours/) })
  })
})

describe('an interrupted run', { timeout: 60_000 }, () => {
  it('takes no answer over when the observations have changed under it', async () => {
    const changing = join(folder, 'changing.csv')
    const predictions = join(folder, 'changing-predictions.csv')
    const lines = readFileSync(csv, 'utf8').split('\n')
    writeFileSync(changing, lines.join('\n'))
    const args = [
      '--csv',
      changing,
      '--from',
      '2023-04-10',
      '--to',
      '2023-04-11',
      '--models',
      'persistence',
      '--predictions',
      predictions,
    ]
    const evaluated = async (): Promise<string> => {
      await run(args)
      return readFileSync(predictions, 'utf8')
    }
    const before = await evaluated()
    const station = await readStation(changing, undefined, () => undefined)
    const identity = {
      station: 'station',
      variable: 'temperatureC',
      from: '2023-04-10T00:00:00Z',
      to: '2023-04-11T00:00:00Z',
      everyHours: 12,
      refitHours: 0,
      models: ['persistence'],
      poison: false,
      observations: observationsFingerprint(station),
      code: codeFingerprint(),
    }
    const leave = (): void => {
      const journal = openJournal(`${predictions}.partial`, identity)
      for (const origin of [0, 12])
        journal.append({
          origin: Date.UTC(2023, 3, 10) / HOUR_MS + origin,
          answers: {
            persistence: { ok: true, quantiles: new Float32Array(168 * 7).fill(7777), fitSeconds: null, predictMilliseconds: 0 },
          },
          observed: new Float64Array(168).fill(1),
        })
    }
    leave()
    // The same observations: what was finished is taken as it stands.
    expect(await evaluated()).toContain(',7777,7777,7777,7777,7777,7777,7777,1\n')
    leave()
    writeFileSync(changing, lines.map((line, i) => (i === 90 * 24 ? `${line.split(',')[0]},-3` : line)).join('\n'))
    const after = await evaluated()
    expect(after).not.toContain('7777')
    expect(after.split('\n')).toHaveLength(before.split('\n').length)
  })

  it('goes on with what was finished, forgets half a line and another run', () => {
    const path = join(folder, 'j')
    const first = openJournal(path, { run: 1 })
    first.append({
      origin: 5,
      answers: { a: { ok: true, quantiles: Float32Array.of(1, 2), fitSeconds: null, predictMilliseconds: 0 } },
      observed: Float64Array.of(1, Number.NaN),
    })
    writeFileSync(path, `${readFileSync(path, 'utf8')}{"origin":6,"ans`)
    const second = openJournal(path, { run: 1 })
    expect(second.results).toEqual([
      {
        origin: 5,
        answers: { a: { ok: true, quantiles: Float32Array.of(1, 2), fitSeconds: null, predictMilliseconds: 0 } },
        observed: Float64Array.of(1, Number.NaN),
      },
    ])
    expect(openJournal(path, { run: 2 }).results).toEqual([])
  })

  it('splits only between fits', () => {
    expect(refitGroups([0, 12, 24, 36, 48], 24)).toEqual([[0, 12], [24, 36], [48]])
    expect(refitGroups([0, 12], 0)).toEqual([[0], [12]])
  })
})
