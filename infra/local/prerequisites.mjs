// What the local servers need beside Node: Java >= 17, Maven and RabbitMQ with Erlang. Used when the system has them; on Debian/Ubuntu
// what is missing is downloaded and unpacked into the cache; elsewhere one screen names what is missing and how to get it.
// Plain JavaScript for any Node >= 18, no dependencies: the bootstrap runs it before packages are installed.
import { existsSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cachedFolder, cacheRoot, isWhole } from './setup/cache.mjs'
import { classArchive, kafkaClassPath, registryJar } from './setup/class-archives.mjs'
import { copyIfMissing, hasApt, relocateErlang, unpackPackages } from './setup/debian.mjs'
import { isExecutable, run, runOk, which, withProgress } from './setup/run.mjs'
import { writeTrustStore } from './setup/trust-store.mjs'

export const KAFKA_VERSION = '4.1.1'
export const APICURIO_VERSION = '2.6.13.Final'
const JAVA_MINIMUM = 17
const RETRY_MS = 5000
/** Name of the cached folder; the number goes up when the way it is built changes. */
const SERVERS_FOLDER = `servers-kafka-${KAFKA_VERSION}-apicurio-${APICURIO_VERSION}-1`

/** Something that cannot be had by this program; `message` is the whole screen for the user. */
export class MissingPrerequisites extends Error {
  constructor(missing, reasons) {
    super(missingScreen(missing, reasons))
    this.name = 'MissingPrerequisites'
    this.missing = missing
  }
}

/**
 * Finds or fetches everything the local servers need.
 * `parts`: which servers are wanted (those with an address in the environment are not). `say`: takes progress lines.
 * Returns { java: { command, env, version } | null, kafka: { classPath, archive } | null, registry: the same, rabbitmq: { server, epmd, env } | null }.
 * Throws MissingPrerequisites with everything that is missing at once.
 */
export async function ensurePrerequisites({ parts = ['kafka', 'registry', 'rabbitmq'], say = () => {}, env = process.env } = {}) {
  const root = cacheRoot(env)
  const missing = []
  const reasons = []
  const attempt = async (name, work) => {
    try {
      const found = await work().catch(async (error) => {
        // Mirrors and networks have their moments; what fails twice is reported.
        say(`${name}: ${error.message.trim().split('\n').at(-1)}; once more in ${RETRY_MS / 1000} s`)
        await sleep(RETRY_MS)
        return work()
      })
      if (found === null) missing.push(name)
      return found
    } catch (error) {
      missing.push(name)
      reasons.push(`${name}: ${error.message}`)
      return null
    }
  }
  const wantsJava = parts.includes('kafka') || parts.includes('registry')
  const wantsRabbit = parts.includes('rabbitmq')
  const javaAndServers = async () => {
    const java = await attempt('java', () => findJava(root, say, env))
    const servers = java && (await attempt('maven', () => fetchServers(root, java, say, env)))
    if (!servers) return { java, kafka: null, registry: null }
    const prepared = async (name, home, classPath) => {
      if (!parts.includes(name)) return null
      return { classPath, archive: await classArchive(name, { java, home, classPath, root, say, env }) }
    }
    const [jars, apicurio] = [join(servers, 'kafka'), join(servers, 'apicurio')]
    const [kafka, registry] = await Promise.all([
      prepared('kafka', jars, kafkaClassPath(jars)),
      prepared('registry', apicurio, registryJar(apicurio, APICURIO_VERSION)),
    ])
    return { java, kafka, registry }
  }
  const [{ java, kafka, registry }, rabbitmq] = await Promise.all([
    wantsJava ? javaAndServers() : { java: null, kafka: null, registry: null },
    wantsRabbit ? attempt('rabbitmq', () => findRabbitMq(root, say, env)) : null,
  ])
  if (missing.length > 0) throw new MissingPrerequisites(missing, reasons)
  return {
    java,
    kafka,
    registry,
    rabbitmq,
  }
}

/**
 * The same without fetching anything. Per program: 'system', 'cache' (unpacked earlier), 'fetchable' (by the next start) or 'missing';
 * `servers` is true when Kafka and the registry are in the cache, from when on Maven is not needed.
 */
