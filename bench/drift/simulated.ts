/** Days of a model that does not change: first-order autoregressions with the spread and the long run that are usual for a variable. */
import { CHARTS, USUAL } from '../../forecasting/drift/index.ts'
import type { ForecastVariable } from '../../schemas/quantities.ts'

/** Values of the charts, one day a call. `normal` gives standard normal numbers. */
export function simulatedDay(variable: ForecastVariable, normal: () => number): () => (number | null)[] {
  const states = CHARTS.map(() => normal())
  return () =>
    CHARTS.map(({ name }, i) => {
      const usual = USUAL[name]?.[variable]
      if (usual === undefined) return 0
      // longRunSd² = sd²·(1+φ)/(1−φ)
      const ratio = (usual.longRunSd / usual.sd) ** 2
      const phi = (ratio - 1) / (ratio + 1)
      const state = phi * (states[i] as number) + Math.sqrt(1 - phi ** 2) * normal()
      states[i] = state
      return usual.centre + usual.sd * state
    })
}
