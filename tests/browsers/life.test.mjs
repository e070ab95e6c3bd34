// What becomes of a page: hidden and shown, offline and online, put aside and brought back, short of
// memory. All of it done by the browser itself; nothing is dispatched.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { inEach, startBrowser, until } from './driver.mjs'
import { scene, startServer } from './scene.mjs'

/** Not `localhost`, which is there without a network, too. */
const HOST = 'highwater.test'

const NO_WAY = 'its driver has no way to say so'

inEach((name) => {
  let server, browser, page
  before(async () => {
    server = await startServer()
    browser = await startBrowser(name, { host: HOST })
    page = await browser.open()
  })
  after(() => Promise.all([browser?.stop(), server?.stop()]))

  /** The connection is let go of, and when this is over, what was missed is there. */
  async function letsGo({ put, streams, assertRight }, over) {
    await until('no connection', () => streams() === 0 || streams())
    await put('flag-5', { n: 'missed' })
    await over()
    await assertRight(page)
    assert.equal(await page.evaluate(() => store.status.resumed), true)
    await until('one connection', () => streams() === 1 || streams())
  }

  for (const hidden of ['pause', 200]) {
    test(`minimised, with option hidden ${hidden}: no connection until it is shown`, async () => {
      const here = await scene(server)
      await page.goto(here.address({ hidden }))
      await here.live(page)
      await page.minimize()
      await letsGo(here, () => page.restore())
      assert.deepEqual(await page.evaluate(() => seen.shown), ['hidden', 'visible'])
    })
  }

  test('minimised, without that option: the connection stays, and changes come', async () => {
    const { put, address, streams, live, assertRight } = await scene(server)
    await page.goto(address())
    await live(page)
    await page.minimize()
    await put('flag-5', { n: 'while it was hidden' })
    await assertRight(page)
    assert.equal(streams(), 1)
    assert.deepEqual(await page.evaluate(() => seen.phases), ['connecting', 'syncing', 'live'])
    await page.restore()
  })

  const behind = name === 'webkit' && 'its driver opens tabs behind the one that is shown'
  test('another tab is in front: no connection until it is gone', { skip: behind }, async () => {
    const here = await scene(server)
    await page.goto(here.address({ hidden: 'pause' }))
    await here.live(page)
    const other = await browser.open()
    await letsGo(here, async () => {
      await other.close()
      await page.show()
    })
    assert.deepEqual(await page.evaluate(() => seen.shown), ['hidden', 'visible'])
  })

  const away = async () => {
    await page.evaluate(() => {
      window.mark = true
      location.assign('./elsewhere.html')
    })
    await page.waitForFunction(() => location.pathname.endsWith('elsewhere.html'))
  }
  const back = async () => {
    await page.evaluate(() => void history.back())
    await page.waitForFunction(() => window.store !== undefined)
    return page.evaluate(() => window.mark === true)
  }

  for (const [what, options] of Object.entries({
    'a page': {},
    'one with an EventSource': { transport: 'eventsource' },
    'one that shares its connection': { share: 'browser' },
    'one that keeps its state': { persist: true },
  })) {
    test(`${what} is left, and gone back to: no connection meanwhile, and right when it is shown`, async () => {
      const here = await scene(server)
      await page.goto(here.address(options))
      await here.live(page)
      await away()
      await until('no connection', () => here.streams() === 0 || here.streams())
      await here.put('flag-5', { n: 'missed' })
      // Firefox does not put a page aside that has an open connection: it is loaded anew.
      const isNew = name === 'firefox'
      assert.equal(await back(), !isNew)
      await here.assertRight(page)
      await until('one connection', () => here.streams() === 1 || here.streams())
    })
  }

  test('a page that holds no connection is put aside by each of them', async () => {
    const here = await scene(server)
    await page.goto(here.address())
    await here.live(page)
    await page.evaluate(() => store.pause('about to leave'))
    await until('no connection', () => here.streams() === 0 || here.streams())
    await away()
    await here.put('flag-5', { n: 'missed' })
    assert.equal(await back(), true)
    assert.equal(await page.evaluate(() => store.status.phase), 'paused')
    await page.evaluate(() => store.resume('about to leave'))
    await here.assertRight(page)
    assert.equal(await page.evaluate(() => store.status.resumed), true)
  })

  /** How a browser is told that there is no network. */
  const setOffline = {
    chromium: (offline) =>
      browser.ask('/goog/cdp/execute', {
        cmd: 'Network.emulateNetworkConditions',
        params: { offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 },
      }),
    firefox: (offline) => browser.asFirefox('Services.io.offline = arguments[0]', offline),
  }[name]

  test('offline: said at once, without tries; online: at once there again', { skip: setOffline === undefined && NO_WAY }, async () => {
    const here = await scene(server)
    await page.goto(here.address({ retry: { first: 30_000 } }, { host: HOST }))
    await here.live(page)
    await setOffline(true)
    await page.waitForFunction(() => store.status.phase === 'offline' || store.status.phase)
    assert.equal(await page.evaluate(() => navigator.onLine), false)
    await letsGo(here, () => setOffline(false))
    assert.deepEqual(await page.evaluate(() => seen.shown), ['offline', 'online'])
  })

  test('a network that is gone without a word: tried again until it is back', async () => {
    const here = await scene(server)
    await page.goto(here.address())
    await here.live(page)
    server.site.reachable(false)
    await page.waitForFunction(() => store.status.failures > 1 || store.status.failures + ' failures')
    assert.equal(await page.evaluate(() => store.status.phase), 'stale')
    await letsGo(here, () => server.site.reachable(true))
  })

  /** How a browser is told that memory is short. */
  const shortOfMemory = {
    chromium: () => browser.ask('/goog/cdp/execute', { cmd: 'Memory.simulatePressureNotification', params: { level: 'critical' } }),
    firefox: () => browser.asFirefox("Services.obs.notifyObservers(null, 'memory-pressure', 'low-memory')"),
  }[name]

  test('short of memory: nothing is lost, and changes come', { skip: shortOfMemory === undefined && NO_WAY }, async () => {
    const { put, address, live, assertRight } = await scene(server)
    await page.goto(address())
    await live(page)
    for (let n = 1; n < 10; n += 1) {
      await shortOfMemory()
      await put('flag-1', { n })
    }
    await assertRight(page)
    assert.deepEqual(await page.evaluate(() => seen.phases), ['connecting', 'syncing', 'live'])
  })
})
