/**
 * A newcomer's times, with packages and servers in the cache: clone → everything runs → the first live forecast is on the page; Ctrl-C; a
 * second start; a start after `kill -9` of the launcher. A clone and a data folder of its own, `npm start` as it is typed.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median } from 'simple-statistics'
import { isRunning } from '../../infra/local/process-identity.ts'
import { endOrphans } from '../../infra/local/orphans.ts'
import { assessRun, readRunFile, runFilePath } from '../../infra/local/run-file.ts'
import { findChromium, launchChromium, NO_CHROMIUM } from '../../tests/support/browser.ts'
import { type Figure, figure } from '../shared/figures.ts'
import { clone, npmStart, type Start } from './newcomer.ts'

const GOAL_FIRST_SECONDS = 60
const GOAL_AGAIN_SECONDS = 20
const GOAL_STOP_SECONDS = 15
const ROUNDS = 3

type Round = Readonly<
  Record<'firstReady' | 'first' | 'stop' | 'left' | 'second' | 'afterKill' | 'orphansLeft' | 'stopAfterKill', number>
>

export async function run({ quick, json }: { quick: boolean; json: boolean }): Promise<Figure[]> {
  const say = (line: string): void => void (json || process.stderr.write(`${line}\n`))
  const executable = await findChromium()
  const browser = executable === null ? null : await launchChromium(executable)
  if (browser === null) say(`${NO_CHROMIUM}; the forecast counts when the API answers with it`)
  const where = browser === null ? 'answered by the API' : 'on the page'
  try {
    const rounds: Round[] = []
    while (rounds.length < (quick ? 1 : ROUNDS)) {
      const round = await measure(say, browser)
      // What a cold start fetched is in the cache now.
      if (round !== null) rounds.push(round)
    }
    const usual = (name: keyof Round): number => median(rounds.map((round) => round[name]))
    const worst = (name: keyof Round): number => Math.max(...rounds.map((round) => round[name]))
    const seconds = (name: string, value: number, goal: number): Figure =>
      figure(name, Math.round(10 * value) / 10, 's', '<=', goal)
    return [
      seconds('first start: clone → everything runs', usual('firstReady'), GOAL_FIRST_SECONDS),
      seconds(`first start: clone → a live forecast ${where}`, usual('first'), GOAL_FIRST_SECONDS),
      seconds('Ctrl-C → ended', worst('stop'), GOAL_STOP_SECONDS),
      figure('processes left after Ctrl-C', worst('left'), '', '<=', 0),
      seconds(`second start → a forecast ${where}`, usual('second'), GOAL_AGAIN_SECONDS),
      seconds(`start after kill -9 of the launcher → a forecast ${where}`, usual('afterKill'), GOAL_AGAIN_SECONDS),
      figure('processes of the killed run left after that start', worst('orphansLeft'), '', '<=', 0),
      seconds('Ctrl-C of that start → ended', worst('stopAfterKill'), GOAL_STOP_SECONDS),
    ]
  } finally {
    await browser?.close()
  }
}

/** One newcomer; null when the first start had to fetch something and so was no warm one. */
async function measure(
  say: (line: string) => void,
  browser: Awaited<ReturnType<typeof launchChromium>> | null,
): Promise<Round | null> {
  const directory = await mkdtemp(join(tmpdir(), 'isobar-startup-'))
  const folder = join(directory, 'clone')
  const home = join(directory, 'home')
  const start = async (name: string, from: number): Promise<Start> => {
    const started = await npmStart(folder, home, from, browser)
    say(
      `${name}: everything runs after ${started.readySeconds.toFixed(1)} s, a forecast after ${started.forecastSeconds.toFixed(1)} s`,
    )
    return started
  }
  try {
    const from = performance.now()
    clone(folder)
    const first = await start('first start', from)
    const stopped = await first.interrupt()
    say(`Ctrl-C: ended after ${stopped.seconds.toFixed(1)} s, ${stopped.left} processes left`)
    if (first.wasCold) {
      say('that start fetched packages or servers; they are in the cache now, so once more')
      return null
    }
    const second = await start('second start', performance.now())
    const killed = second.run.processes
    await second.killLauncher()
    const third = await start('start after kill -9 of the launcher', performance.now())
    const orphansLeft = killed.filter(isRunning).length
    const again = await third.interrupt()
    say(`Ctrl-C: ended after ${again.seconds.toFixed(1)} s, ${again.left} processes left`)
    return {
      firstReady: first.readySeconds,
      first: first.forecastSeconds,
      stop: stopped.seconds,
      left: stopped.left,
      second: second.forecastSeconds,
      afterKill: third.forecastSeconds,
      orphansLeft,
      stopAfterKill: again.seconds,
    }
  } finally {
    // Only a failed measurement leaves something to end.
    const found = assessRun(readRunFile(runFilePath(home)))
    if (found.kind !== 'none') await endOrphans(found.kind === 'stale' ? found.orphans : found.run.processes)
    await rm(directory, { recursive: true, force: true })
  }
}
