/** A failure as a ClickHouse server reports it: numeric code, `Code: N. DB::Exception: … (NAME)` text, HTTP status. */
export class ServerError extends Error {
  readonly code: number
  readonly httpStatus: number

  constructor(code: number, text: string, httpStatus: number) {
    super(text)
    this.name = 'ServerError'
    this.code = code
    this.httpStatus = httpStatus
  }
}

// Names and codes as in ClickHouse's ErrorCodes.cpp; only those that the gateway itself raises.
const CODE_BY_NAME = {
  BAD_ARGUMENTS: 36,
  NOT_IMPLEMENTED: 48,
  SYNTAX_ERROR: 62,
  UNKNOWN_TYPE_OF_QUERY: 78,
  READONLY: 164,
  TOO_MANY_SIMULTANEOUS_QUERIES: 202,
  QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING: 216,
  TOO_MANY_BYTES: 307,
  QUERY_WAS_CANCELLED: 394,
  UNKNOWN_QUERY_PARAMETER: 456,
  BAD_QUERY_PARAMETER: 457,
} as const

export function serverError(name: keyof typeof CODE_BY_NAME, message: string, httpStatus?: number): ServerError {
  const code = CODE_BY_NAME[name]
  return new ServerError(code, `Code: ${code}. DB::Exception: ${message} (${name})`, httpStatus ?? httpStatusOf(code))
}

/** Turns whatever the engine or Node threw into the server's form; what has no code of its own becomes 1002 UNKNOWN_EXCEPTION. */
export function toServerError(cause: unknown): ServerError {
  if (cause instanceof ServerError) return cause
  const text = (cause instanceof Error ? cause.message : String(cause)).trim()
  const code = /Code:\s*(\d+)\.\s*DB::/.exec(text)?.[1]
  if (code === undefined) return new ServerError(1002, `Code: 1002. DB::Exception: ${text} (UNKNOWN_EXCEPTION)`, 500)
  // The body of an insert reaches the engine as a file of ours; a client has no use for that file's name.
  const withoutFileNames = text
    .replace(/ ?: ?\(in file\/uri [^)]*\)/g, '')
    .replace(/: While executing File: data for INSERT was parsed from file/g, '')
  return new ServerError(Number(code), withoutFileNames, httpStatusOf(Number(code)))
}

// After exceptionCodeToHTTPStatus in the server's HTTPHandler.
const STATUS_400 = new Set([
  6, 8, 15, 25, 26, 27, 36, 38, 41, 42, 43, 44, 53, 55, 56, 62, 72, 117, 130, 162, 164, 167, 168, 386, 456, 457,
])
const STATUS_404 = new Set([16, 46, 47, 50, 60, 63, 73, 78, 81, 115, 336])

function httpStatusOf(code: number): number {
  if (STATUS_400.has(code)) return 400
  if (STATUS_404.has(code)) return 404
  if (code === 159) return 408
  if (code === 516) return 403
  if (code === 48) return 501
  return 500
}
