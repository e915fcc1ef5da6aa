/**
 * One insert for what several partitions write at nearly the same time: ClickHouse wants few large inserts, a fetch brings many small
 * batches. Each caller is answered only when the insert that holds its rows has been acknowledged. While an insert is under way, the
 * next gathers: the slower the store, the larger its inserts.
 */
import { isPermanent } from '../errors.ts'
import type { Sink } from '../kafka/types.ts'

export type CoalesceOptions = {
  /** How long the first writer waits for others, ms. */
  readonly windowMs: number
  /** Rows that end the wait at once, also beside an insert that is under way. */
  readonly maxRows: number
}

type Job<Row> = { readonly rows: readonly Row[]; resolve: () => void; reject: (error: unknown) => void }

export function coalesce<Row>(sink: Sink<Row>, { windowMs, maxRows }: CoalesceOptions): Sink<Row> {
  let jobs: Array<Job<Row>> = []
  let waitingRows = 0
  let writing = 0
  let timer: NodeJS.Timeout | null = null

  const flush = (): void => {
    if (timer) clearTimeout(timer)
    timer = null
    const taken = jobs
    jobs = []
    waitingRows = 0
    writing += 1
    void writeTogether(taken).then(() => {
      writing -= 1
      if (timer === null && jobs.length > 0 && writing === 0) flush()
    })
  }
  const windowOver = (): void => {
    timer = null
    if (writing === 0) flush()
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
        else if (jobs.length === 1) timer ??= setTimeout(windowOver, windowMs)
      }),
  }
}
