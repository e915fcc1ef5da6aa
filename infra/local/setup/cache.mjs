// The download cache: ${XDG_CACHE_HOME:-~/.cache}/isobar. Every item is a folder that appears whole or not at all.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir, hostname } from 'node:os'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const MANIFEST = '.complete.json'
const LOCK_POLL_MS = 250

export function cacheRoot(env = process.env) {
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'isobar')
}

/**
 * Folder of one cached item; built by `build(dir)` when it is missing or damaged (a file gone, or of another size than when it was
 * built). Built beside its place and renamed, so that an interrupted download leaves nothing that looks whole. One builder at a
 * time across processes; the others wait and then use what it made.
 */
export async function cachedFolder(name, build, { root = cacheRoot(), onWait } = {}) {
  const target = join(root, name)
  if (isWhole(target)) return target
  mkdirSync(root, { recursive: true })
  const release = await takeLock(join(root, `${name}.lock`), onWait)
  try {
    if (isWhole(target)) return target
    const scratch = mkdtempSync(join(root, `.${name}-`))
    try {
      await build(scratch)
      writeFileSync(join(scratch, MANIFEST), JSON.stringify({ builtAt: new Date().toISOString(), files: listFiles(scratch) }))
      if (existsSync(target)) {
        const damaged = mkdtempSync(join(root, `.damaged-${name}-`))
        renameSync(target, join(damaged, 'content'))
        rmSync(damaged, { recursive: true, force: true })
      }
      renameSync(scratch, target)
    } finally {
      rmSync(scratch, { recursive: true, force: true })
    }
    return target
  } finally {
    release()
  }
}

/** True when every file that was there when the item was built is still there with its size. */
export function isWhole(folder) {
  let manifest
  try {
    manifest = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8'))
  } catch {
    return false // no manifest, or a torn one: the item is not whole
  }
  return manifest.files.every(([path, size]) => {
    const stat = lstatSync(join(folder, path), { throwIfNoEntry: false })
    return stat !== undefined && (size === null || stat.size === size)
  })
}

/** [path, bytes] of each file; null bytes for links, whose length depends on nothing worth checking. */
function listFiles(folder) {
  const files = []
  const walk = (dir) => {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      const path = join(dir, entry.name)
      if (entry.isDirectory()) walk(path)
      else if (entry.name !== MANIFEST) files.push([relative(folder, path), entry.isSymbolicLink() ? null : lstatSync(path).size])
    }
  }
  walk(folder)
  return files
}

/** A lock file with the holder's pid. A lock whose holder is gone is taken over; losing that race costs double work, never a broken item. */
export async function takeLock(file, onWait) {
  const me = `${hostname()} ${process.pid}`
  let told = false
  for (;;) {
    try {
      writeFileSync(file, me, { flag: 'wx' })
      return () => rmSync(file, { force: true })
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    const holder = readHolder(file)
    if (holder !== null && isDead(holder)) {
      rmSync(file, { force: true })
      continue
    }
    if (!told) onWait?.(`waiting for another process that is fetching the same (${holder ?? 'unknown'})`)
    told = true
    await sleep(LOCK_POLL_MS)
  }
}

function readHolder(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null // released in between: the next round takes it
  }
}

function isDead(holder) {
  const [host, pid] = holder.split(' ')
  if (host !== hostname() || !Number(pid)) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}
