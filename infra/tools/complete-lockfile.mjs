// Adds to package-lock.json the optional platform packages that the registry mirror in use does not carry.
// npm drops an optional dependency that it could not fetch from the lockfile it writes, and `npm ci` then refuses that lockfile
// as incomplete on every machine. A platform package is never fetched where its os/cpu do not match, so an entry with
// version + os + cpu is all that is needed; the integrity hash is added by npm on a machine where the package is installed.
// Run after `npm install`: node infra/tools/complete-lockfile.mjs
import { readFileSync, writeFileSync } from 'node:fs'

const file = new URL('../../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8'))
const OS = {
  android: 'android',
  darwin: 'darwin',
  freebsd: 'freebsd',
  linux: 'linux',
  openharmony: 'openharmony',
  win32: 'win32',
}
const CPU = ['arm64', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'arm']
let added = 0
for (const parent of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`
    if (lock.packages[path]) continue
    const os = Object.keys(OS).find((o) => name.includes(o))
    const cpu = CPU.find((c) => name.includes(c))
    if (!os || !cpu) throw new Error(`cannot tell the platform of optional package ${name}; add it to package-lock.json by hand`)
    lock.packages[path] = {
      version,
      cpu: [cpu],
      optional: true,
      os: [OS[os]],
      ...(name.includes('musl') ? { libc: ['musl'] } : {}),
    }
    added++
  }
}
const root = lock.packages['']
lock.packages = Object.fromEntries([
  ['', root],
  ...Object.entries(lock.packages)
    .filter(([k]) => k !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1)),
])
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
console.error(`package-lock.json: ${added} platform entries added`)
