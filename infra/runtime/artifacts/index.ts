/** Where model artefacts are kept, by ARTIFACT_STORE: `file:/directory` or `s3://bucket/prefix`. */
import type { ArtifactConfig } from '../config/index.ts'
import { AppError } from '../errors.ts'
import { openFileStore } from './file-store.ts'
import { openS3Store } from './s3-store.ts'
import type { ArtifactStore } from './store.ts'

export type { ArtifactStore } from './store.ts'

/** Touches neither disk nor network; the first put or get does. Throws permanent `artifact-store-unsupported` for other addresses. */
export function openArtifactStore(config: ArtifactConfig): ArtifactStore {
  const { artifactStore, s3Endpoint } = config
  if (artifactStore.startsWith('file:')) return openFileStore(artifactStore.replace(/^file:(\/\/)?/, ''))
  const s3 = /^s3:\/\/([^/]+)\/?(.*)$/.exec(artifactStore)
  if (s3) {
    return openS3Store({
      bucket: s3[1] as string,
      prefix: (s3[2] as string).replaceAll(/^\/+|\/+$/g, ''),
      ...(s3Endpoint ? { endpoint: s3Endpoint } : {}),
    })
  }
  throw new AppError(`ARTIFACT_STORE ${artifactStore} is not supported; use file:/directory or s3://bucket/prefix`, {
    code: 'artifact-store-unsupported',
    retry: 'permanent',
  })
}
