import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type S3Mock, findS3Mock, startS3Mock } from '../testing/s3-mock.ts'
import { openS3Store } from './s3-store.ts'
import type { ArtifactStore } from './store.ts'

const found = await findS3Mock()
if ('unavailable' in found) console.warn(`S3 artefact store not tested: ${found.unavailable}`)

describe.skipIf('unavailable' in found)('S3 artefact store', () => {
  const bucket = 'artefacts'
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  let server: S3Mock
  let store: ArtifactStore

  beforeAll(async () => {
    server = await startS3Mock('jar' in found ? found.jar : '', bucket)
    store = openS3Store({ bucket, prefix: 'models', endpoint: server.endpoint, credentials })
  })
  afterAll(async () => {
    await store.close()
    await server.stop()
  })

  it('gives back what was put', async () => {
    const bytes = new Uint8Array(300_000).map((_, i) => i % 251)
    const artefact = await store.put('kewr/temperatureC/v1', bytes)
    expect(artefact.uri).toBe('s3://artefacts/models/kewr/temperatureC/v1')
    expect(Buffer.from(await store.get(artefact)).equals(Buffer.from(bytes))).toBe(true)
  })

  it('is immutable by key', async () => {
    const first = await store.put('k', Buffer.from('one'))
    expect(await store.put('k', Buffer.from('one'))).toEqual(first)
    await expect(store.put('k', Buffer.from('two'))).rejects.toMatchObject({ code: 'artifact-exists', retry: 'permanent' })
  })

  it('refuses bytes that were changed behind its back, and names what is missing', async () => {
    const artefact = await store.put('changed', Buffer.from('one'))
    const client = new S3Client({ endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'models/changed', Body: Buffer.from('onf') }))
    client.destroy()
    await expect(store.get(artefact)).rejects.toMatchObject({ code: 'artifact-corrupt', retry: 'permanent' })
    await expect(store.get({ ...artefact, uri: 's3://artefacts/models/none' })).rejects.toMatchObject({
      code: 'artifact-missing',
    })
    await expect(store.get({ ...artefact, uri: 's3://elsewhere/models/none' })).rejects.toMatchObject({
      code: 'artifact-missing',
    })
  })

  it('calls a server that does not answer transient', async () => {
    const nowhere = openS3Store({ bucket, prefix: '', endpoint: 'http://127.0.0.1:9', credentials })
    await expect(nowhere.put('k', Buffer.from('x'))).rejects.toMatchObject({
      code: 'artifact-store-unavailable',
      retry: 'transient',
    })
    await nowhere.close()
  })
})
