/** Several models are comparable only on the cases that all of them predicted. */

/** A prediction of one hour: issued at `origin` (any ascending number, e.g. epoch hour), for `leadHours` later. */
export type PredictionRow = { readonly origin: number; readonly leadHours: number; readonly observed: number }

export type CommonSupport<Row extends PredictionRow> = {
  /** Number of common cases; every array of `rows` has this length. */
  readonly cases: number
  /** By model, in one common order: origin, then lead. Element i of every model is the same case. */
  readonly rows: ReadonlyMap<string, readonly Row[]>
  /** By model: usable rows that another model lacks. */
  readonly dropped: ReadonlyMap<string, number>
  /** By model: rows that are no prediction (not usable, or observed not finite). */
  readonly unusable: ReadonlyMap<string, number>
}

/**
 * Inner join of the models' predictions on (origin, lead). `usable` says which rows count as a prediction (default: all); a model that
 * failed on hard cases must not be scored on easy ones only, and must not make the others look worse either, so all lose the case.
 *
 * Throws RangeError when a model has a case twice or two models disagree about what was observed: then the sets are not of the same truth.
 */
export function commonSupport<Row extends PredictionRow>(
  byModel: ReadonlyMap<string, Iterable<Row>>,
  usable: (row: Row) => boolean = () => true,
): CommonSupport<Row> {
  const unusable = new Map<string, number>()
  const byCase = [...byModel].map(([model, rows]) => {
    const cases = new Map<string, Row>()
    let refused = 0
    for (const row of rows) {
      if (!Number.isFinite(row.observed) || !usable(row)) {
        refused++
        continue
      }
      const key = `${row.origin}/${row.leadHours}`
      if (cases.has(key)) throw new RangeError(`${model} predicts origin ${row.origin}, lead ${row.leadHours} twice`)
      cases.set(key, row)
    }
    unusable.set(model, refused)
    return { model, cases }
  })
  const [first, ...others] = byCase
  const keys = [...(first?.cases ?? [])]
    .filter(([key]) => others.every(({ cases }) => cases.has(key)))
    .sort(([, a], [, b]) => a.origin - b.origin || a.leadHours - b.leadHours)
  for (const [key, row] of keys) {
    for (const { model, cases } of others) {
      if (cases.get(key)!.observed !== row.observed) {
        throw new RangeError(
          `${first!.model} and ${model} disagree on the observation of origin ${row.origin}, lead ${row.leadHours}`,
        )
      }
    }
  }
  return {
    cases: keys.length,
    rows: new Map(byCase.map(({ model, cases }) => [model, keys.map(([key]) => cases.get(key)!)])),
    dropped: new Map(byCase.map(({ model, cases }) => [model, cases.size - keys.length])),
    unusable,
  }
}
