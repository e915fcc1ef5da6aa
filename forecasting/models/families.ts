/** Every family that needs nothing but this library, behind one interface. What each is worth: docs/forecasting/families.md. */
import { analogEnsemble } from './analogs.ts'
import { BASELINES } from './baselines.ts'
import { linearRidge, randomFeatureRidge } from './random-feature-ridge.ts'
import { sarimax } from './sarimax/family.ts'
import type { Family } from './types.ts'

export const FAMILIES: readonly Family[] = [randomFeatureRidge, linearRidge, analogEnsemble, sarimax, ...BASELINES]
