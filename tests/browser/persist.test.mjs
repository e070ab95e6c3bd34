// Pages that keep their state in Chromium's IndexedDB, are closed, and opened again.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startSite } from '../adapters/site.mjs'
import { root, startHighwater } from '../highwater.mjs'
import { startBrowser } from './demo.mjs'

let browser, server, site
before(async () => {
  browser = await startBrowser()
  server = await startHighwater('serve')
  site = await startSite(root, server.url)
})
after(() => Promise.all([browser?.close(), site?.stop(), server?.stop()]))

let topics = 0

/** A browser, and a topic of its own that has some flags. */
async function scene(t, init) {
  const context = await browser.newContext()
  t.after(() => context.close())
  // How often a page has kept something, and how much of that is under way.
  await context.addInitScript(() => {
    window.kept = window.keeping = 0
    const { put } = IDBObjectStore.prototype
    IDBObjectStore.prototype.put = function (...words) {
      window.keeping += 1
      this.transaction.addEventListener('complete', () => ((window.kept += 1), (window.keeping -= 1)))
      return put.apply(this, words)
    }
  })
  if (init !== undefined) await context.addInitScript(init)
  const topic = `persist-${(topics += 1)}`
  const put = async (key, value) => {
    const answer = await fetch(`${server.url}/v1/topics/${topic}/flag/${key}`, { method: 'PUT', body: JSON.stringify(value) })
    assert.ok(answer.ok)
  }
  for (let at = 0; at < 20; at += 1) await put(`flag-${at}`, { n: 0, pad: 'x'.repeat(500) })
  const open = async (more = '') => {
    const page = await context.newPage()
    await page.goto(`${site.url}/tests/browser/persist/?topic=${topic}${more}`)
    await page.waitForFunction(() => window.store !== undefined)
    return page
  }
  const live = async (more) => {
    const page = await open(more)
    await page.waitForFunction(() => store.status.phase === 'live')
    return page
  }
  /** Pages do not reach the server, or do again. */
  const unreachable = () => context.route('**/v1/**', (route) => route.abort())
  const reachable = () => context.unroute('**/v1/**')
  return { context, open, live, put, unreachable, reachable }
}

/** How the page stood when its first whole state was there; if none comes, what it was told. */
const ready = (page) => page.waitForFunction(() => seen.restored ?? seen.reports[0]).then((handle) => handle.jsonValue())
const reports = (page) => page.evaluate(() => seen.reports)
const valueOf = (page, key) => page.evaluate((key) => store.get('flag', key)?.n, key)

/**
 * Leaves a page that has a moment to keep what it has: what a browser still does for one that is gone
 * depends on what else it has to do.
 */
async function leave(page) {
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide')))
  await page.waitForFunction(() => window.keeping === 0)
  await page.goto('about:blank')
  await page.close()
}

test('a page that is left and opened again shows what it had, and goes on from there, with nothing told twice', async (t) => {
  const { live, open, put, unreachable, reachable } = await scene(t)
  const first = await live()
  await put('flag-3', { n: 'last seen' })
  await first.waitForFunction(() => store.get('flag', 'flag-3').n === 'last seen')
  await leave(first)

  await unreachable()
  await put('flag-4', { n: 'missed' })
  const page = await open()
  assert.equal(await ready(page), 'stale 20')
  assert.equal(await valueOf(page, 'flag-3'), 'last seen')
  await page.waitForFunction(() => store.status.failures > 1)
  assert.equal(await page.evaluate(() => store.status.phase), 'stale')
  const restored = await page.evaluate(() => seen.heard.splice(0))
  assert.equal(new Set(restored).size, 20)
  assert.equal(restored.length, 20)

  await reachable()
  await page.waitForFunction(() => store.status.phase === 'live')
  await put('flag-5', { n: 'new' })
  await page.waitForFunction(() => store.get('flag', 'flag-5').n === 'new')
  assert.deepEqual(await page.evaluate(() => [store.status.resumed, seen.heard.map((words) => words.split(' ')[0])]), [true, ['flag-4', 'flag-5']])
  assert.deepEqual(await reports(page), [])
})

