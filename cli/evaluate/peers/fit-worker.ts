/** Computes one forecast in the worker thread of a disposable process. */
import { parentPort, workerData } from 'node:worker_threads'
import { forecastSarimax } from '../../../forecasting/models/sarimax/index.ts'
import { forecastProphet } from './prophet.ts'
import type { PeerAnswer, PeerRequest } from './protocol.ts'

async function compute({ family, startHour, values, steps, fitted }: PeerRequest): Promise<PeerAnswer> {
  const series = Float64Array.from(values, (value) => value ?? Number.NaN)
  if (family === 'prophet') return forecastProphet(startHour, series, steps)
  const result = forecastSarimax(series, steps, fitted && { ...fitted, coefficients: Float64Array.from(fitted.coefficients) })
  if (!result.ok) return result
  const { mean, deviation, coefficients, variance } = result
  return { ok: true, mean: [...mean], deviation: [...deviation], fitted: { coefficients: [...coefficients], variance } }
}

// A worker thread, not a window: there is no origin.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
parentPort?.postMessage(await compute(workerData as PeerRequest))
