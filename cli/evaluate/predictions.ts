/** Every prediction as CSV: model,origin,leadHours,q025,q10,q25,q50,q75,q90,q975,observed. Empty = not observed. */
import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Prediction } from './tally.ts'

const HEADER = 'model,origin,leadHours,q025,q10,q25,q50,q75,q90,q975,observed\n'

export async function writePredictions(path: string, predictions: Iterable<Prediction>): Promise<void> {
  await pipeline(Readable.from(lines(predictions)), createWriteStream(path))
}

function* lines(predictions: Iterable<Prediction>): Generator<string> {
  yield HEADER
  for (const { model, origin, leadHours, quantiles, observed } of predictions) {
    const at = new Date(origin * 3_600_000).toISOString().replace('.000Z', 'Z')
    const values = Array.from(quantiles, (value) => Number(value.toFixed(4)))
    yield `${model},${at},${leadHours},${values.join(',')},${Number.isNaN(observed) ? '' : Number(observed.toFixed(4))}\n`
  }
}
