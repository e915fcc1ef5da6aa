/**
 * Other families beside the served one, on the newest weeks of the history that a run was trained on: what its record shows, and what nothing
 * decides on. A family that refuses, crashes or takes too long is a line of the record.
 */
import { z } from 'zod'
import { HOUR_MS } from '../../forecasting/features/index.ts'
import { holdOutNewest, scoreTogether } from '../../forecasting/comparison/index.ts'
import { BASELINES, randomFeatureRidge, type TrainingSet } from '../../forecasting/models/index.ts'
import type { FamilyComparison } from '../../schemas/generated/types.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'
import type { FitPool } from './fit-pool.ts'

/** Beside the served family and the baselines, which are always there. */
const COMPARABLE: readonly string[] = ['ridge-direct', 'analog-ensemble', 'sarimax']
const NONE = 'none'

/** A list of families; of `none` an empty one. */
export const compareFamiliesField = z
  .string()
  .transform((text, context) => {
    const names = text === NONE ? [] : text.split(',').map((name) => name.trim())
    const unknown = names.filter((name) => !COMPARABLE.includes(name))
    if (unknown.length > 0) context.addIssue({ code: 'custom', message: `unknown: ${unknown.join(', ')}` })
    return [...new Set(names)]
  })
  .prefault('ridge-direct')
  .meta({
    description: `Families that a training run compares with the one it trains and with the baselines, on its newest four weeks: ${COMPARABLE.join(', ')}; none: no comparison.`,
    fix: `use ${COMPARABLE.join(', ')}, separated by commas, or ${NONE}`,
    example: 'ridge-direct,sarimax',
  })

export type Compare = (
  history: TrainingSet,
  variables: readonly ForecastVariable[],
) => Promise<ReadonlyMap<ForecastVariable, FamilyComparison>>

/** `families`: beside the served one and the baselines; of none nothing is compared. */
export function createCompare(pool: Pick<FitPool, 'forecast'>, families: readonly string[]): Compare {
  const all = [randomFeatureRidge.name, ...families, ...BASELINES.map(({ name }) => name)]
  return async (history, variables) => {
    const ofEach = (why: string) => new Map(variables.map((variable) => [variable, notCompared(why)]))
    if (families.length === 0) return ofEach('not-asked-for: TRAINING_COMPARE_FAMILIES is none')
    const held = holdOutNewest(history)
    if (!held.ok) return ofEach(held.refused)
    const { heldOut } = held
    const { origins, originHour } = heldOut
    const answered = await Promise.all(all.map((family) => pool.forecast(history, variables, family)))
    return new Map(
      variables.map((variable) => {
        const answers = new Map(all.map((family, i) => [family, answered[i]!.get(variable)!]))
        const compared = scoreTogether(heldOut, variable, answers)
        return [
          variable,
          {
            notComparedBecause: null,
            firstOriginAt: origins[0]! * HOUR_MS,
            lastOriginAt: origins.at(-1)! * HOUR_MS,
            originHour,
            origins: compared.origins,
            families: compared.families.map(({ metrics, ...family }) => ({
              ...family,
              metrics: metrics.map((score) => ({ model: family.family, ...score })),
            })),
          },
        ]
      }),
    )
  }
}

/** The record of a run that compares nothing says why. */
export function notCompared(why: string): FamilyComparison {
  return { notComparedBecause: why, firstOriginAt: null, lastOriginAt: null, originHour: null, origins: 0, families: [] }
}
