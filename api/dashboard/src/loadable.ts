/** A piece of remote data with its honest state: not asked yet, here, or failed (with what was here before). */
export type Loadable<T> =
  | { status: 'loading'; previous?: T }
  | { status: 'ready'; value: T; loadedAt: number }
  | { status: 'failed'; reason: string; previous?: T; httpStatus: number | null }

export function valueOf<T>(loadable: Loadable<T>): T | undefined {
  return loadable.status === 'ready' ? loadable.value : loadable.previous
}

export function failed<T>(before: Loadable<T>, error: unknown): Loadable<T> {
  const previous = valueOf(before)
  const httpStatus = error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : null
  const reason = error instanceof Error ? error.message : String(error)
  return { status: 'failed', reason, httpStatus, ...(previous === undefined ? {} : { previous }) }
}

export function ready<T>(value: T): Loadable<T> {
  return { status: 'ready', value, loadedAt: Date.now() }
}
