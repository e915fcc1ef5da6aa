/** What a newcomer does: clones the project, types `npm start`, opens the page, presses Ctrl-C. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { isRunning } from '../../infra/local/process-identity.ts'
import { type RecordedProcess, readRunFile, type RunRecord, runFilePath } from '../../infra/local/run-file.ts'
import { processesOf } from '../../tests/support/processes.ts'

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))
const READY = 'Ctrl-C stops everything'
const LIMIT_MS = 300_000
const POLL_MS = 50
const SIGNALS = ['SIGINT', 'SIGTERM'] as const
/** A station of the list has a forecast for its next hour, and the chart has more hours than were observed. */
const FORECAST_SHOWN = `(() => {
  const stations = [...document.querySelectorAll('#stations .station')]
  return stations.some((station) => station.children[2].querySelector('b').textContent !== '–') &&
    Number(document.querySelector('#chart .plot')?.dataset.rows ?? 0) >= 168
})()`

export type Start = {
  /** Seconds since `from` until the start screen was there, and until the page (or, without a browser, the API) showed a forecast. */
  readonly readySeconds: number
  readonly forecastSeconds: number
  /** Something had to be fetched: not what is to be measured. */
  readonly wasCold: boolean
  readonly run: RunRecord
  /** Ctrl-C; how long until `npm start` had ended, and what still runs then. */
  interrupt(): Promise<{ readonly seconds: number; readonly left: number }>
  /** SIGKILL to the launcher, the process that has all others as children. */
  killLauncher(): Promise<void>
}

/** The committed state of this checkout, in a new folder. */
export function clone(folder: string): void {
  execFileSync('git', ['clone', '--quiet', PROJECT, folder], { stdio: ['ignore', 'ignore', 'inherit'] })
}

/** `npm start` in a clone; `from` is when the newcomer began (`performance.now()`). Resolves when a forecast is on the page. */
export async function npmStart(folder: string, home: string, from: number, browser: Browser | null): Promise<Start> {
  const seconds = (): number => (performance.now() - from) / 1000
  // A group of its own: a Ctrl-C for this bench is not one for it, and what is left of it can be ended together.
  const npm = spawn('npm', ['start'], { cwd: folder, env: newcomerEnv(home), stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const exited = once(npm, 'exit')
  let output = ''
  for (const stream of [npm.stdout, npm.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const wait = async (what: string, check: () => boolean | Promise<boolean>): Promise<number> => {
    while (!(await check())) {
      if (npm.exitCode !== null || npm.signalCode !== null) throw new Error(`npm start ended before ${what}:\n${output}`)
      if (seconds() * 1000 > LIMIT_MS) throw new Error(`not within ${LIMIT_MS / 1000} s: ${what}\n${output}`)
      await sleep(POLL_MS)
    }
    return seconds()
  }
  const file = runFilePath(home)
  const record = (): RunRecord => {
    const found = readRunFile(file)
    if (found === null) throw new Error(`no run file at ${file}`)
    return found
  }
  // A terminal gives Ctrl-C to every process of the foreground group; npm's shell would not pass on one that only npm got.
  const ctrlC = (): void => {
    if (npm.pid !== undefined && npm.exitCode === null && npm.signalCode === null) process.kill(-npm.pid, 'SIGINT')
  }
  const onOwnEnd = (): void => {
    ctrlC()
    void exited.then(() => process.exit(1))
  }
  for (const signal of SIGNALS) process.once(signal, onOwnEnd)
  void exited.then(() => SIGNALS.forEach((signal) => process.off(signal, onOwnEnd)))
  const end = async (): Promise<{ seconds: number; left: number }> => {
    const { processes } = record()
    const signalled = performance.now()
    ctrlC()
    await exited
    return { seconds: (performance.now() - signalled) / 1000, left: stillRunning(home, processes) }
  }
  try {
    const readySeconds = await wait('the start screen', () => output.includes(READY))
    const { httpUrl } = record().extra
    const shown = browser === null ? answeredBy(httpUrl as string) : await shownBy(browser, httpUrl as string)
    const forecastSeconds = await wait('a forecast', shown.isThere)
    await shown.close()
    return {
      readySeconds,
      forecastSeconds,
      wasCold: /npm ci|downloading/.test(output),
      run: record(),
      interrupt: end,
      async killLauncher() {
        process.kill(record().launcher.pid, 'SIGKILL')
        await exited
      },
    }
  } catch (error) {
    ctrlC()
    await exited
    throw error
  }
}

/** Processes of a run that are still there: those it recorded, and whatever names its folder. */
function stillRunning(home: string, processes: readonly RecordedProcess[]): number {
  return new Set([...processes.filter(isRunning).map(({ pid }) => pid), ...processesOf(home)]).size
}

type Shown = { readonly isThere: () => Promise<boolean>; readonly close: () => Promise<void> }

async function shownBy(browser: Browser, httpUrl: string): Promise<Shown> {
  const page = await browser.newPage()
  await page.goto(httpUrl)
  return { isThere: async () => await page.evaluate<boolean>(FORECAST_SHOWN), close: () => page.close() }
}

function answeredBy(httpUrl: string): Shown {
  return {
    isThere: () =>
      fetch(`${httpUrl}/v1/stations/ewr/forecast?variables=temperatureC`).then(
        ({ ok }) => ok,
        () => false, // not listening yet
      ),
    close: () => Promise.resolve(),
  }
}

/** The environment of a shell in which nobody has set anything of this project: no servers, no npm, no packages of another checkout. */
function newcomerEnv(home: string): NodeJS.ProcessEnv {
  const ours =
    /^(npm_|NODE_|ISOBAR_|KAFKA_|SCHEMA_REGISTRY_|CLICKHOUSE_|AMQP_|SMTP_|HTTP_PORT$|METRICS_PORT$|CLOCK$|REPLAY_|INIT_CWD$)/
  const kept = Object.entries(process.env).filter(([name]) => !ours.test(name))
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((entry) => !entry.includes(join('node_modules', '.bin')))
  return { ...Object.fromEntries(kept), PATH: path.join(delimiter), ISOBAR_HOME: home, NO_COLOR: '1' }
}
