// Installed packages kept in the cache, hard-linked: the second clone with the same lockfile links them instead of unpacking 1 GB again.
import {
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { cachedFolder, cacheRoot, isWhole } from './cache.mjs'

const PREFIX = 'packages-'
const KEPT = 2
/** Rewritten in place by npm: each clone has its own. */
const OWN_COPY = new Set(['.package-lock.json', '.isobar-installed.json'])
/** Written while running (bundler caches): not part of what was installed. */
const LEFT_OUT = new Set(['.vite', '.cache', '.vite-temp'])

/** Puts the kept packages of this fingerprint in place of `project`/node_modules. False when there are none, or they are damaged. */
export function restorePackages(project, fingerprint) {
  const kept = folderOf(fingerprint)
  if (!isWhole(kept)) return false
  const target = join(project, 'node_modules')
  const scratch = mkdtempSync(join(project, '.isobar-packages-'))
  try {
    linkTree(join(kept, 'node_modules'), join(scratch, 'node_modules'))
    rmSync(target, { recursive: true, force: true })
    renameSync(join(scratch, 'node_modules'), target)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  return true
}

/** Keeps what is installed in `project` for other clones, and lets go of all but the newest few. */
export async function keepPackages(project, fingerprint) {
  await cachedFolder(`${PREFIX}${fingerprint}`, (scratch) =>
    linkTree(join(project, 'node_modules'), join(scratch, 'node_modules')),
  )
  const root = cacheRoot()
  const old = readdirSync(root)
    .filter((name) => /^packages-[0-9a-f]+$/.test(name) && name !== `${PREFIX}${fingerprint}`)
    .map((name) => ({ name, at: lstatSync(join(root, name)).mtimeMs }))
    .sort((a, b) => b.at - a.at)
    .slice(KEPT - 1)
  for (const { name } of old) rmSync(join(root, name), { recursive: true, force: true })
}

const folderOf = (fingerprint) => join(cacheRoot(), `${PREFIX}${fingerprint}`)

/** Directories anew, files as hard links; as copies where the cache is on another file system. */
function linkTree(from, to) {
  mkdirSync(to, { recursive: true })
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target)
    else if (entry.isDirectory()) {
      if (!LEFT_OUT.has(entry.name)) linkTree(source, target)
    } else if (OWN_COPY.has(entry.name)) copyFileSync(source, target)
    else linkOrCopy(source, target)
  }
}

function linkOrCopy(source, target) {
  try {
    linkSync(source, target)
  } catch (error) {
    if (error.code !== 'EXDEV' && error.code !== 'EPERM' && error.code !== 'EMLINK') throw error
    copyFileSync(source, target)
  }
}
