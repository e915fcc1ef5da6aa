/** Builds the page into dist/, only when its sources changed since the last build. */
import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('.', import.meta.url))
const stampFile = 'sources.sha256'
/** What goes into the page besides this folder. */
const outside = ['../../schemas/quantities.ts', '../../node_modules/uplot/package.json', '../../node_modules/vite/package.json']

export type DashboardBuild = { directory: string; built: boolean; milliseconds: number }

/** Where the built page lives. */
export const dashboardDirectory = join(root, 'dist')

/** Throws when the build fails. A fresh dist/ costs a few milliseconds. */
export async function buildDashboard(): Promise<DashboardBuild> {
  const startedAt = performance.now()
  const stamp = await hashSources()
  const stampPath = join(dashboardDirectory, stampFile)
  const built = (await readIfThere(stampPath)) !== stamp
  if (built) {
    // Imported only when needed: loading Vite costs more than checking the stamp.
    const { build } = await import('vite')
    await build({ root, configFile: join(root, 'vite.config.ts'), logLevel: 'warn' })
    await writeFile(stampPath, stamp)
  }
  return { directory: dashboardDirectory, built, milliseconds: Math.round(performance.now() - startedAt) }
}

async function hashSources(): Promise<string> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter(
      (path) =>
        /^(src|public)\/|^((?:index|docs|outbox)\.html|vite\.config\.ts)$/.test(path.replaceAll('\\', '/')) &&
        !path.endsWith('.test.ts'),
    )
  const hash = createHash('sha256')
  for (const path of [...files.sort(), ...outside]) {
    hash.update(path).update('\0')
    hash.update(await readFile(join(root, path))).update('\0')
  }
  return hash.digest('hex')
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const result = await buildDashboard()
  console.error(result.built ? `dashboard built in ${result.milliseconds} ms` : 'dashboard is up to date')
}
