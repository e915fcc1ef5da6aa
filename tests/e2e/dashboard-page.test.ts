/** The dashboard page in a real Chromium against the fixture server: what is drawn, what is said, what live events change. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { FIXTURE_NOW, HOSTILE_NAME, HOUR_MS, observationAt } from '../../api/dashboard/dev/fixture-data.ts'
import { advance, startFixture } from '../../api/dashboard/dev/fixture-server.ts'
import type { Fixture } from '../../api/dashboard/dev/fixture-server.ts'
import { findChromium, launchChromium, NO_CHROMIUM } from '../support/browser.ts'

const executable = await findChromium()
if (executable === null) console.warn(NO_CHROMIUM)

/** Share of the canvas' pixels that are painted, and how many different colours they have. */
const CANVAS_FACTS = `(() => {
  const canvas = document.querySelector('#chart canvas')
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
  const colours = new Set()
  let painted = 0
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] === 0) continue
    painted++
    colours.add((data[i] >> 3) + ',' + (data[i + 1] >> 3) + ',' + (data[i + 2] >> 3) + ',' + (data[i + 3] >> 5))
  }
  return { painted: painted / (data.length / 4), colours: colours.size }
})()`

/** Names of one word that are broken into two lines. */
const BROKEN_WORDS = `[...document.querySelectorAll('.drift strong, .run strong')].filter((n) => /^\\S+$/.test(n.textContent)).filter((n) => {
  const range = document.createRange()
  range.selectNodeContents(n)
  return range.getClientRects().length > 1
}).map((n) => n.textContent)`

const eventually = (read: () => unknown) => expect.poll(read, { timeout: 60_000 })

/** Visible texts whose contrast with what is painted behind them is below WCAG AA (4.5:1). */
const LOW_CONTRAST = `(() => {
  const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return { rgb: n.slice(0, 3), alpha: n[3] ?? 1 } }
  const luminance = (rgb) => rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0)
  const behind = (node) => { for (let n = node; n; n = n.parentElement) { const b = parse(getComputedStyle(n).backgroundColor); if (b.alpha === 1) return b.rgb } return [255, 255, 255] }
  const low = []
  for (const node of document.querySelectorAll('body *')) {
    if (!node.checkVisibility() || node.closest('.skip') || node instanceof SVGElement) continue
    if (![...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim() !== '')) continue
    const [a, b] = [luminance(parse(getComputedStyle(node).color).rgb), luminance(behind(node))].sort((x, y) => y - x)
    const ratio = (a + 0.05) / (b + 0.05)
    if (ratio < 4.5) low.push(node.className + ': ' + node.textContent.slice(0, 30) + ' ' + ratio.toFixed(2))
  }
  return low
})()`

/** Controls without an accessible name, and images without alt. */
const NAMELESS = `[...document.querySelectorAll('button, select, input, a, img, [tabindex="0"]')].filter((n) =>
  n.checkVisibility() && !n.hasAttribute('alt') && !n.getAttribute('aria-label') && !(n.labels && n.labels.length) && n.textContent.trim() === '').map((n) => n.outerHTML.slice(0, 80))`

