/** Failures as values of one class: adapters classify by driver code, callers decide by `retry`, people read `message`. */

/** 'transient': the same call may succeed later without changing anything. 'permanent': it never will. */
export type Retry = 'transient' | 'permanent'

export type AppErrorOptions = {
  /** Stable kebab-case name, used in metrics, DLQ headers and problem documents. */
  readonly code: string
  readonly retry: Retry
  readonly cause?: unknown
  /** Ids that help to find the thing; never secrets. */
  readonly context?: Readonly<Record<string, unknown>>
}

export class AppError extends Error {
  readonly code: string
  readonly retry: Retry
  readonly context: Readonly<Record<string, unknown>>

  constructor(message: string, options: AppErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AppError'
    this.code = options.code
    this.retry = options.retry
    this.context = options.context ?? {}
  }
}

export function isAppError(error: unknown): error is AppError {
  return error instanceof AppError
}

export function isTransient(error: unknown): boolean {
  return error instanceof AppError && error.retry === 'transient'
}

export function isPermanent(error: unknown): boolean {
  return error instanceof AppError && error.retry === 'permanent'
}

/** What went wrong, for logs and headers, whatever was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}