export async function inspectPrerequisites(env = process.env) {
  const root = cacheRoot(env)
  const elsewhere = (name) => (isWhole(join(root, unpackedFolder(name))) ? 'cache' : hasApt() ? 'fetchable' : 'missing')
  const rabbitmq = mayUseSystem('rabbitmq', env) && installedRabbitMq(env) !== null
  return {
    java: (await systemJava(env)) ? 'system' : elsewhere('java'),
    maven: systemMaven(env) ? 'system' : elsewhere('maven'),
    rabbitmq: rabbitmq ? 'system' : elsewhere('rabbitmq'),
    servers: isWhole(join(root, SERVERS_FOLDER)),
  }
}

/** The command that installs these (java, maven, rabbitmq, chromium) here; null without a known package manager. */
export function installLine(names) {
  const installer = INSTALLERS.find(({ command }) => which(command) !== null)
  return installer ? `${installer.line} ${names.map((name) => installer.packages[name]).join(' ')}` : null
}

const unpackedFolder = (name) => `${name}-debian-${process.arch}`

/** Names in ISOBAR_IGNORE_SYSTEM (java, maven, rabbitmq) are treated as not installed; used to test the unpacked ones. */
function mayUseSystem(name, env) {
  return !(env.ISOBAR_IGNORE_SYSTEM ?? '').split(',').includes(name)
}

// ---- Java ----

async function systemJava(env) {
  if (!mayUseSystem('java', env)) return null
  const candidates = [
    env.JAVA_HOME && join(env.JAVA_HOME, 'bin/java'),
    which('java', env.PATH),
    '/opt/homebrew/opt/openjdk/bin/java',
    '/usr/local/opt/openjdk/bin/java',
  ]
  for (const command of candidates) {
    if (!command || !isExecutable(command)) continue
    const version = await javaVersion(command)
    if (majorOf(version) >= JAVA_MINIMUM) return { command, env: {}, version }
  }
  return null
}

async function findJava(root, say, env) {
  const installed = await systemJava(env)
  if (installed) return installed
  if (!hasApt()) return null
  const folder = await cachedFolder(
    unpackedFolder('java'),
    (dir) =>
      withProgress(say, 'Java: downloading Debian packages', async () => {
        const packages = await firstAvailable(['openjdk-17-jre-headless', 'openjdk-21-jre-headless', 'default-jre-headless'])
        const tree = await unpackPackages(dir, [packages], /^(openjdk-|java-common$|ca-certificates-java$|default-jre)/)
        const home = unpackedJavaHome(tree)
        rmSync(join(home, 'lib/security/cacerts'), { force: true })
        writeTrustStore(join(home, 'lib/security/cacerts'), { env })
        const major = majorOf(await javaVersion(join(home, 'bin/java'), unpackedEnv(tree)))
        if (major < JAVA_MINIMUM) throw new Error(`the unpacked Java does not run (version ${major})`)
      }),
    { root, onWait: (text) => say(`Java: ${text}`) },
  )
  const tree = join(folder, 'root')
  const home = unpackedJavaHome(tree)
  const command = join(home, 'bin/java')
  const unpacked = { JAVA_HOME: home, ...unpackedEnv(tree) }
  return { command, env: unpacked, version: await javaVersion(command, unpacked) }
}

function unpackedJavaHome(tree) {
  const base = join(tree, 'usr/lib/jvm')
  const name = readdirSync(base).find((entry) => existsSync(join(base, entry, 'bin/java')))
  if (!name) throw new Error(`no Java below ${base}`)
  return join(base, name)
}

/** What Java says of itself; empty when it does not run. */
async function javaVersion(command, extraEnv = {}) {
  const { code, stdout, stderr } = await run(command, ['-version'], { env: { ...process.env, ...extraEnv } })
  return code === 0 ? stdout + stderr : ''
}

