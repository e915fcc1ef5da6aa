/** How each peer is started, and what it needs in the cache: a virtual environment by pip, libraries by Maven. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { KAFKA_VERSION } from '../../infra/local/prerequisites.mjs'
import { cacheRoot } from '../../infra/local/setup/cache.mjs'
import { type BenchProcess, startNode, startProcess } from '../shared/processes.ts'
import type { BenchEnvironment } from '../shared/servers.ts'

const HERE = import.meta.dirname
const CACHE = join(cacheRoot(process.env), 'peers')
const SET_UP_MS = 280_000
const PYTHON_PACKAGES = ['quixstreams==3.28.1', 'confluent-kafka==2.12.2', 'numpy==2.4.6', 'orjson==3.13.0']
const JACKSON_VERSION = '2.19.2'
const SLF4J_VERSION = '1.7.36'

export type Peer = { readonly name: string; readonly start: (env: BenchEnvironment) => BenchProcess }
/** Why a peer cannot run here. */
export type Skipped = { readonly names: readonly string[]; readonly reason: string }

/** Every peer that can run here; what it needs is fetched into the cache at the first time. */
export function findPeers(say: (line: string) => void): {
  readonly peers: readonly Peer[]
  readonly skipped: readonly Skipped[]
} {
  const skipped: Skipped[] = []
  const attempt = <T>(names: readonly string[], work: () => T): T | null => {
    try {
      return work()
    } catch (error) {
      skipped.push({ names, reason: (error as Error).message })
      return null
    }
  }
  const python = attempt(['Quix Streams', 'confluent-kafka'], () => pythonWithPackages(say))
  const jars = attempt(['Kafka Streams', 'Kafka Streams with store cache'], () => kafkaStreamsJars(say))
  const script = (name: string) => (env: BenchEnvironment) => startProcess(python as string, [join(HERE, name)], env)
  const streams = (cache: boolean) => (env: BenchEnvironment) =>
    startProcess('java', ['-Xmx512m', '-cp', join(jars as string, '*'), join(HERE, 'FeatureStreams.java')], {
      ...env,
      PEER_STORE_CACHE: String(cache),
    })
  return {
    peers: [
      { name: 'kafkajs', start: (env) => startNode([fileURLToPath(new URL('bare-kafkajs.ts', import.meta.url))], env) },
      ...(jars === null
        ? []
        : [
            { name: 'Kafka Streams', start: streams(false) },
            { name: 'Kafka Streams with store cache', start: streams(true) },
          ]),
      ...(python === null
        ? []
        : [
            { name: 'Quix Streams', start: script('quix_streams.py') },
            { name: 'confluent-kafka', start: script('bare_confluent.py') },
          ]),
    ],
    skipped,
  }
}

function pythonWithPackages(say: (line: string) => void): string {
  return prepared(
    'streams-python',
    say,
    PYTHON_PACKAGES,
    (folder) => {
      must('python3', ['-m', 'venv', folder])
      must(join(folder, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', ...PYTHON_PACKAGES])
    },
    'bin/python',
  )
}

function kafkaStreamsJars(say: (line: string) => void): string {
  must('java', ['-version'])
  const wanted = [KAFKA_VERSION, JACKSON_VERSION, SLF4J_VERSION]
  return prepared(
    'kafka-streams',
    say,
    wanted,
    (folder) => {
      const pom = join(folder, 'pom.xml')
      writeFileSync(pom, POM)
      must('mvn', [
        '-q',
        '-B',
        '-f',
        pom,
        'dependency:copy-dependencies',
        '-DincludeScope=runtime',
        `-DoutputDirectory=${join(folder, 'jars')}`,
      ])
    },
    'jars',
  )
}

const dependency = (group: string, artifact: string, version: string): string =>
  `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`
const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>isobar.local</groupId><artifactId>peers</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    ${dependency('org.apache.kafka', 'kafka-streams', KAFKA_VERSION)}
    ${dependency('com.fasterxml.jackson.core', 'jackson-databind', JACKSON_VERSION)}
    ${dependency('org.slf4j', 'slf4j-nop', SLF4J_VERSION)}
  </dependencies>
</project>
`

/** A folder of the cache in its place from the start (a virtual environment cannot be moved); what names it whole is written last. */
function prepared(
  name: string,
  say: (line: string) => void,
  wanted: readonly string[],
  build: (folder: string) => void,
  inside: string,
): string {
  const folder = join(CACHE, `${name}-${wanted.join('-').replaceAll(/[^\w.-]/g, '_')}`)
  const whole = join(folder, '.complete')
  if (!existsSync(whole)) {
    say(`${name}: fetching ${wanted.join(', ')}`)
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    build(folder)
    writeFileSync(whole, '')
  }
  return join(folder, inside)
}

function must(command: string, args: readonly string[]): void {
  const ran = spawnSync(command, args, { encoding: 'utf8', timeout: SET_UP_MS, stdio: ['ignore', 'pipe', 'pipe'] })
  if (ran.error) throw new Error(`${command}: ${ran.error.message}`)
  if (ran.status !== 0)
    throw new Error(
      `${command} ${args[0] ?? ''} ended with ${ran.status}: ${(ran.stderr || ran.stdout).trim().split('\n').at(-1) ?? ''}`,
    )
}
