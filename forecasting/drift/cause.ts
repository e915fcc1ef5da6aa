/** What a confirmed drift points to. Only `model`, `network` and `instrument-change` are a reason to retrain; `sensor` never is. */
import type { Drift } from '../../schemas/generated/types.ts'
import type { ChangePoint } from './change-point.ts'

export type Neighbour = {
  /** Signed leading CUSUM of the same variable and bucket that day, as a share of its threshold. */
  readonly signedRatio: number
  /** Whether its series jumped the same way at the same hour. */
  readonly jumped: boolean
}

export type Evidence = {
  readonly direction: 1 | -1
  /** Share of the hours of the excursion in which quality control called the quantity bad or suspect, 0–1. */
  readonly flaggedShare: number
  readonly neighbours: readonly Neighbour[]
  readonly changePoint: ChangePoint | null
}

/** More flagged hours than this in the excursion: the sensor is not to be learned from. */
const FLAGGED_SHARE = 0.15
/** A neighbour this far towards its threshold, the same way, moves along. */
const MOVES_ALONG = 0.4

export function causeOf({ direction, flaggedShare, neighbours, changePoint }: Evidence): Drift['cause'] {
  if (flaggedShare > FLAGGED_SHARE) return 'sensor'
  if (neighbours.length === 0) return changePoint === null ? 'model' : 'instrument-change'
  const along = neighbours.filter((neighbour) => movesAlong(neighbour, direction)).length
  if (along * 2 >= neighbours.length) return 'network'
  // Alone among neighbours that agree with each other: a clean step is a change of instrument or site, a creeping one a failing sensor.
  return changePoint === null ? 'sensor' : 'instrument-change'
}

export function movesAlong({ signedRatio, jumped }: Neighbour, direction: 1 | -1): boolean {
  return jumped || signedRatio * direction >= MOVES_ALONG
}

/** With one neighbour nobody can say which of the two departs. */
const MIN_NEIGHBOURS = 2

/**
 * How far the values of a station are from those of its neighbours, each as a departure from what is usual there: the lower median of the
 * differences by their size, so that half of the neighbours are at least as far and one that is faulty itself does not make the others depart.
 * Null with fewer than two neighbours.
 */
export function apartFrom(own: number | null, neighbours: readonly number[]): number | null {
  if (own === null || neighbours.length < MIN_NEIGHBOURS) return null
  const differences = neighbours.map((one) => own - one).sort((a, b) => Math.abs(a) - Math.abs(b))
  return differences[(differences.length - 1) >> 1] ?? null
}
