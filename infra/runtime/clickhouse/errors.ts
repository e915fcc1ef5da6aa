/** ClickHouse failures by driver code. The question is whose fault it is: the data's or statement's (permanent) or the moment's (transient). */
import { ClickHouseError } from '@clickhouse/client'
import { AppError, messageOf } from '../errors.ts'

/**
 * Error codes that the same rows or statement will always meet (ClickHouse src/Common/ErrorCodes.cpp). Everything else, also a missing
 * table or a refused login, is the environment's state: rows are innocent and must wait, not be dead-lettered.
 */
const PERMANENT_CODES = new Set([
  6, 7, 8, 9, 10, 16, 20, 25, 26, 27, 28, 33, 34, 35, 36, 38, 41, 42, 43, 44, 46, 47, 48, 50, 51, 53, 62, 63, 69, 70, 72, 76, 108,
  115, 117, 128, 130, 131, 158, 171, 190, 258, 306, 307, 321, 349, 386, 396, 407, 441, 456, 457, 469, 636, 691,
])

/** Wraps what @clickhouse/client rejects with. `operation` names the call for people; `context` carries table or query id. */
export function classifyClickHouseError(error: unknown, operation: string, context: Record<string, unknown> = {}): AppError {
  if (error instanceof AppError) return error
  if (error instanceof ClickHouseError) {
    const permanent = PERMANENT_CODES.has(Number(error.code))
    return new AppError(`ClickHouse ${operation}: ${firstLine(error.message)}`, {
      code: permanent ? 'clickhouse-rejected' : 'clickhouse-unavailable',
      retry: permanent ? 'permanent' : 'transient',
      cause: error,
      context: { ...context, clickhouseCode: error.code, clickhouseType: error.type },
    })
  }
  // A bug in the caller (unserialisable row, wrong argument) is not an outage: let it end the process.
  if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError) {
    return new AppError(`ClickHouse ${operation}: ${messageOf(error)}`, {
      code: 'clickhouse-misuse',
      retry: 'permanent',
      cause: error,
      context,
    })
  }
  return new AppError(`ClickHouse ${operation}: ${firstLine(messageOf(error))}`, {
    code: 'clickhouse-unreachable',
    retry: 'transient',
    cause: error,
    context,
  })
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]?.slice(0, 500) ?? ''
}
