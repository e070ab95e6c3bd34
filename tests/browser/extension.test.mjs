// The browser's extension, loaded into Chromium: its panel, opened by its own address, looks at pages of
// another tab, which know nothing of it. Clicks are real ones.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import { chromium } from 'playwright-core'
import { startSite } from '../adapters/site.mjs'
import { root, startHighwater } from '../highwater.mjs'
import { until } from '../until.mjs'
import { PHONE, WIDE, frames, photograph } from './demo.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const extension = `${root}www/extension`

/** Chromium with the extension, and the extension's background. */
async function start(...more) {
  const context = await chromium.launchPersistentContext('', {
    executablePath: process.env.CHROME ?? process.env.CHROMIUM ?? '/usr/bin/chromium',
    ignoreDefaultArgs: ['--disable-extensions'],
    viewport: WIDE,
    colorScheme: 'dark',
    args: [
      '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', `--disable-extensions-except=${extension}`, `--load-extension=${extension}`, ...more,
    ],
  })
  return { context, worker: context.serviceWorkers()[0] ?? (await context.waitForEvent('serviceworker')) }
}

let context, worker, server, site
before(async () => {
  ;({ context, worker } = await start())
  server = await startHighwater('serve')
  site = await startSite(root, server.url)
})
after(async () => {
  await context?.close()
  await site?.stop()
  await server?.stop()
})

let topics = 0

/** A topic of its own, with some flags. */
async function topic(count = 12) {
  const name = `extension-${(topics += 1)}`
  const put = async (key, value) => assert.ok((await fetch(`${server.url}/v1/topics/${name}/flag/${key}`, { method: 'PUT', body: JSON.stringify(value) })).ok)
  for (let at = 0; at < count; at += 1) await put(`flag-${at}`, { name: `${name} ${at}` })
  return { name, put }
}

/** The tab with these stores; `open` looks at it. */
async function tab(t, query) {
  const url = (query) => `${site.url}/tests/browser/extension/?${query}`
  const page = await context.newPage()
  t.after(() => page.close())
  const goto = async (query) => {
    await page.goto(url(query))
    await page.waitForFunction(() => window.isReady)
  }
  if (query !== undefined) await goto(query)
  return { page, goto, url }
}

const complaints = []

/** The panel, on whatever tab is in front: as the browser's devtools open it. */
async function open(t, page) {
  await page.bringToFront()
  const id = await worker.evaluate(() => chrome.tabs.query({ active: true, lastFocusedWindow: true }).then(([{ id }]) => id))
  const panel = await context.newPage()
  t.after(() => panel.close())
  panel.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()))
  panel.on('pageerror', (error) => complaints.push(error.stack))
  await panel.goto(`${worker.url().replace('background.js', 'panel.html')}?tab=${id}`)
  await panel.getByTestId('devtools').waitFor()
  const byId = (id) => panel.getByTestId(id)
  const reads = (id, expected) => until(async () => (await byId(id).textContent()).match(expected), `${id} to read ${expected}`)
  const stores = () => byId('store').locator('option').allTextContents()
  const has = (...names) => until(async () => JSON.stringify(await stores()) === JSON.stringify(names), `the stores ${names}`)
  const items = (count) => reads('items-count', new RegExp(`^${count} items$`))
  return { panel, byId, reads, stores, has, items, go: (name) => byId(`tab-${name}`).click() }
}

const addressOf = ({ name }) => `/v1/topics/${name}/stream`

test('stores that were there before are found, and followed, on a page that allows no foreign script', async (t) => {
  const [one, other] = [await topic(), await topic(5)]
  const { page } = await tab(t, `topic=${one.name}&topic=${other.name}`)
  const { panel, byId, has, items, go, reads } = await open(t, page)
  await has(addressOf(one), addressOf(other))
  await items(12)
  await one.put('flag-3', { name: 'Renamed' })
  await byId('items').locator('[role=option]').filter({ hasText: 'Renamed' }).click()
  await byId('item-value').getByText('"Renamed"').waitFor()
  await go('wire')
  await byId('wire').locator('[role=option]').filter({ hasText: 'updated flag/flag-3' }).waitFor()
  await reads('store-phase', /^live$/)
  await byId('store').selectOption('1')
  await go('items')
  await items(5)
  await panel.close()
  // The page is as it was: nothing is recorded there any more.
  await page.waitForFunction(() => globalThis[Symbol.for('highwater.stores')].heard === undefined)
})

