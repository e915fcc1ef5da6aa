import { describe, expect, it } from 'vitest'
import { FEATURE_COUNT, HOUR_MS } from '../features/index.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'
import { createRng } from '../verification/index.ts'
import { deserialiseFamily, FAMILIES, knownAt, type TrainingSet, trainingSetOf } from './index.ts'

const START = 438_000
const HOURS = 70 * 24

function station(): TrainingSet {
  const random = createRng(9)
  let weather = 0
  const rows = Array.from({ length: HOURS }, (_, i) => {
    weather = 0.97 * weather + random() - 0.5
    const value = Math.fround(10 + 4 * Math.sin((2 * Math.PI * i) / 24) + weather)
    return [START + i, [value, value - 4, 70 - 3 * weather, 1013 - weather, 1, 1, Math.abs(weather), i % 29 < 4 ? 1 : 0]] as const
  })
  return trainingSetOf(START, HOURS, rows)
}

const full = station()
const recentAt = (hours: number) => ({
  validAtMs: (START + hours - 1) * HOUR_MS,
  features: full.features.subarray((hours - 1) * FEATURE_COUNT, hours * FEATURE_COUNT),
  known: knownAt(full, START + hours - 1),
})
// Seconds a fit: fewer days.
const learntBy = (name: string): number => (name === 'sarimax' ? 15 : 65) * 24

describe.each(FAMILIES.map((family) => [family.name, family] as const))('%s', { timeout: 60_000 }, (name, family) => {
  const learnt = learntBy(name)
  const fitTo = (variable: ForecastVariable) => {
    const fit = family.fit(knownAt(full, START + learnt - 1), { variable })
    if (!fit.ok) throw new Error(fit.refused)
    return fit.fitted
  }

  const temperature = fitTo('temperatureC')
  const bytes = temperature.serialise()

  it.each(['temperatureC', 'precipitationProbabilityPct'] as const)('fits, predicts and describes %s', (variable) => {
    const fitted = variable === 'temperatureC' ? temperature : fitTo(variable)
    expect([fitted.family, fitted.variable]).toEqual([name, variable])
    expect(fitted.describe()).toMatchObject({ family: name, variable })
    // At the hour of the fit and days after it.
    for (const hours of [learnt, learnt + 31]) {
      const said = fitted.predict(recentAt(hours))
      if ('refused' in said) throw new Error(said.refused)
      expect([...said.leadHours]).toEqual(Array.from({ length: 168 }, (_, h) => h + 1))
      expect(said.quantiles.length).toBe(168 * 7)
      said.quantiles.forEach((value, i) =>
        expect(i % 7 === 0 ? Number.isFinite(value) : value >= said.quantiles[i - 1]!).toBe(true),
      )
    }
  })

  it('gives the same bytes for the same fit, and comes back from them bit for bit', () => {
    const isSame = (other: Uint8Array): boolean => Buffer.compare(other, bytes) === 0
    expect(isSame(fitTo('temperatureC').serialise())).toBe(true)
    const back = deserialiseFamily(bytes)
    expect(isSame(back.serialise())).toBe(true)
    expect(back.describe()).toEqual(temperature.describe())
    for (const hours of [learnt, learnt + 31]) expect(back.predict(recentAt(hours))).toEqual(temperature.predict(recentAt(hours)))
  })

  it('refuses a station that never observed the variable, as a value', () => {
    const nothing = { ...full, targets: { ...full.targets, pressureHpa: new Float64Array(HOURS).fill(Number.NaN) } }
    const known = { ...nothing, features: new Float32Array(HOURS * FEATURE_COUNT).fill(Number.NaN) }
    const fit = family.fit(known, { variable: 'pressureHpa' })
    const said = fit.ok
      ? fit.fitted.predict({ ...recentAt(HOURS), features: known.features.subarray(-FEATURE_COUNT), known })
      : fit
    expect('refused' in said && said.refused).toMatch(/observed/)
  })

  it('is refused when an array is missing', () => {
    const cut = Buffer.from(bytes).toString('latin1').replace('"name":"', '"name":"x')
    const grown = Uint8Array.from(Buffer.from(cut, 'latin1'))
    new DataView(grown.buffer).setUint32(8, new DataView(bytes.buffer).getUint32(8, true) + 1, true)
    expect(() => deserialiseFamily(grown)).toThrow(/array .* has no values/)
  })
})

it('bytes of no family are refused', () => {
  const bytes = FAMILIES.find(({ name }) => name === 'persistence')!.fit(full, { variable: 'temperatureC' })
  if (!bytes.ok) throw new Error(bytes.refused)
  const renamed = Buffer.from(bytes.fitted.serialise()).toString('latin1').replace('"persistence"', '"persistency"')
  expect(() => deserialiseFamily(Buffer.from(renamed, 'latin1'))).toThrow(/unknown model family persistency/)
})
