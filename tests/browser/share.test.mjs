// Several pages on one stream of the real server, over one connection. The server's side says who
// has it; each page writes down what its listeners are told.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { startSite } from '../adapters/site.mjs'
import { root, startHighwater } from '../highwater.mjs'
import { startBrowser } from './demo.mjs'

const SEEDS = (process.env.SHARE_SEEDS ?? '1,2').split(',').map(Number)

let browser, server, site
before(async () => {
  browser = await startBrowser()
  server = await startHighwater('serve')
  site = await startSite(root, server.url)
})
after(() => Promise.all([browser?.close(), site?.stop(), server?.stop()]))

let topics = 0

/** Pages of one browser, on a topic of their own that has some flags. */
async function scene(t, { init } = {}) {
  const context = await browser.newContext()
  t.after(() => context.close())
  if (init !== undefined) await context.addInitScript(init)
  const topic = `share-${(topics += 1)}`
  const put = async (key, value) => {
    const answer = await fetch(`${server.url}/v1/topics/${topic}/flag/${key}`, { method: 'PUT', body: JSON.stringify(value) })
    assert.ok(answer.ok)
  }
  for (let at = 0; at < 20; at += 1) await put(`flag-${at}`, { n: 0, pad: 'x'.repeat(500) })
  const pages = new Map()
  let tabs = 0
  const open = async () => {
    const tab = `${topic}-${(tabs += 1)}`
    const page = await context.newPage()
    pages.set(tab, page)
    await page.goto(`${site.url}/tests/browser/share/?topic=${topic}&tab=${tab}`)
    await page.waitForFunction(() => window.store !== undefined)
    return page
  }
  /** Which page's connections the server has. */
  const leaders = () => site.streams().map((headers) => headers['x-tab']).filter((tab) => tab?.startsWith(`${topic}-`))
  /** Writes until it is told to stop: always something new, so that each has to be told of once. */
  const write = () => {
    let writing = true
    const done = (async () => {
      for (let n = 1; writing; n += 1) await put(`new-${n}`, { n })
    })()
    const stop = () => ((writing = false), done)
    t.after(stop)
    return stop
  }
  /** All pages hold what the server has, live, over one connection; and nobody was told anything twice. */
  const assertOne = async (limit) => {
    const { items } = await (await fetch(`${server.url}/v1/topics/${topic}`)).json()
    const expected = JSON.stringify(items.map(({ key, version, object }) => [key, version, object]).sort())
    for (const [tab, page] of pages) {
      await until(`${tab} to hold what the server has`, async () => {
        const [phase, state] = await page.evaluate(() => [
          store.status.phase,
          JSON.stringify(store.entries('flag').map(([key, value]) => [key, store.versionOf('flag', key), value]).sort()),
        ])
        return phase === 'live' && state === expected ? true : `${phase} ${state.slice(0, 200)}, not ${expected.slice(0, 200)}`
      }, limit)
      const { heard, versions } = await page.evaluate(() => seen)
      assert.equal(new Set(heard).size, heard.length, `${tab} was told something twice`)
      const keys = new Set(heard.map((words) => words.split(' ')[0]))
      assert.deepEqual(items.filter(({ key }) => !keys.has(key)), [], `${tab} was not told of something`)
      assert.deepEqual(versions, [...versions].sort((a, b) => a - b), `${tab} went back`)
    }
    await leader()
  }
  /** The page that has the connection, and its name. */
  const leader = async () => {
    await until('one connection', () => (leaders().length === 1 && pages.has(leaders()[0])) || leaders().join(' '))
    const [tab] = leaders()
    return [tab, pages.get(tab)]
  }
  return { open, pages, put, leaders, leader, write, assertOne }
}

