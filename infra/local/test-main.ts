// What `npm test` runs after the set-up: every group of tests in turn, each with its own output, and one closing line of counts.
//   npm test                 unit, int and e2e
//   npm test -- chaos        kills, outages, poison and swaps under load on the whole system (about fifteen minutes)
//   npm test -- unit int     these groups
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { watchParent } from './parent.ts'

const GROUPS = ['unit', 'int', 'e2e', 'chaos'] as const
const BY_DEFAULT = ['unit', 'int', 'e2e'] as const
type Group = (typeof GROUPS)[number]
type Counts = { passed: number; failed: number; skipped: number }

/** The part of vitest's JSON report that is read here. */
const Report = z.object({
  success: z.boolean(),
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
})

const project = fileURLToPath(new URL('../../', import.meta.url))
const CHROMIUM_PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !GROUPS.some((group) => group === name))
if (unknown.length > 0) {
  console.error(`unknown group ${unknown.join(', ')}; there are ${GROUPS.join(', ')}`)
  process.exit(2)
}
const groups = asked.length > 0 ? GROUPS.filter((group) => asked.includes(group)) : BY_DEFAULT

const scratch = mkdtempSync(join(tmpdir(), 'isobar-test-report-'))
const browser = groups.includes('e2e') ? findBrowser() : null
const totals: Counts = { passed: 0, failed: 0, skipped: 0 }
for (const group of groups) {
  const startedAt = performance.now()
  console.log(`\n== ${group} tests ==`)
  const counts = await runGroup(group)
  totals.passed += counts.passed
  totals.failed += counts.failed
  totals.skipped += counts.skipped
  console.log(`== ${group}: ${describe(counts)} in ${Math.round((performance.now() - startedAt) / 1000)} s ==`)
}
rmSync(scratch, { recursive: true, force: true })
if (totals.passed + totals.failed === 0) console.error('no test was run')
console.log(`\n${describe(totals)}`)
process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1

function describe({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

/** One vitest run. A run that ends badly without a failed test (a file that does not load, a set-up that fails) counts as one failure. */
async function runGroup(group: Group): Promise<Counts> {
  const reportFile = join(scratch, `${group}.json`)
  const vitest = join(project, 'node_modules/vitest/vitest.mjs')
  const args = [
    vitest,
    'run',
    '--project',
    group,
    '--passWithNoTests',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportFile}`,
  ]
  const child = spawn(process.execPath, args, {
    cwd: project,
    stdio: 'inherit',
    env: { ...process.env, ...(browser === null ? {} : { CHROMIUM_PATH: browser }) },
  })
  const pass = (signal: NodeJS.Signals) => (): void => void child.kill(signal)
  const onInterrupt = pass('SIGINT')
  const onTerminate = pass('SIGTERM')
  process.on('SIGINT', onInterrupt)
  process.on('SIGTERM', onTerminate)
  watchParent(onTerminate)
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (exitCode) => resolve(exitCode ?? 1))
  })
  process.off('SIGINT', onInterrupt)
  process.off('SIGTERM', onTerminate)

  if (!existsSync(reportFile)) return { passed: 0, failed: code === 0 ? 0 : 1, skipped: 0 }
  const report = Report.parse(JSON.parse(readFileSync(reportFile, 'utf8')))
  const failed = report.numFailedTests > 0 ? report.numFailedTests : code === 0 ? 0 : 1
  return { passed: report.numPassedTests, failed, skipped: report.numPendingTests + report.numTodoTests }
}

/** A browser for the page's tests: the system's; in CI, as root on Debian, it is installed. Null: those tests are skipped by themselves. */
function findBrowser(): string | null {
  const installed = (): string | undefined =>
    [process.env['CHROMIUM_PATH'], ...CHROMIUM_PLACES].find((path) => path !== undefined && path !== '' && existsSync(path))
  if (installed() === undefined && process.env['CI'] === 'true' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log('installing Chromium for the tests of the page …')
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    try {
      execFileSync('sh', ['-c', '(apt-get -q update || true) && apt-get -q install -y --no-install-recommends chromium'], {
        env,
        stdio: ['ignore', 'ignore', 'inherit'],
      })
    } catch (error) {
      console.error(`Chromium could not be installed: ${(error as Error).message}`)
    }
  }
  const found = installed() ?? null
  if (found === null) console.log('no Chromium found (install it, or set CHROMIUM_PATH): the tests of the page are skipped')
  return found
}
