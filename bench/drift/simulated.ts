/** Days of a model that does not change, as the null model of the charts has them. */
import { CHARTS } from '../../forecasting/drift/index.ts'

/** Values of the charts, one day a call. `normal` gives standard normal numbers. */
export function simulatedDay(normal: () => number): () => (number | null)[] {
  const states = CHARTS.map(() => normal())
  return () =>
    CHARTS.map(({ usual }, i) => {
      if (usual === null) return 0
      const state = usual.phi * (states[i] as number) + Math.sqrt(1 - usual.phi ** 2) * normal()
      states[i] = state
      return usual.centre + usual.sd * state
    })
}
