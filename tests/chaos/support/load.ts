/** Requests at a steady rate, whatever becomes of them. */
import { setTimeout as sleep } from 'node:timers/promises'

const TICK_MS = 20

/**
 * Sends `perSecond` GETs a second, the paths in turn, until `done` or `most` have been sent; resolves when all have been answered.
 * `onAnswer` gets every answer; a request without one comes with its error.
 */
export async function requestSteadily(options: {
  readonly baseUrl: string
  readonly paths: readonly string[]
  readonly perSecond: number
  readonly most: number
  readonly done: () => boolean
  readonly onAnswer: (answer: { path: string; status: number; text: string } | { path: string; error: unknown }) => void
}): Promise<number> {
  const { baseUrl, paths, perSecond, most, done, onAnswer } = options
  const open = new Set<Promise<void>>()
  const startedAt = performance.now()
  let sent = 0
  const one = async (path: string): Promise<void> => {
    try {
      const response = await fetch(`${baseUrl}${path}`, { signal: AbortSignal.timeout(30_000) })
      onAnswer({ path, status: response.status, text: await response.text() })
    } catch (error) {
      onAnswer({ path, error })
    }
  }
  while (sent < most && !done()) {
    const due = Math.min(most, Math.floor(((performance.now() - startedAt) / 1000) * perSecond))
    for (; sent < due; sent++) {
      const request = one(paths[sent % paths.length] as string)
      open.add(request)
      void request.finally(() => open.delete(request))
    }
    await sleep(TICK_MS)
  }
  await Promise.all(open)
  return sent
}
