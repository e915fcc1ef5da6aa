// The addresses of the servers that integration tests use; set by the global set-up in stack.ts.
import { inject } from 'vitest'
import type { StackUrls } from '../../local/run-file.ts'

declare module 'vitest' {
  interface ProvidedContext {
    isobarStack: StackUrls
  }
}

/** Addresses of the running test stack. Throws in a test group that has none (only `*.int.test.ts` has). */
export function stackUrls(): StackUrls {
  const urls = inject('isobarStack')
  if (urls === undefined) throw new Error('no test stack in this group: run with `vitest run --project int`')
  return urls
}
