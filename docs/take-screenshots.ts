/**
 * Pictures of the dashboard for the documents: `node docs/take-screenshots.ts [URL]`. Without a URL the page is shown with the
 * fixture server's made-up data; with one (for example that of a running `npm start`) with what is there.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { advance, startFixture } from '../api/dashboard/dev/fixture-server.ts'
import { findChromium, launchChromium } from '../tests/support/browser.ts'

const PICTURES = [
  { name: 'dashboard-light', width: 1360, height: 900, scheme: 'light' },
  { name: 'dashboard-dark', width: 1360, height: 900, scheme: 'dark' },
  { name: 'dashboard-360px', width: 360, height: 760, scheme: 'light' },
] as const

const executable = await findChromium()
if (executable === null) throw new Error('no Chromium found; set CHROMIUM_PATH')
const directory = process.env['IMAGES_DIRECTORY'] ?? fileURLToPath(new URL('images', import.meta.url))
await mkdir(directory, { recursive: true })
const given = process.argv[2]
const fixture = given === undefined ? await startFixture() : null
const browser = await launchChromium(executable)
try {
  for (const { name, width, height, scheme } of PICTURES) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme })
    const page = await context.newPage()
    page.on('pageerror', (error) => console.error(`${name}: ${error.message}`))
    page.on('console', (message) => {
      if (message.type() === 'error') console.error(`${name}: ${message.text()}`)
    })
    await page.goto(given ?? fixture?.url ?? '')
    await page.locator('html[data-connection="live"]').waitFor()
    await page.locator('#chart .plot[data-rows]:not([data-rows="0"])').waitFor()
    // A few live hours, so that clock and pace are shown as they are in use.
    for (let i = 0; i < 8; i++) {
      if (fixture) advance(fixture)
      await page.waitForTimeout(500)
    }
    await page.screenshot({ path: join(directory, `${name}.png`), fullPage: true })
    console.error(`${join(directory, name)}.png`)
    await context.close()
  }
} finally {
  await browser.close()
  await fixture?.close()
}
