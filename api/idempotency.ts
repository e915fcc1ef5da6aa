/** Idempotency-Key (IETF draft): the same key and the same request get the same answer, whatever became of the connection. */
import { createHash } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import type { IdempotencyStore } from './ports.ts'
import { Problem } from './problems.ts'
import type { AppContext } from './respond.ts'

export const IdempotencyHeaders = z.object({
  'idempotency-key': z.string().max(200).optional().openapi({
    description:
      'Any text of your choice, e.g. a UUID. A request repeated with it within a day is answered as the first time and does nothing again.',
  }),
})

export type Idempotent = (c: AppContext, text: string, work: () => Promise<object>) => Promise<Response>

const KEPT_MS = 24 * 3_600_000
const MAX_KEY_LENGTH = 200

/** Without the header the work is simply done. Failures are not kept: they may be tried again. */
export function createIdempotent(store: IdempotencyStore, wallNow: () => number): Idempotent {
  const running = new Set<string>()
  return async (c, text, work) => {
    const given = c.req.header('idempotency-key')
    if (given === undefined) return c.json(await work())
    if (given.trim() === '' || given.length > MAX_KEY_LENGTH) {
      throw new Problem('invalid-request', 400, `The Idempotency-Key must have 1 to ${MAX_KEY_LENGTH} characters.`, {
        errors: [{ detail: 'Bad length.', header: 'Idempotency-Key', code: 'invalid-header', fix: 'Send a UUID.' }],
      })
    }
    const key = sha256(JSON.stringify([c.get('principal')?.keyId ?? '', c.req.method, c.req.path, given]))
    const requestSha256 = sha256(text)
    if (running.has(key)) {
      throw new Problem('idempotency-conflict', 409, 'A request with this Idempotency-Key is still being answered.', {
        headers: { 'retry-after': '1' },
      })
    }
    running.add(key)
    try {
      const known = await store.get(key)
      if (known !== null && wallNow() - known.storedAt < KEPT_MS) {
        if (known.requestSha256 !== requestSha256) {
          throw new Problem('idempotency-mismatch', 422, 'This Idempotency-Key was used with another body.', {
            errors: [
              {
                detail: 'Another body.',
                header: 'Idempotency-Key',
                code: 'idempotency-mismatch',
                fix: 'Use a new key for a new request.',
              },
            ],
          })
        }
        return new Response(known.body, {
          status: known.status,
          headers: { 'content-type': 'application/json', 'idempotency-replayed': 'true' },
        })
      }
      const body = JSON.stringify(await work())
      await store.put(key, { requestSha256, status: 200, body, storedAt: wallNow() })
      return new Response(body, { status: 200, headers: { 'content-type': 'application/json' } })
    } finally {
      running.delete(key)
    }
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
