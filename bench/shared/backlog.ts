/** Processes that work off a backlog: how fast, and at what cost of CPU time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { median } from 'simple-statistics'
import { type BenchProcess, cpuSecondsOf } from './processes.ts'

const SAMPLE_MS = 100
const LIMIT_MS = 120_000

/** What processes did with a backlog after its warm-up: observations per second, and their own CPU time per observation. */
export type Pace = { readonly perSecond: number; readonly cpuMicroseconds: number | null }

/** Watches how far the processes have come until they are through; the pace counts from the first look past the warm-up. */
export async function timeBacklog(
  processes: readonly BenchProcess[],
  done: () => Promise<number>,
  warmUp: number,
  total: number,
): Promise<Pace> {
  const look = async (): Promise<{ at: number; count: number; cpu: number | null }> => {
    const count = await done()
    const seconds = processes.map(({ pid }) => cpuSecondsOf(pid))
    const cpu = seconds.reduce((sum, own) => (sum === null || own === null ? null : sum + own), 0)
    return { at: performance.now(), count, cpu }
  }
  try {
    const deadline = performance.now() + LIMIT_MS
    let first: Awaited<ReturnType<typeof look>> | null = null
    for (;;) {
      const now = await Promise.race([look(), ...processes.map(({ failed }) => failed)])
      if (first === null && now.count >= warmUp) first = now
      if (first !== null && now.count >= total) {
        const count = now.count - first.count
        return {
          perSecond: (1000 * count) / (now.at - first.at),
          cpuMicroseconds: now.cpu === null || first.cpu === null ? null : (1e6 * (now.cpu - first.cpu)) / count,
        }
      }
      if (performance.now() > deadline) throw new Error(`${now.count} of ${total} within ${LIMIT_MS / 1000} s`)
      await sleep(SAMPLE_MS)
    }
  } finally {
    await Promise.all(processes.map((process) => process.stop()))
  }
}

/** The median of each by itself. */
export function medianPace(paces: readonly Pace[]): Pace {
  const costs = paces.flatMap(({ cpuMicroseconds }) => cpuMicroseconds ?? [])
  return {
    perSecond: median(paces.map(({ perSecond }) => perSecond)),
    cpuMicroseconds: costs.length < paces.length ? null : median(costs),
  }
}

export function shownPace({ perSecond, cpuMicroseconds }: Pace): string {
  return `${Math.round(perSecond)} observations/s, ${cpuMicroseconds?.toFixed(1) ?? '?'} µs of CPU each`
}
