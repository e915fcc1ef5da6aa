/**
 * chdb's native entry points, used directly. `Session` would add three things that a gateway must not have: inserts limited to eight
 * formats, inserted data inlined into the query text (where a blank line ends it and the rest is parsed as SQL), and a `close()`
 * that waits for the queries of every other session.
 */
import { createRequire } from 'node:module'

declare const connectionBrand: unique symbol
export type Connection = { readonly [connectionBrand]: true }

export type NativeEngine = {
  CreateConnection(path: string, args: readonly string[]): Connection
  /** Must not be called while an operation runs on the connection. */
  CloseConnection(connection: Connection): void
  QueryAsyncConnection(
    connection: Connection,
    sql: string,
    format: string,
  ): Promise<{ bytes: Uint8Array; elapsed: number; rowsRead: number; bytesRead: number }>
  InsertRawAsyncConnection(
    connection: Connection,
    sql: string,
    data: Uint8Array,
    countLines: boolean,
  ): Promise<{ elapsed: number; rowsWritten: number; bytesWritten: number }>
}

export function loadNativeEngine(): NativeEngine {
  const require = createRequire(import.meta.url)
  // The loader is not among the package's exports; chdb's version is pinned exactly, and the integration test would show a change.
  const loader = createRequire(require.resolve('chdb'))('./dist/loader.js') as { loadNative(): NativeEngine }
  return loader.loadNative()
}
