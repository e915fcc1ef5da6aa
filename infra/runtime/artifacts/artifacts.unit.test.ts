import { appendFileSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type ArtifactStore, openArtifactStore } from './index.ts'

let directory: string
let store: ArtifactStore
const pathOf = (uri: string): string => join(directory, uri.slice('file:'.length))

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'isobar-artefacts-'))
  store = openArtifactStore({ artifactStore: `file:${directory}` })
})
afterEach(() => rmSync(directory, { recursive: true }))

it('gives back what was put, with size and SHA-256', async () => {
  const bytes = Buffer.from('a model')
  const artefact = await store.put('kewr/temperatureC/v1.model', bytes)
  expect(artefact).toEqual({
    uri: 'file:kewr/temperatureC/v1.model',
    bytes: 7,
    sha256: '97ff8a35544dcf40ad84047074439dd6aa3a0be469ea578a1b1c017d939ec61c',
  })
  expect(Buffer.from(await store.get(artefact))).toEqual(bytes)
  expect(readdirSync(join(directory, 'kewr/temperatureC'))).toEqual(['v1.model'])
})

it('is immutable by key: the same bytes again are fine, others are refused', async () => {
  const first = await store.put('k', Buffer.from('one'))
  expect(await store.put('k', Buffer.from('one'))).toEqual(first)
  await expect(store.put('k', Buffer.from('two'))).rejects.toMatchObject({ code: 'artifact-exists', retry: 'permanent' })
  expect(Buffer.from(await store.get(first)).toString()).toBe('one')
})

it('refuses a flipped byte, a longer file and a missing one', async () => {
  const artefact = await store.put('k', Buffer.from('one'))
  writeFileSync(pathOf(artefact.uri), 'onf')
  await expect(store.get(artefact)).rejects.toMatchObject({ code: 'artifact-corrupt', retry: 'permanent' })
  writeFileSync(pathOf(artefact.uri), 'one')
  appendFileSync(pathOf(artefact.uri), '!')
  await expect(store.get(artefact)).rejects.toMatchObject({ code: 'artifact-corrupt' })
  rmSync(pathOf(artefact.uri))
  await expect(store.get(artefact)).rejects.toMatchObject({ code: 'artifact-missing', retry: 'permanent' })
})

it('finds its artefacts again when the directory has moved', async () => {
  const artefact = await store.put('models/kewr/v1', Buffer.from('one'))
  const moved = `${directory}-moved`
  renameSync(directory, moved)
  directory = moved
  const there = openArtifactStore({ artifactStore: `file:${moved}` })
  expect(Buffer.from(await there.get(artefact)).toString()).toBe('one')
})

it.each(['../escape', 'a//b', '/absolute', 'a/../../b', 'spa ce', ''])('refuses the key %j', async (key) => {
  await expect(store.put(key, Buffer.from('x'))).rejects.toMatchObject({ code: 'artifact-key-invalid' })
})

it('reads nothing outside its directory', async () => {
  const artefact = { uri: 'file:/etc/hostname', sha256: 'x', bytes: 1 }
  await expect(store.get(artefact)).rejects.toMatchObject({ code: 'artifact-missing' })
  await expect(store.get({ ...artefact, uri: 'file:../outside' })).rejects.toMatchObject({
    code: 'artifact-missing',
  })
})

it('refuses addresses of other kinds', () => {
  expect(() => openArtifactStore({ artifactStore: 'ftp://x' })).toThrow('not supported')
})
