/** Prophet (Taylor & Letham 2018) as its users know it: default settings, its own 80 % interval, read as a normal distribution. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import init, { Prophet } from '@bsull/augurs/prophet'
import { optimizer } from '@bsull/augurs-prophet-wasmstan'
import { createRng } from '../../../forecasting/verification/index.ts'
import type { PeerAnswer } from './protocol.ts'

/** More history makes a fit slower without end; the year's cycle needs two. */
const HISTORY_HOURS = 3 * 8766
const MIN_HOURS = 48
const INTERVAL = 0.8
/** Half the width of a normal 80 % interval in standard deviations. */
const HALF_WIDTH = 1.2815515655446004

/** Prophet draws its intervals; from a seed, so that the same history gives the same forecast. The process lives for this one fit. */
function seedDraws(): void {
  const random = createRng(1)
  globalThis.crypto.getRandomValues = (array) => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
    for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(256 * random())
    return array
  }
}

export async function forecastProphet(startHour: number, values: Float64Array, steps: number): Promise<PeerAnswer> {
  const from = Math.max(0, values.length - HISTORY_HOURS)
  const ds: number[] = []
  const y: number[] = []
  for (let i = from; i < values.length; i++) {
    if (Number.isNaN(values[i]!)) continue
    ds.push((startHour + i) * 3600)
    y.push(values[i]!)
  }
  if (y.length < MIN_HOURS) return { ok: false, refused: `prophet: ${y.length} observed hours, needs ${MIN_HOURS}` }
  await init({
    module_or_path: await readFile(
      createRequire(import.meta.url)
        .resolve('@bsull/augurs/prophet')
        .replace(/\.js$/, '_bg.wasm'),
    ),
  })
  seedDraws()
  const prophet = new Prophet({ optimizer, intervalWidth: INTERVAL })
  prophet.fit({ ds, y })
  const { yhat } = prophet.predict({ ds: Array.from({ length: steps }, (_, h) => (startHour + values.length + h) * 3600) })
  if (!yhat.intervals) return { ok: false, refused: 'prophet: no intervals came back' }
  const { lower, upper } = yhat.intervals
  const deviation = lower.map((low, h) => (upper[h]! - low) / (2 * HALF_WIDTH))
  return [...yhat.point, ...deviation].every(Number.isFinite)
    ? { ok: true, mean: yhat.point, deviation }
    : { ok: false, refused: 'prophet: the fit is not finite' }
}
