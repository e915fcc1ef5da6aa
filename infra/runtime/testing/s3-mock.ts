/** Adobe's S3Mock, a real S3-speaking server, fetched once by Maven into the cache. For tests. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { until } from './fixtures.ts'
import { freePort } from './free-port.ts'

const VERSION = '4.9.1'
const JAR = `s3mock-${VERSION}-exec.jar`
const run = promisify(execFile)

export type S3Mock = { readonly endpoint: string; readonly bucket: string; stop(): Promise<void> }

/** The server's jar, or why it cannot be had here. */
export async function findS3Mock(): Promise<{ jar: string } | { unavailable: string }> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'isobar')
  const jar = join(cache, `s3mock-${VERSION}`, JAR)
  if (existsSync(jar)) return { jar }
  for (const tool of ['java', 'mvn']) {
    try {
      await run(tool, ['-version'])
    } catch {
      return { unavailable: `${tool} is not installed` }
    }
  }
  mkdirSync(cache, { recursive: true })
  const partial = mkdtempSync(join(cache, '.s3mock-'))
  try {
    const artifact = `com.adobe.testing:s3mock:${VERSION}:jar:exec`
    await run('mvn', ['-q', '-B', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${partial}`], { cwd: partial })
    if (!existsSync(jar)) renameSync(partial, join(cache, `s3mock-${VERSION}`))
    return { jar }
  } catch (error) {
    return { unavailable: `Maven could not fetch S3Mock: ${(error as Error).message.slice(0, 200)}` }
  } finally {
    rmSync(partial, { recursive: true, force: true })
  }
}

export async function startS3Mock(jar: string, bucket: string): Promise<S3Mock> {
  const root = mkdtempSync(join(tmpdir(), 'isobar-s3-'))
  const [http, https] = [await freePort(), await freePort()]
  const server: ChildProcess = spawn(
    'java',
    [
      '-Xmx256m',
      '-XX:TieredStopAtLevel=1',
      '-jar',
      jar,
      '--server.address=127.0.0.1',
      `--server.port=${https}`,
      `--com.adobe.testing.s3mock.httpPort=${http}`,
      `--com.adobe.testing.s3mock.store.initialBuckets=${bucket}`,
      `--com.adobe.testing.s3mock.store.root=${root}`,
    ],
    { stdio: 'ignore' },
  )
  const endpoint = `http://127.0.0.1:${http}`
  await until(
    'S3Mock answers',
    async () => {
      try {
        return (await fetch(`${endpoint}/${bucket}`)).ok
      } catch {
        return false
      }
    },
    60_000,
  )
  return {
    endpoint,
    bucket,
    stop: async () => {
      const ended = new Promise((resolve) => server.once('exit', resolve))
      server.kill('SIGTERM')
      await ended
      rmSync(root, { recursive: true, force: true })
    },
  }
}
