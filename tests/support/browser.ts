/** Finds a Chromium for browser tests. None is downloaded: without one the tests are skipped with a line that says what was looked for. */
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { chromium } from 'playwright-core'
import type { Browser } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome', 'microsoft-edge']
const PLACES = [
  '/usr/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

/** CHROMIUM_PATH, then the usual places, then PATH, then Playwright's own; null when there is none. */
export async function findChromium(env: NodeJS.ProcessEnv = process.env): Promise<string | null> {
  const asked = env['CHROMIUM_PATH']
  if (asked) {
    if (await isExecutable(asked)) return asked
    throw new Error(`CHROMIUM_PATH=${asked} cannot be executed`)
  }
  const onPath = (env['PATH'] ?? '').split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)))
  for (const path of [...PLACES, ...onPath, chromium.executablePath()]) if (await isExecutable(path)) return path
  return null
}

export const NO_CHROMIUM =
  'browser tests skipped: no Chromium found (looked at CHROMIUM_PATH, the usual places, PATH and Playwright’s own); on Debian: apt-get install chromium'

/** No sandbox: containers often forbid it, and the only pages opened are ours. No background traffic. */
export async function launchChromium(executablePath: string): Promise<Browser> {
  return await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--no-first-run',
      '--disable-sync',
    ],
  })
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false
    throw error
  }
}
