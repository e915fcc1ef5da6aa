/** The API in a process of its own, asked for a forecast at an even pace while models are swapped. */
import { setTimeout as sleep } from 'node:timers/promises'
import { choosePorts } from '../../infra/local/ports.ts'
import type { KafkaPublisher } from '../../infra/runtime/kafka/index.ts'
import type { ServedModel } from '../../schemas/generated/types.ts'
import { createObservations, stationOf } from '../shared/observations.ts'
import { startService } from '../shared/processes.ts'
import { pace } from '../shared/stream.ts'

const PER_SECOND = 200
const READY_MS = 60_000
const TIMEOUT_MS = 30_000

export type Requests = { readonly sent: number; readonly failed: number; readonly mixed: number }

/** Stations and their time, without which the API answers nothing. */
export async function introduce(publisher: KafkaPublisher, stationId: string): Promise<void> {
  const { flags: _flags, rules: _rules, qcVersion: _version, ...observation } = createObservations(1)()
  await publisher.publish([
    { topic: 'weather.station.v1', key: stationId, value: stationOf(stationId) },
    { topic: 'weather.observation.v1', key: stationId, value: { ...observation, stationId } },
  ])
}

/**
 * Resolves when the first answer has come. `failed`: any other answer than 200, or none; `mixed`: an answer that names another artefact
 * than its version's, or numbers that differ from those of the same issue and version.
 */
export async function startRequests(
  env: Readonly<Record<string, string>>,
  stationId: string,
  models: readonly ServedModel[],
): Promise<{ readonly stop: () => Promise<Requests> }> {
  const ports = await choosePorts(['api'], {})
  const api = startService(['api'], {
    ...env,
    HTTP_PORT: String(ports['api']),
    PUBLIC_READ: 'true',
    PUBLIC_RATE_LIMIT_PER_MINUTE: '0',
  })
  const url = `http://127.0.0.1:${ports['api']}/v1/stations/${stationId}/forecast?variables=temperatureC`
  const shaOf = new Map(models.map(({ version, artefact }) => [version, artefact.sha256]))
  /** Numbers of each issue and version. */
  const issues = new Map<string, string>()
  const counts = { sent: 0, failed: 0, mixed: 0 }
  let isOver = false
  try {
    await firstAnswer()
  } catch (error) {
    await api.stop()
    throw error
  }
  const sending = pace(
    PER_SECOND,
    () => isOver,
    async () => {
      counts.sent++
      const answer = await ask()
      if (answer === null) counts.failed++
      else if (isMixed(answer)) counts.mixed++
    },
  )
  return {
    async stop() {
      isOver = true
      await Promise.race([sending, api.failed])
      await api.stop()
      return counts
    },
  }

  async function ask(): Promise<Answer | null> {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
      const text = await response.text()
      return response.status === 200 ? (JSON.parse(text) as Answer) : null
    } catch {
      return null // refused, cut off or too late: the caller counts it
    }
  }

  function isMixed({ issuedAt, model: { version, sha256 }, hourly }: Answer): boolean {
    const issue = `${issuedAt}|${version}`
    const numbers = JSON.stringify(hourly)
    const before = issues.get(issue) ?? numbers
    issues.set(issue, before)
    return shaOf.get(version) !== sha256 || before !== numbers
  }

  async function firstAnswer(): Promise<void> {
    const deadline = performance.now() + READY_MS
    while ((await Promise.race([api.failed, ask()])) === null) {
      if (performance.now() > deadline) throw new Error(`no answer from ${url} within ${READY_MS / 1000} s`)
      await sleep(200)
    }
  }
}

type Answer = {
  readonly issuedAt: string
  readonly model: { readonly version: string; readonly sha256: string }
  readonly hourly: Readonly<Record<string, unknown>>
}
