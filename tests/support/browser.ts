/** Finds a Chromium for browser tests. None is downloaded: without one the tests are skipped with a line that says what was looked for. */
import { chromium } from 'playwright-core'
import type { Browser } from 'playwright-core'
import { installedChromium, isExecutable } from '../../infra/local/chromium.ts'

/** CHROMIUM_PATH, then the usual places, then PATH, then Playwright's own; null when there is none. */
export async function findChromium(env: NodeJS.ProcessEnv = process.env): Promise<string | null> {
  const ofPlaywright = chromium.executablePath()
  return (await installedChromium(env)) ?? ((await isExecutable(ofPlaywright)) ? ofPlaywright : null)
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
