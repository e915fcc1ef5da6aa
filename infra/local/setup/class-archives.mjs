// Kafka and the registry start in less than half of the processor time when the JVM maps their classes from an archive instead of
// reading and verifying thousands of them (application class-data sharing, JEP 350). Such an archive fits one Java and one folder of
// jars; a JVM that finds it unfit starts without it. Made once, by starting each server and ending it again.
// Plain JavaScript for any Node >= 18, no dependencies.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cachedFolder } from './cache.mjs'
import { freePort, HOST, kafkaAnswers } from './loopback.mjs'
import { runOk, withProgress } from './run.mjs'

const ARCHIVE = 'classes.jsa'
const READY_MS = 60_000
const END_MS = 60_000
/** Both the training and the real start must name their jars the same way, or the archive is not taken. */
export const kafkaClassPath = (jars) => ['-cp', join(jars, '*')]
export const registryJar = (apicurio, version) => ['-jar', join(apicurio, `apicurio-registry-app-${version}-runner.jar`)]

/** What a JVM must be told to use an archive; nothing when there is none. An archive that does not fit is passed over in silence. */
export function archiveFlags(archive) {
  return archive ? [`-XX:SharedArchiveFile=${archive}`, '-Xshare:auto', '-Xlog:disable', '-Xlog:all=error:stderr'] : []
}

/**
 * Path of the class archive of one server ('kafka' or 'registry'), made when it is missing; null where this Java cannot make one.
 * `home`: the folder of its jars; `classPath`: the JVM's arguments that name them.
 */
export async function classArchive(name, { java, home, classPath, root, say, env }) {
  const key = createHash('sha256')
    .update([java.command, java.version, home, ...classPath].join('\n'))
    .digest('hex')
    .slice(0, 16)
  const folder = await cachedFolder(
    `classes-${name}-${key}`,
    (dir) =>
      withProgress(say, `${name}: preparing fast starts, once`, async () => {
        await baseArchive(java, env)
        const reason = await train(TRAINED[name], dir, { java, classPath, env }).catch((error) => error.message)
        if (reason) {
          rmSync(join(dir, ARCHIVE), { force: true })
          writeFileSync(join(dir, 'reason.txt'), `${reason}\n`)
          say(`${name}: starts without a class archive here: ${reason.split('\n')[0]}`)
        }
        for (const other of readdirSync(root)) {
          if (other.startsWith(`classes-${name}-`) && other !== `classes-${name}-${key}` && !other.endsWith('.lock'))
            rmSync(join(root, other), { recursive: true, force: true })
        }
      }),
    { root, onWait: (text) => say(`${name}: ${text}`) },
  )
  const archive = join(folder, ARCHIVE)
  return existsSync(archive) ? archive : null
}

/** Debian makes Java's own archive when the package is installed; the unpacked one lacks it, and ours builds on it. */
async function baseArchive(java, env) {
  const home = java.env.JAVA_HOME
  if (home && !existsSync(join(home, 'lib/server/classes.jsa')))
    await runOk(java.command, ['-Xshare:dump'], { env: { ...env, ...java.env } })
}

/** Null when the archive was made, else why not. */
async function train({ prepare, answers }, dir, { java, classPath, env }) {
  const scratch = join(dir, 'scratch')
  mkdirSync(scratch)
  const jvm = ['-Xmx320m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.awt.headless=true']
  const port = await freePort()
  const server = await prepare({
    scratch,
    port,
    java: (args) => runOk(java.command, [...jvm, ...classPath, ...args], { env: { ...env, ...java.env } }),
  })
  const child = spawn(java.command, [...jvm, `-XX:ArchiveClassesAtExit=${join(dir, ARCHIVE)}`, ...classPath, ...server.args], {
    cwd: scratch,
    env: { ...env, ...java.env, ...server.env },
    stdio: 'ignore',
  })
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(`ended with ${signal ?? code}`))
  })
  try {
    const early = await Promise.race([ended, until(() => answers(port), READY_MS)])
    if (early !== null) return `the trial start failed: ${early}`
    child.kill('SIGTERM')
    await Promise.race([ended, sleep(END_MS)])
  } finally {
    child.kill('SIGKILL')
    await ended
    rmSync(scratch, { recursive: true, force: true })
  }
  return existsSync(join(dir, ARCHIVE)) ? null : 'this Java made no archive'
}

const TRAINED = {
  kafka: {
    async prepare({ scratch, port, java }) {
      const controller = await freePort()
      const properties = join(scratch, 'server.properties')
      writeFileSync(
        properties,
        `process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://${HOST}:${port},CONTROLLER://${HOST}:${controller}
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=${HOST}:${controller}
log.dirs=${join(scratch, 'log')}
offsets.topic.replication.factor=1
`,
      )
      await java(['kafka.tools.StorageTool', 'format', '--cluster-id=isobar-class-archive-0', '-c', properties, '--standalone'])
      return { args: ['kafka.Kafka', properties], env: {} }
    },
    answers: kafkaAnswers,
  },
  registry: {
    prepare: ({ port }) => ({
      args: [],
      env: { QUARKUS_HTTP_HOST: HOST, QUARKUS_HTTP_PORT: String(port), QUARKUS_LOG_LEVEL: 'WARN' },
    }),
    /** A registration too: what it needs is loaded at the first one only. */
    answers: (port) =>
      fetch(`http://${HOST}:${port}/apis/ccompat/v7/subjects/isobar-value/versions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ schema: JSON.stringify({ type: 'record', name: 'Trial', fields: [] }) }),
      }).then(
        (response) => response.ok,
        () => false, // not listening yet
      ),
  },
}

/** Null when it became true, else what to say. */
async function until(check, limitMs) {
  const deadline = Date.now() + limitMs
  while (!(await check())) {
    if (Date.now() > deadline) return `no answer within ${limitMs / 1000} s`
    await sleep(100)
  }
  return null
}
