/**
 * Named pipes through which the engine hands over results (`INTO OUTFILE`): any format streams with the kernel's backpressure and the
 * query runs on a thread of its own. The engine's streaming API would block the event loop while a query is analysed, and repeats
 * the format's header and footer in every chunk.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { Socket } from 'node:net'
import path from 'node:path'

export type Pipe = {
  path: string
  chunks(): AsyncIterable<Buffer>
  bytesRead(): number
  /** Call when the engine has finished writing: the reader then sees the end after the last byte. Resolves when all was read. */
  endOfInput(): Promise<void>
  /** Throws away what comes, so that a writer that nobody reads is never stuck. */
  discard(): Promise<void>
}

export type Pipes = { use<T>(work: (pipe: Pipe) => Promise<T>): Promise<T>; close(): void }

/** `count` must cover the queries that can run at once. */
export function openResultPipes(folder: string, count: number): Pipes {
  const paths = Array.from({ length: count }, (_, index) => path.join(folder, `result-${index}.pipe`))
  for (const file of paths) rmSync(file, { force: true })
  execFileSync('mkfifo', ['-m', '600', ...paths])
  const free = [...paths]
  return {
    async use(work) {
      const file = free.pop()
      if (file === undefined) throw new Error('More queries run than there are result pipes.')
      try {
        return await work(openPipe(file))
      } finally {
        free.push(file)
      }
    },
    close() {
      for (const file of paths) rmSync(file, { force: true })
    },
  }
}

function openPipe(file: string): Pipe {
  const readFd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  // Our own writing end keeps the pipe from ending before the engine has opened it.
  const writeFd = openSync(file, constants.O_WRONLY | constants.O_NONBLOCK)
  const socket = new Socket({ fd: readFd, readable: true, writable: false })
  const closed = once(socket, 'close')
  // Not destroyed when a reader leaves early: without a reader the engine would wait for ever to open the pipe.
  const iterator = socket.iterator({ destroyOnReturn: false })
  return {
    path: file,
    chunks: () => iterator,
    bytesRead: () => socket.bytesRead,
    async endOfInput() {
      closeSync(writeFd)
      await closed
    },
    async discard() {
      // The iterator first: while it listens, the socket does not flow.
      await iterator.return?.()
      socket.resume()
    },
  }
}
