// Debian/Ubuntu packages without root and without installing them: downloaded with the system's own apt and unpacked into the cache.
// Never installed system-wide: an installed RabbitMQ would start its own service.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { run, runOk, which } from './run.mjs'

const SYSTEM_LISTS = '/var/lib/apt/lists'
const DPKG_STATUS = '/var/lib/dpkg/status'
const ENV = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' }

export function hasApt() {
  return process.platform === 'linux' && which('apt-get') !== null && which('dpkg') !== null && existsSync(DPKG_STATUS)
}

/**
 * Unpacks `packages` and what they depend on into `<dir>/root`.
 * Packages whose name matches `bundle` are taken along even if they are installed, so that the tree does not lean on a half-installed
 * system; other dependencies that the system has (libc, libssl …) are used from the system.
 */
export async function unpackPackages(dir, packages, bundle) {
  const apt = join(dir, 'apt')
  for (const folder of ['state/lists/partial', 'cache/archives/partial', 'debs'])
    mkdirSync(join(apt, folder), { recursive: true })
  writeFileSync(join(apt, 'status'), withoutPackages(readFileSync(DPKG_STATUS, 'utf8'), bundle))
  const options = (lists) =>
    [
      `Dir::State=${join(apt, 'state')}`,
      `Dir::State::status=${join(apt, 'status')}`,
      `Dir::State::lists=${lists}`,
      `Dir::Cache=${join(apt, 'cache')}`,
      'Debug::NoLocking=1',
      'APT::Sandbox::User=root',
    ].flatMap((option) => ['-o', option])

  const files =
    (await download(apt, options(SYSTEM_LISTS), packages)) ??
    (await downloadWithFreshLists(apt, options(join(apt, 'state/lists')), packages))

  const root = join(dir, 'root')
  mkdirSync(root, { recursive: true })
  for (const file of files) await runOk('dpkg', ['-x', file, root], { env: ENV })
  rmSync(apt, { recursive: true, force: true })
  repointLinks(root)
  return root
}

/** With the lists that the system has. Null when they are absent or too old to serve (a package has moved on): fresh lists are tried then. */
async function download(apt, options, packages) {
  const plan = await run(
    'apt-get',
    [...options, 'install', '--no-install-recommends', '--print-uris', '-y', '-qq', ...packages],
    { env: ENV },
  )
  if (plan.code !== 0) return null
  const names = plan.stdout
    .split('\n')
    .filter((line) => line.startsWith("'"))
    .map((line) => line.split(' ')[1].split('_')[0])
  if (names.length === 0) return null
  const folder = join(apt, 'debs')
  const fetched = await run('apt-get', [...options, '-q', 'download', ...names], { env: ENV, cwd: folder })
  if (fetched.code !== 0) return null
  return readdirSync(folder)
    .filter((name) => name.endsWith('.deb'))
    .map((name) => join(folder, name))
}

async function downloadWithFreshLists(apt, options, packages) {
  // A source that cannot be reached (a third-party one) makes update exit non-zero while the others are fine; what counts is the download.
  const update = await run('apt-get', [...options, '-q', 'update'], { env: ENV })
  const files = await download(apt, options, packages)
  if (files === null) {
    const detail = `${update.stdout}\n${update.stderr}`.trim().split('\n').slice(-8).join('\n')
    throw new Error(`apt-get could not download ${packages.join(', ')}:\n${detail}`)
  }
  return files
}

/** A dpkg status file in which the packages whose name matches `pattern` are not installed. */
function withoutPackages(status, pattern) {
  return status
    .split(/\n\n+/)
    .filter((stanza) => !pattern.test(/^Package: (\S+)/m.exec(stanza)?.[1] ?? ''))
    .join('\n\n')
}

/** Absolute links inside the tree (Java's conf → /etc/java-17-openjdk) are pointed at the same path inside the tree when it exists there. */
function repointLinks(root) {
  const walk = (dir) => {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      const path = join(dir, entry.name)
      if (entry.isDirectory()) walk(path)
      if (!entry.isSymbolicLink()) continue
      const target = readlinkSync(path)
      if (!target.startsWith('/') || !existsSync(join(root, target))) continue
      rmSync(path)
      symlinkSync(relative(dirname(path), join(root, target)), path)
    }
  }
  walk(root)
}

/** Erlang's start scripts name /usr/lib/erlang; made to find the tree from their own place, so that the cache folder can be moved. */
export function relocateErlang(root) {
  const home = join(root, 'usr/lib/erlang')
  const erts = readdirSync(home).find((name) => name.startsWith('erts-'))
  if (!erts) throw new Error(`no erts-* folder in ${home}`)
  for (const [folder, up] of [
    ['bin', '..'],
    [join(erts, 'bin'), '../..'],
  ]) {
    for (const name of ['erl', 'start', 'start_erl']) {
      const file = join(home, folder, name)
      if (!existsSync(file)) continue
      const text = readFileSync(file, 'utf8')
      const own = `"$(cd "$(dirname "$(readlink -f "$0")")/${up}" && pwd)"`
      const changed = text.replace(/^(\s*ROOTDIR=)\/usr\/lib\/erlang$/gm, (_, head) => `${head}${own}`)
      if (changed !== text) writeFileSync(file, changed)
    }
  }
}

/** Copies a file only when the tree lacks it. */
export function copyIfMissing(from, to) {
  if (existsSync(to) || !existsSync(from)) return
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(from, to)
}