test('a state that is larger than what a port takes at a time comes in parts', async (t) => {
  const one = await topic(0)
  // With what a port makes of text that is not ASCII.
  for (let at = 0; at < 24; at += 1) await one.put(`large-${at}`, { text: 'größer '.repeat(20_000) })
  const { page } = await tab(t, `topic=${one.name}`)
  const { items, byId } = await open(t, page)
  await items(24)
  await one.put('large-7', { text: 'small' })
  await byId('items').locator('[role=option]').filter({ hasText: '{"text":"small"}' }).waitFor()
})

test('every part of the panel works on a store of another tab', async (t) => {
  const one = await topic()
  const { page, goto } = await tab(t, `topic=${one.name}`)
  const { panel, byId, has, items, go, reads } = await open(t, page)
  await has(addressOf(one))
  // From its first byte, if the panel was there before.
  await goto(`topic=${one.name}&again`)
  await has(addressOf(one))
  await items(12)
  await go('wire')
  await byId('wire').locator('[role=option]').filter({ hasText: 'server-intent' }).waitFor()
  await one.put('flag-1', { name: 'Second' })
  await byId('wire').locator('[role=option]').filter({ hasText: 'updated flag/flag-1' }).click()
  await byId('event-travel').click()
  await byId('time-items').locator('[role=option]').filter({ hasText: 'Second' }).waitFor()
  await byId('time-back').click()
  await byId('time-items').locator('[role=option]').filter({ hasText: `${one.name} 1"` }).waitFor()
  await go('break')
  await byId('break-duplicate').click()
  await reads('break-pending', /the next 5 come twice/)
  await one.put('flag-2', { name: 'Twice' })
  await go('wire')
  await byId('wire-refused').click()
  await byId('wire').locator('[role=option]').first().waitFor()
  await byId('wire-refused').click()
  await go('break')
  await byId('break-replay').click()
  await reads('said', /1 transaction|[2-9] transactions|1\d transactions/)
  await byId('break-refuse').click()
  await go('connection')
  await byId('connection-history').locator('[role=option]').filter({ hasText: '503' }).first().waitFor()
  await reads('field-phase', /^live, connected$/)
  await panel.getByRole('button', { name: 'Pause', exact: true }).click()
  await page.waitForFunction(() => window.stores[0].status.phase === 'paused')
  await panel.getByRole('button', { name: 'Resume', exact: true }).click()
  await reads('field-phase', /^live, connected$/)
  await go('session')
  await byId('session-clear').click()
  await byId('session-record').click()
  await one.put('flag-9', { name: 'Unrecorded' })
  await go('items')
  await byId('items').locator('[role=option]').filter({ hasText: 'Unrecorded' }).waitFor()
  await go('session')
  await byId('session-record').click()
  await one.put('flag-1', { name: 'Third' })
  await go('wire')
  await byId('wire-updated').click()
  await byId('wire').locator('[role=option]:visible').filter({ hasText: 'updated flag/flag-1' }).waitFor()
  await go('session')
  const download = panel.waitForEvent('download')
  await byId('session-export').click()
  const session = readFileSync(await (await download).path(), 'utf8')
  assert.match(session, /^event: highwater-session\n/)
  assert.match(session, /Third/)
  assert.doesNotMatch(session, /event: put-object\ndata: .*Unrecorded/)
  await go('charts')
  assert.equal(await byId('rates').locator('svg').count(), 6)
})

test('frames, other pages, and pages without a store', async (t) => {
  const [one, other] = [await topic(3), await topic(4)]
  const { page, goto, url } = await tab(t)
  await page.goto(`${site.url}/tests/browser/extension/`)
  const { byId, has, items, reads } = await open(t, page)
  await reads('nothing', /^This page has no store of Highwater\. Whatever it connects shows up here\.$/)
  await page.goto(url(`topic=${one.name}&frame=${other.name}`))
  await until(async () => (await byId('store').locator('option').count()) === 2, 'the page’s store and the frame’s')
  await byId('store').selectOption({ label: `frame: ${addressOf(other)}` })
  await items(4)
  await page.reload()
  await until(async () => (await byId('store').locator('option').count()) === 2, 'both again')
  await page.goto('chrome://version')
  await has()
  await goto(`topic=${other.name}`)
  await has(addressOf(other))
  await items(4)
})

test('a page that the browser keeps to itself says so', async (t) => {
  const { page } = await tab(t)
  await page.goto('chrome://version')
  const { reads } = await open(t, page)
  await reads('nothing', /^The browser lets no extension into this page: /)
})

test('a store of another Highwater is told of, beside those that can be shown', async (t) => {
  const one = await topic(2)
  const { page } = await tab(t, `topic=${one.name}&level=7`)
  const { has, items, reads } = await open(t, page)
  await has(addressOf(one))
  await items(2)
  await reads('warning', /^A store of this page cannot be shown.*bring these devtools up to date.*Level 7; this is 1/)
})

