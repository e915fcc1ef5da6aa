/** Finds the Chromium of this machine; none is ever downloaded. */
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome', 'microsoft-edge']
const PLACES = [
  '/usr/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

/** CHROMIUM_PATH, then the usual places, then PATH; null when there is none. Throws when CHROMIUM_PATH is not a program. */
export async function installedChromium(env: NodeJS.ProcessEnv): Promise<string | null> {
  const asked = env['CHROMIUM_PATH']
  if (asked) {
    if (await isExecutable(asked)) return asked
    throw new Error(`CHROMIUM_PATH=${asked} cannot be executed`)
  }
  const onPath = (env['PATH'] ?? '').split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)))
  for (const path of [...PLACES, ...onPath]) if (await isExecutable(path)) return path
  return null
}

export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false
    throw error
  }
}
