/** Spreads origins over threads. What is refitted together stays together, so the result does not depend on the number of threads. */
import { Worker } from 'node:worker_threads'
import { hourOfDay } from '../../forecasting/models/index.ts'
import type { Journal } from './journal.ts'
import type { Job, OriginResult, Share } from './origins.ts'

export async function runJobs(
  job: Job,
  { jobs, journal }: { readonly jobs: number; readonly journal: Journal },
  onResult: (result: OriginResult) => void,
): Promise<void> {
  const known = new Set<number>()
  for (const result of journal.results) {
    known.add(result.origin)
    onResult(result)
  }
  const groups = refitGroups(job.origins, job.refitHours).filter((group) => group.some((origin) => !known.has(origin)))
  const shares = Array.from({ length: Math.min(jobs, groups.length) }, (_, k) =>
    groups
      .slice(
        Math.floor((k * groups.length) / Math.min(jobs, groups.length)),
        Math.floor(((k + 1) * groups.length) / Math.min(jobs, groups.length)),
      )
      .flat(),
  ).filter((share) => share.length > 0)
  const hoursOfDay = new Set(job.origins.map(hourOfDay)).size
  const workers: Worker[] = []
  try {
    await Promise.all(
      shares.map(
        (origins) =>
          new Promise<void>((resolve, reject) => {
            const worker = new Worker(new URL('./worker.ts', import.meta.url), {
              workerData: { ...job, origins, hoursOfDay } satisfies Share,
            })
            workers.push(worker)
            worker.on('message', (result: OriginResult) => {
              if (known.has(result.origin)) return
              journal.append(result)
              onResult(result)
            })
            worker.on('error', reject)
            worker.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a thread ended with code ${code}`))))
          }),
      ),
    )
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

/** Origins from one fit to the next. */
export function refitGroups(origins: readonly number[], refitHours: number): number[][] {
  const groups: number[][] = []
  for (const origin of origins) {
    const first = groups.at(-1)?.[0]
    if (first === undefined || refitHours === 0 || origin - first >= refitHours) groups.push([origin])
    else groups.at(-1)!.push(origin)
  }
  return groups
}