describe.skipIf(executable === null)('dashboard page', () => {
  let browser: Browser
  let fixture: Fixture
  let page: Page
  let complaints: string[]

  beforeAll(async () => {
    browser = await launchChromium(executable ?? '')
  })
  afterAll(async () => {
    await browser.close()
  })
  beforeEach(async () => {
    fixture = await startFixture()
    complaints = []
  })
  afterEach(async () => {
    await page.context().close()
    await fixture.close()
  })

  async function open(options: BrowserContextOptions = {}): Promise<void> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
    page = await context.newPage()
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    page.on('request', (request) => {
      if (!request.url().startsWith(fixture.url)) complaints.push(`left the origin: ${request.url()}`)
    })
    await page.goto(fixture.url)
    await page.locator('html[data-connection="live"]').waitFor()
    await page.locator('#stations .station').first().waitFor()
  }

  const canvas = async (): Promise<{ painted: number; colours: number }> => await page.evaluate(CANVAS_FACTS)

  it('shows every panel, keeps the content security policy and asks nothing of other hosts', async () => {
    await open()
    await page.locator('#chart .plot[data-rows]:not([data-rows="0"])').waitFor()
    for (const id of ['pipeline', 'story', 'stations', 'chart', 'skill', 'replicas', 'timeline', 'runs', 'drift', 'alerts']) {
      expect(await page.locator(`section#${id} h2`).count(), id).toBe(1)
    }
    expect(await page.locator('#pipeline .stage').count()).toBe(6)
    await eventually(() => page.locator('#skill .skill > li').count()).toBe(5)
    await eventually(() => page.locator('#replicas .badge').first().innerText()).toBe('2 of 2 converged')
    await eventually(() => page.locator('#timeline .mark').count()).toBeGreaterThan(10)
    await eventually(() => page.locator('#alerts .alert').count()).toBe(2)
    expect(await page.locator('#skill .headline').innerText()).toContain('Useful to +54 h')
    expect(await page.locator('#pipeline .stage').last().innerText()).toContain('late: behind by two hourly batches')
    expect(complaints).toEqual([])
  })

  it('draws the fan: painted pixels in the shades of the bands, and another picture for another variable', async () => {
    await open()
    await page.locator('#chart .plot[data-rows]:not([data-rows="0"])').waitFor()
    await eventually(async () => (await canvas()).painted).toBeGreaterThan(0.1)
    expect((await canvas()).colours).toBeGreaterThan(5)
    const before: string = await page.evaluate(`document.querySelector('#chart canvas').toDataURL()`)
    await page.locator('#variable').selectOption('windSpeedMps')
    await eventually(() => page.evaluate(`document.querySelector('#chart canvas').toDataURL()`)).not.toBe(before)
    await eventually(() => page.locator('#stations .station b').first().innerText()).toContain('m/s')
  })

  it('answers who was champion at an instant', async () => {
    await open()
    await eventually(() => page.locator('#timeline .mark').count()).toBeGreaterThan(10)
    const answer = page.locator('#timeline output')
    const daysAgo = (days: number): string => new Date(FIXTURE_NOW - days * 86_400_000).toISOString().slice(0, 16)
    await page.locator('#champion-at').fill(daysAgo(20))
    await eventually(() => answer.innerText()).toContain('by promotion: first model')
    await page.locator('#champion-at').fill(daysAgo(2))
    await eventually(() => answer.innerText()).toContain('MAE 1.91 against 2.66 on 336 rows')
    await page.locator('#champion-at').fill(daysAgo(90))
    await eventually(() => answer.innerText()).toContain('none yet at that time')
    expect(complaints).toEqual([])
  })

  it('has a table behind every chart with the numbers of the API', async () => {
    await open()
    await page.locator('#chart .plot[data-rows]:not([data-rows="0"])').waitFor()
    for (const id of ['chart', 'skill', 'replicas', 'timeline']) {
      await page.locator(`#${id} details summary`).click()
      await eventually(() => page.locator(`#${id} details tbody tr`).count()).toBeGreaterThan(4)
    }
    expect(await page.locator('#chart details tbody tr').count()).toBeGreaterThan(200)
    expect(await page.locator('#skill details tbody tr').first().innerText()).toContain('0.82')
  })

  it('shows live events: the observation, the clock, the announcement, the alert and its delivery', async () => {
    await open()
    const clock = await page.locator('.clock-time').innerText()
    const issue = page.locator('#chart .chart-about')
    await eventually(() => issue.innerText()).toContain('issued')
    const before = await issue.innerText()
    fixture.now += HOUR_MS
    // A browser may keep a forecast for an hour; the page that hears of a newer one asks all the same.
    for (const stationId of ['ewr', 'jfk', 'lga'])
      fixture.emit('forecast', {
        forecastId: `f/${stationId}`,
        stationId,
        variable: 'temperatureC',
        issuedAt: new Date(fixture.now).toISOString(),
        modelVersion: 'v1',
        role: 'champion',
        status: 'fresh',
        statusReason: null,
        fallback: null,
        featureKnownAt: new Date(fixture.now).toISOString(),
      })
    await eventually(() => issue.innerText()).not.toBe(before)
    fixture.emit('observation-checked', { ...observationAt('jfk', fixture.now), temperatureC: 41.5 })
    await eventually(() => page.locator('#stations [data-key="jfk"] b').first().innerText()).toBe('41.5 °C')
    await eventually(() => page.locator('.clock-time').innerText()).not.toBe(clock)
    const at = new Date(fixture.now).toISOString()
    fixture.emit('lifecycle', {
      eventId: 'run-9/promoted',
      stationId: 'jfk',
      variable: 'temperatureC',
      version: 'v9',
      event: 'promoted',
      at,
      reasons: [],
    })
    await eventually(() => page.locator('#story .entry').first().innerText()).toContain('v9 is the champion now')
    expect(await page.locator('#story .entry').first().innerText()).toContain('run-9/promoted')
    const alert = {
      alertId: 'a9',
      sequence: 1,
      rule: 'frost',
      labels: { stationId: 'jfk' },
      severity: 'critical',
      state: 'firing',
      startsAt: at,
      endsAt: null,
      annotations: { summary: 'Frost likely' },
    }
    fixture.emit('alert', alert)
    fixture.emit('alert-delivery', {
      alertId: 'a9',
      sequence: 1,
      channel: 'webhook',
      attempt: 2,
      state: 'retrying',
      detail: '503',
      at,
    })
    await eventually(() => page.locator('#alerts [data-key="a9"]').innerText()).toContain('webhook: retrying (attempt 2)')
    await eventually(() => page.locator('#stations [data-key="jfk"]').innerText()).toContain('1 alert')
    fixture.emit('alert', { ...alert, sequence: 2, state: 'resolved', endsAt: at })
    await eventually(() => page.locator('#alerts [data-key="a9"]').innerText()).toContain('Resolved')
    expect(complaints).toEqual([])
  })

  it('says why each model was trained and what the gate found, and shows the evidence of a drift', async () => {
    await open()
    await eventually(() => page.locator('#runs .run').count()).toBe(3)
    expect(await page.locator('#runs .run').first().innerText()).toContain('Trained because of drift: improves: CRPS 28 % lower')
    expect(await page.locator('#runs .run').nth(1).innerText()).toContain('caused by schedule/2013-04-26')
    await page.locator('#runs .run summary').first().click()
    await eventually(() => page.locator('#runs .run').first().innerText()).toContain('Decision: promote')
    expect(await page.locator('#runs .run').first().locator('tbody tr').first().innerText()).toContain('1.910')
    await page.locator('#runs .run summary').nth(1).click()
    await eventually(() => page.locator('#runs .run').first().innerText()).toContain('sarimax: too-slow: no model within 300 s')
    expect(
      await page.locator('#runs .run').first().locator('table', { hasText: 'Families on the same rows' }).innerText(),
    ).toContain('ridge-direct')
    await eventually(() => page.locator('#drift .drift').count()).toBe(6)
    const temperature = page.locator('#drift .drift').first()
    expect(await temperature.innerText()).toContain('Recovered')
    expect(await temperature.innerText()).toContain('Points to: instrument change.')
    expect(await page.locator('#drift .drift').nth(1).innerText()).toContain('No drift was ever suspected.')
    await temperature.locator('summary').click()
    await eventually(() => temperature.innerText()).toContain('−2.30 °C (2592 pairs)')
    expect(await temperature.locator('tbody tr').count()).toBe(14)
    fixture.emit('model.drift.v1', {
      eventId: 'drift/ewr/dewPointC/warned',
      stationId: 'ewr',
      variable: 'dewPointC',
      state: 'warned',
      at: fixture.now,
      cause: 'unknown',
      statistic: 4,
      threshold: 3,
      leadBucket: '1-6',
      explanation: 'errors grow',
    })
    await eventually(() => page.locator('#drift .drift').nth(1).innerText()).toContain('Suspected')
    expect(complaints).toEqual([])
  })

  it('says that the stream is lost, and resumes after the last event it saw', async () => {
    await open()
    fixture.emit('observation-checked', observationAt('ewr', fixture.now + HOUR_MS))
    fixture.emit('observation-checked', observationAt('ewr', fixture.now + 2 * HOUR_MS))
    await eventually(() => page.locator('.clock-time').innerText()).toContain('12:00')
    fixture.dropStreams({ refuse: true })
    await page.locator('html[data-connection="reconnecting"]').waitFor()
    expect(await page.locator('.connection').innerText()).toContain('Reconnecting')
    await eventually(() => page.locator('.connection').innerText()).toContain('503')
    fixture.dropStreams({ refuse: false })
    await page
      .getByRole('button', { name: 'Try now' })
      .click({ timeout: 2000 })
      .catch((error: unknown) => {
        // The back-off may have been quicker than the click: then it is live already.
        if (fixture.streams() === 0) throw error
      })
    await page.locator('html[data-connection="live"]').waitFor()
    expect(fixture.resumedFrom[0]).toBeNull()
    expect(fixture.resumedFrom.at(-1)).toBe('2')
  })

  it('says what failed and why, keeps the rest, and recovers by itself', async () => {
    fixture.failing.set('/v1/alerts', 503)
    fixture.failing.set('/v1/stations/ewr/forecast', 404)
    await open()
    await eventually(() => page.locator('#alerts .note').innerText()).toContain('Made to fail by the fixture')
    await eventually(() => page.locator('#chart .note').innerText()).toContain('No forecast to show: Made to fail')
    expect(await page.locator('#stations .station').count()).toBe(3)
    fixture.failing.clear()
    await page.locator('#stations [data-key="jfk"] button').click()
    await eventually(() => page.locator('#chart .note').isHidden()).toBe(true)
  })

  it('explains an empty system', async () => {
    fixture.stations = []
    const context = await browser.newContext()
    page = await context.newPage()
    await page.goto(fixture.url)
    await eventually(() => page.locator('#stations .note').innerText()).toContain('No station yet')
    expect(await page.locator('#chart .note').innerText()).toContain('Choose a station')
  })

  it('follows the dark preference and lets it be overridden, and the chart with it', async () => {
    await open({ colorScheme: 'dark' })
    const background = (): Promise<string> => page.evaluate('getComputedStyle(document.body).backgroundColor')
    const dark = await background()
    await page.locator('#theme-toggle').click()
    expect(await page.locator('#theme-toggle').innerText()).toBe('Theme: light')
    expect(await background()).not.toBe(dark)
    await page.reload()
    await page.locator('#theme-toggle').waitFor()
    expect(await page.locator('#theme-toggle').innerText()).toBe('Theme: light')
    expect(await background()).not.toBe(dark)
  })

  it.each(['light', 'dark'] as const)(
    'keeps text readable (contrast 4.5:1) and controls named in the %s theme',
    async (colorScheme) => {
      fixture.failing.set('/v1/skill', 500)
      await open({ colorScheme })
      await page.locator('#chart .plot[data-rows]:not([data-rows="0"])').waitFor()
      await page.locator('#alerts .alert').first().waitFor()
      await page.locator('#operate').click()
      expect(await page.evaluate(LOW_CONTRAST)).toEqual([])
      expect(await page.evaluate(NAMELESS)).toEqual([])
    },
  )

  it('fits 360 px without scrolling sideways, also with open tables', async () => {
    await open({ viewport: { width: 360, height: 740 } })
    await page.locator('#chart .plot[data-rows]:not([data-rows="0"])').waitFor()
    for (const summary of await page.locator('details summary').all()) await summary.click()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
    expect(await page.evaluate(BROKEN_WORDS)).toEqual([])
    expect(
      await page.evaluate(
        `[...document.querySelectorAll('.panel')].filter((p) => p.scrollWidth > p.clientWidth).map((p) => p.id)`,
      ),
    ).toEqual([])
  })

  it('shows hostile names as text', async () => {
    const first = fixture.stations[0]
    if (!first) throw new Error('the fixture has no station')
    fixture.stations = [{ ...first, name: HOSTILE_NAME, timezone: 'Not/AZone' }]
    await open({ viewport: { width: 360, height: 740 } })
    fixture.emit('alert', {
      alertId: 'h',
      sequence: 1,
      rule: HOSTILE_NAME,
      labels: { station: HOSTILE_NAME },
      severity: 'warning',
      state: 'firing',
      startsAt: new Date(fixture.now).toISOString(),
      endsAt: null,
      annotations: { summary: HOSTILE_NAME },
    })
    await eventually(() => page.locator('#alerts [data-key="h"] strong').innerText()).toBe(HOSTILE_NAME)
    expect(await page.locator('#stations .station strong').first().textContent()).toBe(HOSTILE_NAME)
    expect(await page.title()).toBe('Isobar')
    expect(await page.locator('main img, main script').count()).toBe(0)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
    expect(complaints).toEqual([])
  })

  it('is usable with the keyboard alone: station list, chart values, dialog', async () => {
    await open()
    await page.locator('#chart .plot[data-rows]:not([data-rows="0"])').waitFor()
    await page.locator('#stations [data-key="ewr"] button').focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await eventually(() => page.locator('#stations [data-key="jfk"] button').getAttribute('aria-pressed')).toBe('true')
    await eventually(() => page.locator('#chart .chart-about').innerText()).toContain('Kennedy · issued')
    await page.locator('#chart .plot').focus()
    await page.keyboard.press('End')
    await eventually(() => page.locator('.readout').innerText()).toContain('+168 h')
    await page.keyboard.press('ArrowLeft')
    await eventually(() => page.locator('.readout').innerText()).toContain('+167 h')
    await page.locator('#operate').focus()
    await page.keyboard.press('Enter')
    await page.locator('dialog[open]').waitFor()
    await page.keyboard.press('Escape')
    await eventually(() => page.locator('dialog[open]').count()).toBe(0)
  })

  it('sends an operator action only with reason and confirmation, and says when the key is refused', async () => {
    await open()
    await page.locator('#operate').click()
    await page.locator('#op-action').selectOption('rollback')
    await page.locator('#op-reason').fill('worse since Tuesday')
    await page.locator('#op-key').fill('isk_wrong')
    await page.getByRole('button', { name: 'Send' }).click()
    expect(fixture.posts).toEqual([])
    await page.locator('#op-confirm').check()
    await page.getByRole('button', { name: 'Send' }).click()
    await eventually(() => page.locator('dialog .note').innerText()).toContain('A key is needed')
    await page.locator('#op-key').fill('isk_fixture')
    await page.getByRole('button', { name: 'What would happen?' }).click()
    await eventually(() => page.locator('dialog .note').innerText()).toContain('Nothing was done. Every replica goes back')
    expect(fixture.posts.splice(0)).toMatchObject([{ body: { reason: 'worse since Tuesday', dryRun: true } }])
    await page.getByRole('button', { name: 'Send' }).click()
    await eventually(() => page.locator('dialog .note').innerText()).toContain('Accepted')
    expect(fixture.posts).toEqual([
      {
        path: '/v1/models/ewr/temperatureC/rollback',
        authorization: 'Bearer isk_fixture',
        body: { reason: 'worse since Tuesday' },
      },
    ])
    expect(await page.evaluate(`sessionStorage.getItem('isobar-api-key')`)).toBe('isk_fixture')
    expect(await page.evaluate(`localStorage.getItem('isobar-api-key')`)).toBeNull()
  })

  it('keeps up with twenty event-hours a second', async () => {
    await open()
    await page.locator('#chart .plot[data-rows]:not([data-rows="0"])').waitFor()
    for (let i = 0; i < 80; i++) {
      advance(fixture)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    await eventually(() => page.locator('.clock-time').getAttribute('datetime')).toBe(new Date(fixture.now).toISOString())
    expect(complaints).toEqual([])
  })
})