test('the background may sleep whenever it likes', async (t) => {
  const one = await topic(3)
  const { page } = await tab(t, `topic=${one.name}`)
  const { byId, has, items, go } = await open(t, page)
  await items(3)
  const browser = await context.browser().newBrowserCDPSession()
  for (const round of [1, 2]) {
    const { targetInfos } = await browser.send('Target.getTargets')
    await browser.send('Target.closeTarget', { targetId: targetInfos.find(({ type, url }) => type === 'service_worker' && url === worker.url()).targetId })
    await one.put('flag-0', { name: `Awake ${round}` })
    await byId('items').locator('[role=option]').filter({ hasText: `Awake ${round}` }).waitFor()
  }
  await has(addressOf(one))
  // Nothing was missed, and nothing came twice.
  await go('wire')
  await byId('wire-updated').click()
  await until(async () => (await byId('wire').locator('[role=option]:visible').count()) === 2, 'two updates')
})

test('the browser’s own devtools have the panel', async (t) => {
  const one = await topic(6)
  const { context, worker } = await start('--auto-open-devtools-for-tabs')
  t.after(() => context.close())
  const page = await context.newPage()
  await page.goto(`${site.url}/tests/browser/extension/?topic=${one.name}`)
  const cdp = await context.browser().newBrowserCDPSession()
  const targets = async (fits) => (await cdp.send('Target.getTargets', { filter: [{}] })).targetInfos.filter(fits)
  const inTarget = async ({ targetId }) => {
    const { sessionId } = await cdp.send('Target.attachToTarget', { targetId, flatten: false })
    let last = 0
    const ask = (method, params) => {
      const id = (last += 1)
      return new Promise((resolve, reject) => {
        const heard = ({ sessionId: from, message }) => {
          const answer = JSON.parse(message)
          if (from !== sessionId || answer.id !== id) return
          cdp.off('Target.receivedMessageFromTarget', heard)
          if (answer.error !== undefined) reject(new Error(answer.error.message))
          else resolve(answer.result)
        }
        cdp.on('Target.receivedMessageFromTarget', heard)
        cdp.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method, params }) }).catch(reject)
      })
    }
    const evaluate = async (call) => (await ask('Runtime.evaluate', { expression: `(${call})()`, awaitPromise: true, returnByValue: true })).result.value
    return { ask, evaluate }
  }
  // The tab that came with the browser has devtools, too: those of either will do for a panel, and one is of our page.
  const shown = new Set()
  const found = await until(async () => {
    for (const target of await targets(({ type, url }) => type === 'page' && url.startsWith('devtools://'))) {
      if (shown.has(target.targetId)) continue
      const devtools = await inTarget(target)
      const isShown = await devtools.evaluate(async () => {
        const { InspectorView } = await import('./ui/legacy/legacy.js')
        const view = InspectorView.InspectorView.instance()
        const tab = view.tabbedPane.tabs.find(({ title }) => title === 'Highwater')
        if (tab !== undefined) await view.showPanel(tab.id)
        return tab !== undefined
      })
      if (isShown) shown.add(target.targetId)
    }
    for (const target of await targets(({ url }) => url.startsWith(worker.url().replace('background.js', 'panel.html')))) {
      const panel = await inTarget(target)
      const text = await panel.evaluate(() => document.querySelector('highwater-devtools')?.shadowRoot?.querySelector('[data-testid=items-count]')?.textContent)
      if (text === '6 items') return text
    }
    return undefined
  }, 'the panel in the devtools to show the store')
  assert.equal(found, '6 items')
})

test('axe-core finds nothing, and it is as it looks', async (t) => {
  const one = await topic(40)
  const { page } = await tab(t, `topic=${one.name}&level=7`)
  const { panel, byId, items, go } = await open(t, page)
  await items(40)
  // Scripts that are put in by the test's own protocol are let in.
  await panel.evaluate(axe)
  const violations = []
  for (const name of ['items', 'wire', 'break']) {
    await go(name)
    if (name === 'items') await byId('items').locator('[role=option]:visible').first().click()
    for (const viewport of [WIDE, PHONE]) {
      await panel.setViewportSize(viewport)
      for (const colorScheme of ['light', 'dark']) {
        await panel.emulateMedia({ colorScheme })
        await frames(panel)
        const found = await panel.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)))
        violations.push(...found.map((text) => `${name} ${viewport.width} ${colorScheme} ${text}`))
      }
    }
    await photograph(panel, `extension-${name}`)
  }
  assert.deepEqual(violations, [])
  assert.deepEqual(complaints, [])
})
