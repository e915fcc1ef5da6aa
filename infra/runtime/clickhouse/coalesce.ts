/**
 * One insert for what several partitions write at nearly the same time: ClickHouse wants few large inserts, a fetch brings many small
 * batches. Each caller is answered only when the insert that holds its rows has been acknowledged. One insert at a time, and the next
 * gathers meanwhile: the slower the store, the larger its inserts; and rows appear in the order in which they were given, so that who
 * finds a station's newest hour finds all before it.
 */
import { isPermanent } from '../errors.ts'
import type { Sink } from '../kafka/types.ts'

export type CoalesceOptions = {
  /** How long the first writer waits for others, ms. */
  readonly windowMs: number
  /** Rows that end the wait at once. */
  readonly maxRows: number
}

type Job<Row> = { readonly rows: readonly Row[]; resolve: () => void; reject: (error: unknown) => void }

export function coalesce<Row>(sink: Sink<Row>, { windowMs, maxRows }: CoalesceOptions): Sink<Row> {
  let jobs: Array<Job<Row>> = []
  let waitingRows = 0
  let isWriting = false
  let timer: NodeJS.Timeout | null = null

  const flush = (): void => {
    if (timer) clearTimeout(timer)
    timer = null
    // What waits goes when the insert that is under way is over.
    if (isWriting || jobs.length === 0) return
    const taken = jobs
    jobs = []
    waitingRows = 0
    isWriting = true
    void writeTogether(taken).then(() => {
      isWriting = false
      if (timer === null || waitingRows >= maxRows) flush()
    })
  }

  const writeTogether = async (taken: ReadonlyArray<Job<Row>>): Promise<void> => {
    try {
      await sink.write(taken.length === 1 ? (taken[0] as Job<Row>).rows : taken.flatMap((job) => job.rows))
      for (const job of taken) job.resolve()
    } catch (error) {
      if (isPermanent(error) && taken.length > 1) {
        // One writer's bad row must not condemn the others' rows: each alone.
        await Promise.all(taken.map((job) => writeTogether([job])))
        return
      }
      for (const job of taken) job.reject(error)
    }
  }

  return {
    write: (rows) =>
      new Promise((resolve, reject) => {
        jobs.push({ rows, resolve, reject })
        waitingRows += rows.length
        if (waitingRows >= maxRows) flush()
        else if (jobs.length === 1) timer ??= setTimeout(flush, windowMs)
      }),
  }
}
