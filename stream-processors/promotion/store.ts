/** What promotion reads back after a restart: the lifecycle up to its own position, and scores up to a position from the archive. */
import { type ClickHouse, fromClickHouseInstant, toClickHouseInstant } from '../../infra/runtime/clickhouse/index.ts'
import { AppError } from '../../infra/runtime/errors.ts'
import { type FollowerDeps, startFollower } from '../../infra/runtime/kafka/index.ts'
import { createLifecycleFold, enterCandidate, type LifecycleFold } from './ledger.ts'
import type { Deps } from './step.ts'
import type { ScoredHour } from './scored-hours.ts'

/** The state after every lifecycle event before `nextOffset`, decisions taken on the way included. */
export async function restoreFold(deps: FollowerDeps, nextOffset: number | null): Promise<LifecycleFold> {
  const fold = createLifecycleFold()
  if (nextOffset === null || nextOffset === 0) return fold
  const follower = await startFollower({
    ...deps,
    name: 'promotion-restore',
    topics: ['model.lifecycle.v1'],
    from: 'beginning',
    onEvents: (events) => {
      for (const { value, offset } of events) {
        if (value === null || offset >= nextOffset) continue
        const change = fold.apply(value)
        if (change.kind === 'candidate') enterCandidate(change.state, value)
      }
    },
  })
  try {
    await follower.caughtUp
  } finally {
    await follower.stop()
  }
  return fold
}

type ScoredRow = Omit<ScoredHour, 'observedAt'> & { observedAt: string }

/**
 * Scores of some versions from messages before `before` of one partition. Throws transient `archive-behind` until the archive has stored
 * them all: a comparison restored earlier would miss hours that are never delivered again.
 */
export function createScoreLoader(clickhouse: Pick<ClickHouse, 'query'>): Deps['loadScored'] {
  return async ({ stationId, variable, versions, since, partition, before }) => {
    if (before > 0) {
      const [row] = await clickhouse.query<{ newest: string }>(
        'SELECT toString(max(kafkaOffset)) AS newest FROM verification_log WHERE kafkaPartition = {partition:UInt16}',
        { partition },
      )
      if (Number(row?.newest ?? -1) < before - 1) {
        throw new AppError(`the archive holds weather.verification.v1/${partition} up to ${row?.newest}, not ${before - 1}`, {
          code: 'archive-behind',
          retry: 'transient',
        })
      }
    }
    const rows = await clickhouse.query<ScoredRow>(
      `SELECT modelVersion, role, observedAt, observed, leadHours, error, crps, covered80, covered95 FROM verification_log
       WHERE stationId = {stationId:String} AND variable = {variable:String} AND modelVersion IN {versions:Array(String)}
         AND observedAt > {since:DateTime64(3)} AND kafkaOffset < {before:UInt64}
       ORDER BY kafkaOffset`,
      { stationId, variable, versions: [...versions], since: toClickHouseInstant(since), before },
    )
    return rows.map((row) => ({ ...row, observedAt: fromClickHouseInstant(row.observedAt) }))
  }
}
