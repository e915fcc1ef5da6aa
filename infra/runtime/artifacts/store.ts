/** Model artefacts: immutable bytes under a key, verified by size and SHA-256 each time they are read. */
import { createHash } from 'node:crypto'
import type { Artefact } from '../../../schemas/generated/types.ts'
import { AppError, messageOf } from '../errors.ts'

export type ArtifactStore = {
  /**
   * Stores bytes under a key. A key is written once: the same bytes again are the same artefact, other bytes are refused with
   * permanent `artifact-exists`.
   */
  put(key: string, bytes: Uint8Array): Promise<Artefact>
  /** The bytes, verified. Permanent `artifact-missing` or `artifact-corrupt`; other failures are transient. */
  get(artefact: Artefact): Promise<Uint8Array>
  close(): Promise<void>
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export function verify({ uri, sha256: expected, bytes: size }: Artefact, bytes: Uint8Array): Uint8Array {
  const actual = sha256(bytes)
  if (bytes.length === size && actual === expected) return bytes
  throw new AppError(
    `${uri} is not what was stored: ${bytes.length} bytes, SHA-256 ${actual}; expected ${size} bytes, ${expected}`,
    {
      code: 'artifact-corrupt',
      retry: 'permanent',
      context: { uri },
    },
  )
}

export function missing(uri: string, cause?: unknown): AppError {
  return new AppError(`artefact ${uri} does not exist in this store`, {
    code: 'artifact-missing',
    retry: 'permanent',
    context: { uri },
    ...(cause === undefined ? {} : { cause }),
  })
}

export function exists(uri: string): AppError {
  return new AppError(`${uri} already holds other bytes; artefacts are immutable`, {
    code: 'artifact-exists',
    retry: 'permanent',
    context: { uri },
  })
}

export function unavailable(uri: string, cause: unknown): AppError {
  return new AppError(`artefact store: ${messageOf(cause)}`, {
    code: 'artifact-store-unavailable',
    retry: 'transient',
    cause,
    context: { uri },
  })
}

/** Letters, digits, `-_.=@` in segments; no empty, `.` or `..` segment, so that a key can never leave the store. */
export function checkKey(key: string): string {
  const isSafe = key.split('/').every((segment) => /^[A-Za-z0-9_.=@-]+$/.test(segment) && segment !== '.' && segment !== '..')
  if (isSafe) return key
  throw new AppError(`${JSON.stringify(key)} is not an artefact key`, {
    code: 'artifact-key-invalid',
    retry: 'permanent',
    context: { key },
  })
}