test('a page that is hidden keeps what it has at once', async (t) => {
  const { live, open, unreachable } = await scene(t, () => (window.requestIdleCallback = () => 0))
  const page = await live()
  assert.equal(await page.evaluate(() => window.kept), 0)
  await page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { value: 'hidden' })
    document.dispatchEvent(new Event('visibilitychange'))
  })
  await page.waitForFunction(() => window.kept === 1)
  await page.close()
  await unreachable()
  assert.equal(await ready(await open()), 'stale 20')
})

test('a page that crashes has kept what it had in idle time', async (t) => {
  const { context, live, open, unreachable } = await scene(t)
  const page = await live()
  await page.waitForFunction(() => window.kept > 0)
  const crashed = new Promise((resolve) => page.once('crash', resolve))
  const session = await context.newCDPSession(page)
  session.send('Page.crash').catch(() => {})
  await crashed
  await page.close()
  await unreachable()
  assert.equal(await ready(await open()), 'stale 20')
})

test('of pages that share a connection, the one that has it keeps the state, for all', async (t) => {
  const { live, open, put, unreachable } = await scene(t)
  const pages = [await live('&share=browser'), await live('&share=browser'), await live('&share=browser')]
  await pages[0].waitForFunction(() => window.kept > 0)
  await put('flag-1', { n: 'seen by all' })
  for (const page of pages) await page.waitForFunction(() => store.get('flag', 'flag-1').n === 'seen by all')
  for (const page of pages.slice(1)) {
    await page.evaluate(() => store.close())
    assert.equal(await page.evaluate(() => window.kept), 0)
    await leave(page)
  }
  await leave(pages[0])
  await unreachable()
  const page = await open('&share=browser')
  assert.equal(await ready(page), 'stale 20')
  assert.equal(await valueOf(page, 'flag-1'), 'seen by all')
})

test('a database that is deleted is gone, and nobody is in the way; what comes is kept again', async (t) => {
  const { live, open, put, unreachable, reachable } = await scene(t)
  const page = await live()
  await page.waitForFunction(() => window.kept > 0)
  const deleted = await page.evaluate(() => new Promise((resolve) => {
    const request = indexedDB.deleteDatabase('highwater')
    request.onsuccess = () => resolve('deleted')
    request.onerror = () => resolve('failed')
  }))
  assert.equal(deleted, 'deleted')
  await unreachable()
  const empty = await open()
  await empty.waitForFunction(() => store.status.failures > 0)
  assert.equal(await empty.evaluate(() => store.size), 0)
  await leave(empty)
  await reachable()
  await put('flag-0', { n: 'again' })
  await page.waitForFunction(() => store.status.phase === 'live' && store.get('flag', 'flag-0').n === 'again')
  await page.waitForFunction(() => window.kept > 1)
  await leave(page)
  await unreachable()
  const again = await open()
  assert.equal(await ready(again), 'stale 20')
  assert.equal(await valueOf(again, 'flag-0'), 'again')
})

test('an origin that has no room left: told once, and the page is live', async (t) => {
  const { context, open } = await scene(t)
  const page = await context.newPage()
  const session = await context.newCDPSession(page)
  await session.send('Storage.overrideQuotaForOrigin', { origin: site.url, quotaSize: 1 })
  const full = await open()
  await full.waitForFunction(() => seen.reports.length > 0)
  assert.equal(await full.evaluate(() => store.status.phase), 'live')
  const [report, ...more] = await reports(full)
  assert.match(report, /^persist: option persist: .*QuotaExceededError/)
  assert.deepEqual(more, [])
})

const CLOSED = {
  'no IndexedDB': [() => Object.defineProperty(window, 'indexedDB', { value: undefined }), /^persist: option persist: nothing is kept: here is no IndexedDB; give another place as option persist\.storage$/],
  'IndexedDB that is denied': [() => (IDBFactory.prototype.open = () => { throw new DOMException('denied', 'SecurityError') }), /^persist: option persist: what was kept cannot be read: SecurityError: denied$/],
  'IndexedDB that never answers': [() => (IDBFactory.prototype.open = () => ({})), /^persist: option persist: what was kept cannot be read: Error: storage did not answer/],
}
for (const [what, [init, message]] of Object.entries(CLOSED)) {
  test(`a page with ${what} is live, and says so`, async (t) => {
    const { live } = await scene(t, init)
    const page = await live()
    const told = await reports(page)
    assert.equal(told.length, 1)
    assert.match(told[0], message)
  })
}
