// Several pages of one browser on one stream: over one connection, whoever has it, and however that
// page goes. And what a page has kept for the next one, in private mode too.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { inEach, startBrowser, until } from './driver.mjs'
import { scene, startServer } from './scene.mjs'

inEach((name) => {
  let server, browser
  before(async () => {
    server = await startServer()
    browser = await startBrowser(name)
  })
  after(() => Promise.all([browser?.stop(), server?.stop()]))

  /** Pages that share, by the name that their connection bears. */
  async function sharing(count) {
    const here = await scene(server)
    const pages = new Map()
    const open = async () => {
      const tab = `${here.topic}-${pages.size + 1}`
      const page = await browser.open(here.address({ share: 'browser' }, { tab }))
      pages.set(tab, page)
      return page
    }
    for (let at = 0; at < count; at += 1) await open()
    /** The page that has the connection, and its name. */
    const leader = async () => {
      await until('one connection, of a page that is there', () => {
        const tabs = server.site.streams().map((headers) => headers['x-tab']).filter((tab) => tab?.startsWith(`${here.topic}-`))
        return (tabs.length === 1 && pages.has(tabs[0])) || tabs.join(' ')
      })
      const tab = server.site.streams().map((headers) => headers['x-tab']).find((tab) => pages.has(tab))
      return [tab, pages.get(tab)]
    }
    const assertAll = async () => {
      for (const page of pages.values()) await here.assertRight(page)
      await leader()
    }
    const end = () => Promise.all([...pages.values()].map((page) => page.goto('about:blank')))
    return { ...here, pages, open, leader, assertAll, end }
  }

  test('three pages have one connection; who has it is closed, one after the other, while changes come', async (t) => {
    const { pages, put, leader, assertAll, end } = await sharing(3)
    t.after(end)
    await assertAll()
    for (let n = 1; pages.size > 1; n += 1) {
      const [tab, page] = await leader()
      pages.delete(tab)
      await Promise.all([put('flag-1', { n }), page.close(), put('flag-2', { n })])
      await assertAll()
    }
    const [page] = pages.values()
    assert.deepEqual(await page.evaluate(() => seen.codes), [], 'a hand-over is no fault')
  })

  test('two pages: who has the connection goes elsewhere, and the other goes on', async (t) => {
    const { pages, put, open, leader, assertAll, end } = await sharing(2)
    t.after(end)
    await assertAll()
    const [tab, page] = await leader()
    pages.delete(tab)
    await page.goto('about:blank')
    await put('flag-1', { n: 'after it had gone' })
    await assertAll()
    await page.close()
    await open()
    await assertAll()
  })

  test('a network that breaks is one fault for all, and healed by one connection', async (t) => {
    const { pages, put, assertAll, end } = await sharing(3)
    t.after(end)
    await assertAll()
    for (let round = 0; round < 2; round += 1) {
      server.site.cut()
      await put('flag-1', { round })
      await assertAll()
    }
    for (const page of pages.values()) assert.ok((await page.evaluate(() => seen.phases)).includes('stale'))
  })

  // WebKit's driver knows private mode only.
  for (const isPrivate of name === 'webkit' ? [true] : [false, true]) {
    test(`${name}, in ${isPrivate ? 'private' : 'its usual'} mode: a page keeps what it has for the next one`, async (t) => {
      const { put, address, live, assertRight } = await scene(server)
      const browser = await startBrowser(name, { isPrivate })
      t.after(() => browser.stop())
      const page = await browser.open(address({ persist: true }))
      await live(page)
      await put('flag-3', { n: 'last seen' })
      await assertRight(page)
      await page.waitForFunction(isKept, 'last seen')
      await page.goto('about:blank')
      await put('flag-4', { n: 'missed' })

      server.site.reachable(false)
      t.after(() => server.site.reachable(true))
      await page.goto(address({ persist: true }))
      await page.waitForFunction(() => seen.restored === 'stale 20' || `${seen.restored} ${seen.reports}`)
      assert.equal(await page.evaluate(() => store.get('flag', 'flag-3').n), 'last seen')
      server.site.reachable(true)
      await assertRight(page)
      assert.equal(await page.evaluate(() => store.status.resumed), true)
      assert.deepEqual(await page.evaluate(() => seen.reports), [])
    })
  }
})

/** Runs in the page: whether there is something in its database that has this text in it. */
async function isKept(text) {
  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
  if (!(await indexedDB.databases()).some(({ name }) => name === 'highwater')) return 'no database'
  const database = await done(indexedDB.open('highwater'))
  const kept = await done(database.transaction('checkpoints').objectStore('checkpoints').getAll())
  database.close()
  return kept.some((bytes) => new TextDecoder('latin1').decode(bytes).includes(text)) || `${kept.length} without it`
}
