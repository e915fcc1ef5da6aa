/** Quality control on the bundled real observations: the known fault is found, clean hours stay clean, the demo's stuck sensor is caught. */
import { beforeAll, describe, expect, it } from 'vitest'
import { checkObservation, createStationMemory } from '../../forecasting/quality-control/index.ts'
import type { StationMemory } from '../../forecasting/quality-control/index.ts'
import { demoScenario } from '../../producers/replay/demo-scenario.ts'
import { ScenarioSchema, prepareScenario } from '../../producers/replay/scenario.ts'
import { BUNDLED_OBSERVATIONS, loadSeries } from '../../producers/replay/series.ts'
import type { Observation } from '../../schemas/generated/types.ts'
import { QUANTITIES } from '../../schemas/quantities.ts'
import type { Quantity } from '../../schemas/quantities.ts'

type Flagged = { stationId: string; observedAt: number; quantity: Quantity; flag: string; rules: string[] }

function judge(observations: readonly Observation[]): { flagged: Flagged[]; values: number } {
  const memories = new Map<string, StationMemory>()
  const flagged: Flagged[] = []
  let values = 0
  for (const observation of observations) {
    const { stationId, observedAt } = observation
    const verdict = checkObservation(memories.get(stationId) ?? createStationMemory(), observation)
    memories.set(stationId, verdict.memory)
    if (verdict.kind === 'duplicate') throw new Error('the bundled series has no duplicates')
    for (const quantity of QUANTITIES) {
      if (observation[quantity] === null) continue
      values++
      const flag = verdict.flags[quantity]
      if (flag !== 'good') flagged.push({ stationId, observedAt, quantity, flag, rules: verdict.rules[quantity] ?? [] })
    }
  }
  return { flagged, values }
}

let observations: readonly Observation[]
beforeAll(async () => {
  observations = (await loadSeries(BUNDLED_OBSERVATIONS, (problem) => expect.unreachable(JSON.stringify(problem)))).observations
})

describe('bundled observations', () => {
  it('finds the 1,048 mph wind, and calls nearly nothing else bad', () => {
    const { flagged, values } = judge(observations)
    const bad = flagged.filter(({ flag }) => flag === 'bad' || flag === 'missing')
    expect(bad).toContainEqual({
      stationId: 'ewr',
      observedAt: Date.parse('2013-02-12T08:00:00Z'),
      quantity: 'windSpeedMps',
      flag: 'bad',
      rules: ['physical-range'],
    })
    expect(bad.length / values).toBeLessThan(0.001)
    expect(flagged.length / values).toBeLessThan(0.01)
    if (process.env['QC_REPORT']) console.log(values, summary(flagged))
  })

  it('catches the stuck sensor of the demo within 12 hours and blames only its temperature; the instrument change is no fault', () => {
    const scenario = ScenarioSchema.parse(demoScenario)
    const stuck = scenario.changes.find((change) => change.kind === 'stuck-sensor')
    if (!stuck) throw new Error('the demo has no stuck sensor')
    const altered = observations.map(prepareScenario(scenario, observations))
    const before = new Set(judge(observations).flagged.map((f) => `${f.stationId} ${f.observedAt} ${f.quantity}`))
    const added = judge(altered).flagged.filter((f) => !before.has(`${f.stationId} ${f.observedAt} ${f.quantity}`))
    if (process.env['QC_REPORT'])
      console.log(
        added
          .slice(0, 60)
          .map((f) => `${f.stationId} ${new Date(f.observedAt).toISOString()} ${f.quantity} ${f.flag} ${f.rules}`)
          .join('\n'),
      )
    const firstBad = added.find((f) => f.stationId === stuck.stationId && f.flag === 'bad' && f.rules.includes('stuck-sensor'))
    expect(firstBad?.quantity).toBe('temperatureC')
    expect((firstBad?.observedAt ?? Infinity) - stuck.from).toBeLessThanOrEqual(12 * 3_600_000)
    const elsewhere = added.filter((f) => f.stationId !== stuck.stationId && f.flag === 'bad')
    expect(elsewhere).toEqual([])
  })
})

function summary(flagged: readonly Flagged[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { quantity, flag, rules } of flagged) {
    const key = `${quantity} ${flag} ${rules.join('+')}`
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}
