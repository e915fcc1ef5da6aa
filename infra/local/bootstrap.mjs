// First step of `npm start`, `npm test` and `npm run check`: plain JavaScript without dependencies, for any Node >= 18.
//   node infra/local/bootstrap.mjs install              packages only
//   node infra/local/bootstrap.mjs check                packages, then the checks on the pinned Node
//   node infra/local/bootstrap.mjs start|test [args …]  packages and servers, then the command line (or the tests) on the pinned Node
// Packages and servers are fetched side by side: npm's unpacking and the downloads use different resources.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensurePrerequisites, MissingPrerequisites } from './prerequisites.mjs'
import { installPackages, packagesAreCurrent } from './setup/packages.mjs'

const NODE_MINIMUM = 20
const NODE_WANTED = 24
const project = fileURLToPath(new URL('../../', import.meta.url))
const startedAt = Date.now()
const say = (line) =>
  process.stderr.write(`[setup ${String(Math.round((Date.now() - startedAt) / 1000)).padStart(3)} s] ${line}\n`)

const [command, ...args] = process.argv.slice(2)
if (!['install', 'check', 'start', 'test'].includes(command)) {
  process.stderr.write('usage: node infra/local/bootstrap.mjs install|check|start|test [arguments]\n')
  process.exit(2)
}
if (Number(process.versions.node.split('.')[0]) < NODE_MINIMUM) {
  process.stderr.write(
    `Isobar needs Node.js ${NODE_MINIMUM} or newer to set itself up; this is ${process.version}. See https://nodejs.org/en/download\n`,
  )
  process.exit(1)
}

await setUp()
if (command !== 'install') {
  const main = { check: 'infra/tools/check.ts', test: 'infra/local/test-main.ts' }[command]
  runInPlace(pinnedNode(), main ? [join(project, main), ...args] : [join(project, 'cli/main.ts'), command, ...args])
}

async function setUp() {
  let npm = null
  /** @type {Promise<unknown>[]} */
  const work = [packagesAreCurrent(project) ? null : installPackages(project, { say, onChild: (child) => (npm = child) })]
  if ((command === 'start' || command === 'test') && !args.includes('--help'))
    work.push(ensurePrerequisites({ parts: localParts(), say }))
  try {
    await Promise.all(work)
  } catch (error) {
    npm?.kill('SIGTERM')
    await Promise.allSettled(work)
    process.stderr.write(`\n${error instanceof MissingPrerequisites ? error.message : `The set-up failed.\n${error.message}`}\n`)
    process.exit(1)
  }
}

/** Servers with an address in the environment run elsewhere and need nothing here. */
function localParts() {
  const variables = { kafka: 'KAFKA_BROKERS', registry: 'SCHEMA_REGISTRY_URL', rabbitmq: 'AMQP_URL' }
  return Object.keys(variables).filter((part) => !process.env[variables[part]] && !process.env[`${variables[part]}_FILE`])
}

/** Node 24 comes as a package for the common platforms; elsewhere the system's will do if it is new enough. */
function pinnedNode() {
  const pinned = join(project, 'node_modules/.bin/node')
  if (existsSync(pinned)) return pinned
  if (Number(process.versions.node.split('.')[0]) >= NODE_WANTED) return process.execPath
  process.stderr.write(
    `There is no packaged Node ${NODE_WANTED} for ${process.platform}-${process.arch}; install Node.js ${NODE_WANTED} and start again.\n`,
  )
  process.exit(1)
}

/** Runs the real program, passing on signals, and ends as it ends. */
function runInPlace(node, argv) {
  // The channel tells the program when this process was killed: it then stops its children.
  const child = spawn(node, argv, { cwd: process.cwd(), stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to the whole foreground group: the child already has it.
      if (signal === 'SIGINT' && process.stdin.isTTY) return
      child.kill(signal)
    })
  }
  if (process.env.npm_lifecycle_event) {
    const parent = process.ppid
    const watch = setInterval(() => {
      if (process.ppid === parent) return
      // npm was killed. Told once: a second signal would cut the orderly end short.
      clearInterval(watch)
      child.kill('SIGTERM')
    }, 1000).unref()
  }
  child.on('error', (error) => {
    process.stderr.write(`${node} could not be started: ${error.message}\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name)
    if (signal) process.kill(process.pid, signal)
    else process.exit(code ?? 1)
  })
}
