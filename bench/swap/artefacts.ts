/** Two real models of a made-up station, so that a swap loads, verifies and warms up what it would in production. */
import { buildFeatures, COLUMN_COUNT, createHourlyGrid, FEATURE_SET } from '../../forecasting/features/index.ts'
import { createRng } from '../../forecasting/verification/index.ts'
import type { ArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import type { ServedModel } from '../../schemas/generated/types.ts'
import { toTrainingSet } from '../../stream-processors/training/dataset.ts'
import { openFitPool } from '../../stream-processors/training/fit-pool.ts'

const START_HOUR = 376_944
const HOURS = 150 * 24

export type MadeModels = { readonly models: readonly [ServedModel, ServedModel]; readonly features: number[] }

export async function makeModels(store: Pick<ArtifactStore, 'put'>): Promise<MadeModels> {
  const grid = createHourlyGrid(START_HOUR, HOURS)
  const rng = createRng(5)
  let weather = 0
  for (let hour = START_HOUR; hour < START_HOUR + HOURS; hour++) {
    weather = 0.97 * weather + 1.2 * (rng() + rng() + rng() - 1.5)
    const day = Math.sin((2 * Math.PI * (hour - 9)) / 24)
    const row = [
      12 + 5 * day + weather,
      6 + weather / 2,
      70 - 8 * day,
      1013 - weather,
      1,
      1,
      3 + Math.abs(weather),
      weather < -3 ? 1 : 0,
    ]
    if (row.length !== COLUMN_COUNT) throw new Error('the hourly grid has changed')
    grid.set(hour, row)
  }
  const rows = Array.from({ length: HOURS }, (_, i) => ({
    hour: START_HOUR + i,
    values: Array.from(buildFeatures(grid, START_HOUR + i)),
  }))
  const pool = openFitPool({ size: 1, cores: 1, isAwaited: () => true, signal: new AbortController().signal })
  try {
    const fit = async (version: string, from: number): Promise<ServedModel> => {
      const history = toTrainingSet(rows.slice(from))
      if (!history) throw new Error('no history')
      const answer = (await pool.fit(history, ['temperatureC'], null)).get('temperatureC')
      if (!answer?.ok) throw new Error(answer?.refused ?? 'no answer')
      return {
        version,
        runId: version,
        family: answer.family,
        featureSet: FEATURE_SET,
        artefact: await store.put(`models/${version}.bin`, answer.artefact),
        since: 0,
        changePoints: [],
      }
    }
    const models = [await fit('bench-a', 0), await fit('bench-b', 24)] as const
    const features = rows.at(-1)?.values ?? []
    return { models, features }
  } finally {
    await pool.close()
  }
}