function majorOf(version) {
  return Number(/version "(\d+)/.exec(version)?.[1] ?? 0)
}

async function firstAvailable(packages) {
  for (const name of packages) {
    const { stdout } = await run('apt-cache', ['policy', name], { env: { ...process.env, LC_ALL: 'C' } })
    if (/Candidate: (?!\(none\))/.test(stdout)) return name
  }
  return packages[0] // the lists may be empty until they are refreshed; the first is the usual one
}

/** Libraries that came with the unpacked packages, for programs that were linked against /usr/lib. */
function unpackedEnv(tree) {
  const folders = ['usr/lib', 'lib'].flatMap((base) => {
    const dir = join(tree, base)
    if (!existsSync(dir)) return []
    return readdirSync(dir)
      .filter((name) => /-linux-gnu/.test(name))
      .map((name) => join(dir, name))
  })
  if (folders.length === 0) return {}
  const inherited = process.env.LD_LIBRARY_PATH
  return { LD_LIBRARY_PATH: [...folders, ...(inherited ? [inherited] : [])].join(':') }
}

// ---- Kafka and the registry, by Maven ----

function fetchServers(root, java, say, env) {
  return cachedFolder(
    SERVERS_FOLDER,
    async (dir) => {
      const maven = await findMaven(root, say, env)
      if (maven === null) throw new Error('Maven is needed once, to download Kafka and the registry')
      await withProgress(
        say,
        `Kafka ${KAFKA_VERSION} and Apicurio Registry ${APICURIO_VERSION}: downloading with Maven (190 MB)`,
        () => downloadServers(dir, maven, java, env),
      )
    },
    { root, onWait: (text) => say(`Kafka and registry: ${text}`) },
  )
}

async function downloadServers(dir, maven, java, env) {
  const pom = join(dir, 'pom.xml')
  writeFileSync(pom, serversPom())
  const jars = join(dir, 'kafka')
  mkdirSync(jars)
  const args = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${jars}`]
  await runOk(maven.command, args, { cwd: dir, env: { ...env, ...java.env, ...maven.env } })
  const archive = readdirSync(jars).find((name) => name.startsWith('apicurio-registry-app') && name.endsWith('.tar.gz'))
  if (!archive) throw new Error('Maven did not deliver the archive of Apicurio Registry')
  const registry = join(dir, 'apicurio')
  mkdirSync(registry)
  renameSync(join(jars, archive), join(dir, archive))
  await runOk('tar', ['-xzf', join(dir, archive), '-C', registry])
  rmSync(join(dir, archive))
  if (!existsSync(join(registry, `apicurio-registry-app-${APICURIO_VERSION}-runner.jar`)))
    throw new Error('the archive of Apicurio Registry has no runner jar')
  if (!readdirSync(jars).includes(`kafka_2.13-${KAFKA_VERSION}.jar`)) throw new Error('Maven did not deliver the Kafka server')
}

function serversPom() {
  const dependency = (group, artifact, version, extra = '') =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>${extra}</dependency>`
  const alone = '<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>'
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>isobar.local</groupId><artifactId>servers</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    ${dependency('org.apache.kafka', 'kafka_2.13', KAFKA_VERSION)}
    ${dependency('org.slf4j', 'slf4j-simple', '1.7.36')}
    ${dependency('io.apicurio', 'apicurio-registry-app', APICURIO_VERSION, `<type>tar.gz</type><classifier>all</classifier>${alone}`)}
  </dependencies>
</project>
`
}

function systemMaven(env) {
  if (!mayUseSystem('maven', env)) return null
  const candidates = [env.MAVEN_HOME && join(env.MAVEN_HOME, 'bin/mvn'), which('mvn', env.PATH)]
  const command = candidates.find((file) => file && isExecutable(file))
  return command ? { command, env: {} } : null
}

async function findMaven(root, say, env) {
  const installed = systemMaven(env)
  if (installed) return installed
  if (!hasApt()) return null
  const folder = await cachedFolder(
    unpackedFolder('maven'),
    (dir) =>
      withProgress(say, 'Maven: downloading Debian packages', async () => {
        const tree = await unpackPackages(dir, ['maven'], /^(maven|lib.*-java|libmaven.*|libplexus.*|java-wrappers)$/)
        // Debian's Maven keeps its settings in /etc/maven; the link to it was re-pointed into the tree.
        copyIfMissing('/etc/maven/settings.xml', join(tree, 'etc/maven/settings.xml'))
      }),
    { root, onWait: (text) => say(`Maven: ${text}`) },
  )
  const home = join(folder, 'root/usr/share/maven')
  return { command: join(home, 'bin/mvn'), env: { MAVEN_HOME: home, M2_HOME: home } }
}

// ---- RabbitMQ ----

async function findRabbitMq(root, say, env) {
  if (mayUseSystem('rabbitmq', env)) {
    const installed = installedRabbitMq(env)
    if (installed) return installed
  }
  if (!hasApt()) return null
  const folder = await cachedFolder(
    unpackedFolder('rabbitmq'),
    (dir) =>
      withProgress(say, 'RabbitMQ: downloading Debian packages', async () => {
        const tree = await unpackPackages(dir, ['rabbitmq-server'], /^(rabbitmq-server|erlang-.*)$/)
        relocateErlang(tree)
        for (const needless of ['usr/share/doc', 'usr/share/man', 'usr/share/locale'])
          rmSync(join(tree, needless), { recursive: true, force: true })
      }),
    { root, onWait: (text) => say(`RabbitMQ: ${text}`) },
  )
  const tree = join(folder, 'root')
  const erlang = join(tree, 'usr/lib/erlang')
  return {
    server: join(tree, 'usr/lib/rabbitmq/bin/rabbitmq-server'),
    epmd: epmdBeside(join(erlang, 'bin/erl')),
    env: { PATH: `${join(erlang, 'bin')}:${env.PATH ?? ''}`, ...unpackedEnv(tree) },
  }
}

/** The server's own script: the wrapper that packages put on PATH switches users and is of no use here. */
function installedRabbitMq(env) {
  const erl = which('erl', env.PATH)
  if (!erl) return null
  const onPath = which('rabbitmq-server', env.PATH)
  const candidates = [
    '/usr/lib/rabbitmq/bin/rabbitmq-server',
    '/opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server',
    '/usr/local/opt/rabbitmq/sbin/rabbitmq-server',
    onPath && basename(realpathSync(onPath)) !== 'rabbitmq-script-wrapper' ? onPath : null,
  ]
  const server = candidates.find((file) => file && isExecutable(file))
  if (!server) return null
  return { server, epmd: which('epmd', env.PATH) ?? epmdBeside(erl), env: {} }
}

function epmdBeside(erl) {
  const bin = dirname(realpathSync(erl))
  const home = dirname(bin)
  const erts = readdirSync(home).find((name) => name.startsWith('erts-'))
  const found = [join(bin, 'epmd'), erts && join(home, erts, 'bin/epmd')].find((file) => file && isExecutable(file))
  if (!found) throw new Error(`Erlang at ${home} has no epmd`)
  return found
}

// ---- what is missing ----

const NAMES = { java: `Java ${JAVA_MINIMUM} or newer`, maven: 'Maven', rabbitmq: 'RabbitMQ (with Erlang)' }

/** Package names by package manager. */
const INSTALLERS = [
  {
    command: 'brew',
    line: 'brew install',
    packages: { java: 'openjdk@17', maven: 'maven', rabbitmq: 'rabbitmq', chromium: 'google-chrome' },
  },
  {
    command: 'dnf',
    line: 'sudo dnf install',
    packages: { java: 'java-17-openjdk-headless', maven: 'maven', rabbitmq: 'rabbitmq-server', chromium: 'chromium' },
  },
  {
    command: 'yum',
    line: 'sudo yum install',
    packages: { java: 'java-17-openjdk-headless', maven: 'maven', rabbitmq: 'rabbitmq-server', chromium: 'chromium' },
  },
  {
    command: 'apk',
    line: 'sudo apk add',
    packages: { java: 'openjdk17-jre-headless', maven: 'maven', rabbitmq: 'rabbitmq-server', chromium: 'chromium' },
  },
  {
    command: 'pacman',
    line: 'sudo pacman -S',
    packages: { java: 'jre17-openjdk-headless', maven: 'maven', rabbitmq: 'rabbitmq', chromium: 'chromium' },
  },
  {
    command: 'zypper',
    line: 'sudo zypper install',
    packages: { java: 'java-17-openjdk-headless', maven: 'maven', rabbitmq: 'rabbitmq-server', chromium: 'chromium' },
  },
  {
    command: 'apt-get',
    line: 'sudo apt-get install',
    packages: { java: 'openjdk-17-jre-headless', maven: 'maven', rabbitmq: 'rabbitmq-server', chromium: 'chromium' },
  },
]

/** One screen: what is missing, why, and the command for this system. `installer` is chosen by what is on PATH. */
function missingScreen(missing, reasons) {
  const lines = ['Isobar runs its servers on this machine and needs something that is not here:', '']
  for (const name of missing) lines.push(`  - ${NAMES[name]}`)
  if (reasons.length > 0) lines.push('', ...reasons.map((reason) => `  ${reason.split('\n').join('\n    ')}`))
  lines.push('')
  const line = installLine(missing)
  if (line !== null) lines.push('Install it with', '', `  ${line}`)
  else lines.push('No known package manager was found; install the above so that java, mvn and rabbitmq-server are on PATH.')
  lines.push('', 'or use servers that run elsewhere: set KAFKA_BROKERS, SCHEMA_REGISTRY_URL and AMQP_URL.')
  return lines.join('\n')
}
