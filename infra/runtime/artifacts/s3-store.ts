/** Artefacts in an S3-compatible bucket. Credentials and region come from the usual AWS variables. */
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { AppError } from '../errors.ts'
import { type ArtifactStore, checkKey, exists, missing, sha256, unavailable, verify } from './store.ts'

export type S3StoreOptions = {
  readonly bucket: string
  /** Without slashes at its ends; empty for the bucket's root. */
  readonly prefix: string
  /** Server other than AWS. */
  readonly endpoint?: string
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly region?: string
}

export function openS3Store(options: S3StoreOptions): ArtifactStore {
  const { bucket, prefix } = options
  const client = new S3Client({
    ...(options.region ? { region: options.region } : options.endpoint ? { region: 'us-east-1' } : {}),
    ...(options.endpoint ? { endpoint: options.endpoint, forcePathStyle: true } : {}),
    ...(options.credentials ? { credentials: options.credentials } : {}),
  })
  const base = `s3://${bucket}/`

  return {
    async put(key, bytes) {
      const name = prefix === '' ? checkKey(key) : `${prefix}/${checkKey(key)}`
      const artefact = { uri: `${base}${name}`, sha256: sha256(bytes), bytes: bytes.length }
      const present = await find(name)
      if (present === artefact.sha256) return artefact
      if (present !== null) throw exists(artefact.uri)
      try {
        await client.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: name,
            Body: bytes,
            ContentType: 'application/octet-stream',
            Metadata: { sha256: artefact.sha256 },
            // Of two writers at the same instant only one succeeds, where the server honours it (AWS and MinIO do).
            IfNoneMatch: '*',
          }),
        )
      } catch (error) {
        if (statusOf(error) !== 412) throw unavailable(artefact.uri, error)
        if ((await find(name)) !== artefact.sha256) throw exists(artefact.uri)
      }
      return artefact
    },
    async get(artefact) {
      if (!artefact.uri.startsWith(base)) throw missing(artefact.uri)
      let bytes: Uint8Array
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: artefact.uri.slice(base.length) }))
        if (!Body) throw missing(artefact.uri)
        bytes = await Body.transformToByteArray()
      } catch (error) {
        if (error instanceof AppError) throw error
        throw statusOf(error) === 404 ? missing(artefact.uri, error) : unavailable(artefact.uri, error)
      }
      return verify(artefact, bytes)
    },
    close: async () => client.destroy(),
  }

  /** SHA-256 of what stands under the name ('unknown' when it was not written by us), or null. */
  async function find(name: string): Promise<string | null> {
    try {
      const { Metadata } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: name }))
      return Metadata?.['sha256'] ?? 'unknown'
    } catch (error) {
      if (statusOf(error) === 404) return null
      throw unavailable(`${base}${name}`, error)
    }
  }
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
}