/** Numbers below what is asked for, the same for the same seed (xorshift). */
function randomOf(seed) {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** Waits until this is true; fails with what it is instead. */
async function until(what, holds, limit = 60_000) {
  const end = Date.now() + limit
  for (;;) {
    const found = await holds()
    if (found === true) return
    if (Date.now() > end) throw new Error(`waited for ${what}: ${found}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Ends the page's process. */
async function crash(page) {
  const crashed = new Promise((resolve) => page.once('crash', resolve))
  const session = await page.context().newCDPSession(page)
  session.send('Page.crash').catch(() => {})
  await crashed
}

const phases = (page) => page.evaluate(() => seen.phases)

test('five pages have one connection; whoever comes late is told of one snapshot', async (t) => {
  const { open, put, assertOne } = await scene(t)
  for (let at = 0; at < 4; at += 1) await open()
  await assertOne()
  await put('flag-3', { n: 1 })
  await put('flag-4', { n: 1 })
  await assertOne()
  const late = await open()
  await assertOne()
  const { heard, versions } = await late.evaluate(() => seen)
  assert.equal(heard.length, 20)
  assert.equal(versions.length, 1)
})

test('the leader is closed, or crashes, while changes flow', { timeout: 240_000 }, async (t) => {
  const { open, pages, leader, write, assertOne } = await scene(t)
  await open()
  const stop = write()
  for (let at = 0; at < 4; at += 1) await open()
  while (pages.size > 1) {
    // The others have come in, under way.
    for (const page of pages.values()) await page.waitForFunction(() => store.status.phase === 'live')
    const [tab, page] = await leader()
    pages.delete(tab)
    if (pages.size === 2) await crash(page)
    await page.close()
  }
  await stop()
  await assertOne()
  const [page] = pages.values()
  assert.deepEqual(await page.evaluate(() => seen.errors), [], 'a hand-over is no fault')
  assert.ok(!(await phases(page)).includes('stopped'))
})

test('a leader that pauses hands over, and comes back as a follower', async (t) => {
  const { open, leader, leaders, put, assertOne } = await scene(t)
  for (let at = 0; at < 3; at += 1) await open()
  await assertOne()
  const [tab, page] = await leader()
  await page.evaluate(() => store.pause('hidden'))
  await until('another leader', () => (leaders().length === 1 && leaders()[0] !== tab) || leaders().join(' '))
  await put('flag-0', { n: 'while it was paused' })
  await page.evaluate(() => store.resume('hidden'))
  await assertOne()
  assert.notEqual((await leader())[0], tab)
})

test('a network that breaks is one fault for all, and healed by one connection', async (t) => {
  const { open, pages, put, assertOne } = await scene(t)
  for (let at = 0; at < 3; at += 1) await open()
  await assertOne()
  for (let round = 0; round < 3; round += 1) {
    site.cut()
    await put('flag-1', { round })
    await assertOne()
  }
  for (const page of pages.values()) assert.ok((await phases(page)).includes('stale'))
})

test('a leader that hangs is replaced, and follows when it comes to', { timeout: 240_000 }, async (t) => {
  const { open, pages, leader, leaders, put, assertOne } = await scene(t)
  for (let at = 0; at < 3; at += 1) await open()
  await assertOne()
  const [tab, page] = await leader()
  // Nothing of a page runs while it shows one of these.
  const shown = new Promise((resolve) => page.once('dialog', resolve))
  const answered = page.evaluate(() => alert('hangs'))
  const dialog = await shown
  pages.delete(tab)
  await put('flag-2', { n: 'while it hung' })
  await until('another leader', () => leaders().some((other) => other !== tab) || leaders().join(' '), 120_000)
  for (const other of pages.values()) await other.waitForFunction(() => store.get('flag', 'flag-2').n === 'while it hung')
  await dialog.accept()
  await answered
  pages.set(tab, page)
  await assertOne()
  assert.notEqual((await leader())[0], tab)
})

for (const seed of SEEDS) {
  test(`whatever comes after whatever (seed ${seed})`, { timeout: 240_000 }, async (t) => {
    const { open, pages, write, assertOne } = await scene(t)
    for (let at = 0; at < 4; at += 1) await open()
    const stop = write()
    const random = randomOf(seed)
    const some = () => [...pages][random(pages.size)]
    const steps = [
      () => site.cut(),
      () => some()[1].evaluate(() => store.pause('a')),
      () => some()[1].evaluate(() => store.resume('a')),
      () => some()[1].evaluate(() => store.reconnect()),
      () => (pages.size < 6 ? open() : undefined),
      async () => {
        if (pages.size < 3) return
        const [tab, page] = some()
        pages.delete(tab)
        await page.close()
      },
    ]
    for (let at = 0; at < 40; at += 1) await steps[random(steps.length)]()
    await stop()
    for (const page of pages.values()) await page.evaluate(() => store.resume('a'))
    // Sooner than a deadline of the sessions would help.
    await assertOne(25_000)
  })
}

test('without locks every page has a connection of its own, and says so', async (t) => {
  const { open, leaders } = await scene(t, { init: () => delete Navigator.prototype.locks })
  const pages = [await open(), await open()]
  await until('two connections', () => leaders().length === 2 || leaders().join(' '))
  for (const page of pages) {
    await page.waitForFunction(() => store.status.phase === 'live')
    const { reports } = await page.evaluate(() => seen)
    assert.equal(reports.length, 1)
    assert.match(reports[0], /^share: option share: this page has a connection of its own: it needs Web Locks/)
  }
})

test('a stream that only says when to ask: one page asks, and all have the answer', async (t) => {
  const streams = new Set()
  let [version, polls] = [1, 0]
  const server = createServer(({ url }, response) => {
    response.setHeader('access-control-allow-origin', '*')
    if (url === '/poll') {
      polls += 1
      response.end(JSON.stringify({ dark: { version, on: true } }))
    } else {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('event: ping\ndata: {}\n\n')
      streams.add(response)
      response.on('close', () => streams.delete(response))
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => (server.closeAllConnections(), server.close()))
  const context = await browser.newContext()
  t.after(() => context.close())
  const pages = await Promise.all([1, 2, 3].map(() => context.newPage()))
  const address = `http://127.0.0.1:${server.address().port}`
  for (const page of pages) {
    await page.goto(`${site.url}/tests/browser/share/?url=${address}/ping&poll=${address}/poll`)
    await page.waitForFunction(() => window.store?.status.phase === 'live')
  }
  assert.equal(streams.size, 1)
  for (version = 2; version < 5; version += 1) {
    const before = polls
    for (const response of streams) response.write('event: ping\ndata: {}\n\n')
    for (const page of pages) await page.waitForFunction((version) => store.versionOf(store.keys()[0].kind, 'dark') === version, version)
    assert.equal(polls, before + 1)
  }
})
