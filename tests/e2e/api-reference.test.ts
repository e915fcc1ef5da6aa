/** The API reference in a real Chromium, served by the real app on in-memory ports: its forms call the routes, nothing leaves the origin. */
import { relative } from 'node:path'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Browser, Page } from 'playwright-core'
import { buildDashboard } from '../../api/dashboard/build.ts'
import { createTestApp } from '../../api/testing/app.ts'
import { findChromium, launchChromium, NO_CHROMIUM } from '../support/browser.ts'

const executable = await findChromium()
if (executable === null) console.warn(NO_CHROMIUM)
const eventually = (read: () => unknown) => expect.poll(read, { timeout: 60_000 })

describe.skipIf(executable === null)('API reference', () => {
  let browser: Browser
  let server: ReturnType<typeof serve>
  let page: Page
  let url: string
  let operatorKey: string
  const complaints: string[] = []

  beforeAll(async () => {
    const { directory } = await buildDashboard()
    const { app, key } = createTestApp({ dashboardDir: relative(process.cwd(), directory) })
    operatorKey = await key('operate')
    await new Promise<void>((resolve) => {
      server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve())
    })
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    browser = await launchChromium(executable ?? '')
    page = await (await browser.newContext({ viewport: { width: 1200, height: 900 } })).newPage()
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => {
      if (!request.url().startsWith(url)) complaints.push(`left the origin: ${request.url()}`)
    })
    page.on('console', (message) => {
      // The browser reports an answered 401 as an error of its own; everything else counts.
      if (message.type() === 'error' && !message.text().includes('401')) complaints.push(message.text())
    })
    await page.goto(`${url}/docs`)
    await page.locator('details.operation').first().waitFor()
  })
  afterAll(async () => {
    await browser.close()
    await new Promise((resolve) => server.close(resolve))
  })

  it('lists every route of the document', async () => {
    const document = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: Record<string, object> }
    const routes = Object.values(document.paths).reduce((sum, methods) => sum + Object.keys(methods).length, 0)
    expect(routes).toBeGreaterThan(30)
    expect(await page.locator('details.operation').count()).toBe(routes)
    expect(await page.title()).toBe('Isobar API')
  })

  it('calls a route and shows what came back', async () => {
    const route = page.locator('#get-v1-stations-id-')
    await route.locator('summary').click()
    expect(await route.locator('.command').innerText()).toBe(`curl -s '${url}/v1/stations/jfk'`)
    await route.getByRole('button', { name: 'Send' }).click()
    await eventually(() => route.locator('.answer').innerText()).toContain('"name": "Kennedy"')
    expect(await route.locator('.note').innerText()).toMatch(/^200 in \d+ ms/)
  })

  it('says that a key is needed, uses one, and never shows it', async () => {
    const route = page.locator('#post-v1-alerts-test')
    await route.locator('summary').click()
    await route.getByRole('button', { name: 'Send' }).click()
    await eventually(() => route.locator('.answer').innerText()).toContain('The Authorization header is missing.')
    await page.locator('#key').fill(operatorKey)
    await page.locator('#key').blur()
    await route.getByRole('button', { name: 'Send' }).click()
    await eventually(() => route.locator('.answer').innerText()).toContain('"alertId": "test-')
    expect(await route.locator('.command').innerText()).toContain('Bearer $ISOBAR_KEY')
    expect(await page.locator('body').innerText()).not.toContain(operatorKey)
  })

  it('fits 360 px, also with open forms, and keeps the content security policy', async () => {
    await page.setViewportSize({ width: 360, height: 740 })
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
    expect(complaints).toEqual([])
  })
})
