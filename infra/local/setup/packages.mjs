// npm packages: installed when missing or out of date against package-lock.json.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { cacheRoot, takeLock } from './cache.mjs'
import { keepPackages, restorePackages } from './package-store.mjs'
import { which, withProgress } from './run.mjs'

const STAMP = 'node_modules/.isobar-installed.json'

/** True when node_modules holds what package-lock.json asks for. Fast when the stamp of the last installation matches. */
export function packagesAreCurrent(project) {
  if (!existsSync(join(project, 'node_modules/.bin'))) return false
  const lockText = readFileSync(join(project, 'package-lock.json'), 'utf8')
  const wanted = fingerprint(lockText)
  if (readJson(join(project, STAMP))?.fingerprint === wanted) return true
  // Installed by hand (npm install): npm's own record tells which versions are there.
  const installed = readJson(join(project, 'node_modules/.package-lock.json'))
  if (!installed?.packages || !holdsAll(JSON.parse(lockText), installed)) return false
  writeStamp(project, wanted)
  return true
}

/** Every package of `lock` is in `installed` with its version; those for other platforms may be absent. */
function holdsAll(lock, installed) {
  return Object.entries(lock.packages).every(([path, entry]) => {
    if (path === '' || entry.link) return true
    const there = installed.packages[path]
    return there
      ? there.version === entry.version
      : entry.optional === true && (entry.os !== undefined || entry.cpu !== undefined)
  })
}

/**
 * Runs `npm ci`. `say` takes progress lines. One installation at a time per project; a second start waits and finds it done.
 * `onChild` gets npm's process, so that it can be ended when something else already failed.
 */
export async function installPackages(project, { say, onChild = () => {} }) {
  const npm = which('npm')
  if (npm === null) throw new Error('npm is not on PATH; install Node.js 20 or newer with npm')
  const root = cacheRoot()
  mkdirSync(root, { recursive: true })
  const name = createHash('sha256').update(project).digest('hex').slice(0, 16)
  const release = await takeLock(join(root, `install-${name}.lock`), (text) => say(`Packages: ${text}`))
  try {
    if (packagesAreCurrent(project)) return
    const wanted = fingerprint(readFileSync(join(project, 'package-lock.json'), 'utf8'))
    const startedAt = performance.now()
    if (restorePackages(project, wanted)) {
      say(`Packages: linked from the cache (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`)
      writeStamp(project, wanted)
      return
    }
    const count = Object.keys(readJson(join(project, 'package-lock.json')).packages).length - 1
    await withProgress(say, `Packages: npm ci (up to ${count} packages, about 900 MB)`, () => npmCi(npm, project, onChild))
    writeStamp(project, wanted)
    await keepPackages(project, wanted)
  } finally {
    release()
  }
}

function npmCi(npm, project, onChild) {
  return new Promise((resolve, reject) => {
    // include: a NODE_ENV=production in the shell must not leave out what the start needs.
    // fetch-retries: one answer that fails must not fail a thousand packages.
    const kinds = ['--include=dev', '--include=optional']
    const args = ['ci', '--prefer-offline', '--fetch-retries=5', '--no-audit', '--no-fund', ...kinds, '--loglevel=error']
    const child = spawn(npm, args, { cwd: project, stdio: ['ignore', 'pipe', 'pipe'] })
    onChild(child)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`npm ci ended with ${signal ?? code}:\n${output.trim().split('\n').slice(-20).join('\n')}`))
    })
  })
}

const fingerprint = (lockText) => createHash('sha256').update(`${process.platform} ${process.arch}\n${lockText}`).digest('hex')

function writeStamp(project, value) {
  writeFileSync(join(project, STAMP), JSON.stringify({ fingerprint: value }))
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return null // absent or torn: counts as not installed
  }
}
