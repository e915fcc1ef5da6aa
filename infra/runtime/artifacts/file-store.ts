/**
 * Artefacts in a directory. Written beside and linked into place: a reader sees all of a file or nothing, and nothing is overwritten.
 * Addresses are relative to the directory (`file:models/…`): it may be moved, or mounted elsewhere by another process, and what events say
 * of its artefacts stays true.
 */
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { randomUUID } from 'node:crypto'
import { type ArtifactStore, checkKey, exists, missing, sha256, unavailable, verify } from './store.ts'

export function openFileStore(directory: string): ArtifactStore {
  const root = resolve(directory)
  return {
    async put(key, bytes) {
      const path = join(root, checkKey(key))
      const artefact = { uri: `file:${key}`, sha256: sha256(bytes), bytes: bytes.length }
      try {
        await mkdir(dirname(path), { recursive: true })
        const partial = `${path}.${randomUUID()}.partial`
        try {
          await writeDurably(partial, bytes)
          // link, unlike rename, refuses to replace what is there.
          await link(partial, path)
        } finally {
          await rm(partial, { force: true })
        }
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw unavailable(artefact.uri, error)
        const present = await readFile(path).catch((cause: unknown) => Promise.reject(unavailable(artefact.uri, cause)))
        if (sha256(present) !== artefact.sha256) throw exists(artefact.uri)
      }
      return artefact
    },
    async get(artefact) {
      const path = resolve(root, artefact.uri.replace(/^file:/, ''))
      if (!artefact.uri.startsWith('file:') || !path.startsWith(root + sep)) throw missing(artefact.uri)
      let bytes: Uint8Array
      try {
        bytes = await readFile(path)
      } catch (error) {
        throw codeOf(error) === 'ENOENT' ? missing(artefact.uri, error) : unavailable(artefact.uri, error)
      }
      return verify(artefact, bytes)
    },
    close: async () => {},
  }
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
