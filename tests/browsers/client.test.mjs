// The client in a plain page: each transport, each entry, a worker, what is kept; in every browser.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { inEach, startBrowser } from './driver.mjs'
import { scene, startServer } from './scene.mjs'

/** How a page can come by the same state. */
const WAYS = {
  'fetch': [{ transport: 'fetch' }],
  'EventSource': [{ transport: 'eventsource' }],
  'highwater/inline': [{}, { entry: 'inline' }],
  'the full module': [{ protocol: 'fdv2', initial: { items: {} } }],
}

inEach((name) => {
  let server, browser, page
  before(async () => {
    server = await startServer()
    browser = await startBrowser(name)
    page = await browser.open()
  })
  after(() => Promise.all([browser?.stop(), server?.stop()]))

  for (const [way, [options, more]] of Object.entries(WAYS)) {
    test(`${way}: live, told of each change once, and right again after a cut`, async () => {
      const { put, address, streams, live, assertRight, until } = await scene(server)
      await page.goto(address(options, more))
      await live(page)
      await put('flag-3', { n: 1, 'ключ': '☃ 𝒳 \u2028' })
      await assertRight(page)
      server.site.reachable(false)
      await put('flag-4', { n: 'missed' })
      await page.waitForFunction(() => store.status.failures > 0 || store.status.phase)
      assert.equal(await page.evaluate(() => store.get('flag', 'flag-4').n), 0)
      server.site.reachable(true)
      await assertRight(page)
      assert.equal(await page.evaluate(() => store.status.resumed), true)
      await until('one connection', () => streams() === 1 || streams())
      assert.deepEqual(await page.evaluate(() => seen.reports), [])
      await page.evaluate(() => store.close())
      await until('no connection', () => streams() === 0 || streams())
    })
  }

  test('live views and a trace: the session goes on in the full module', async () => {
    const { put, address, live, assertRight } = await scene(server)
    await page.goto(address())
    await live(page)
    await page.evaluate(async () => {
      seen.steps = []
      store.trace(({ steps }) => seen.steps.push(...steps.map(({ action }) => action)))
      const view = (window.view = store.view({ kind: 'flag', where: { '/n': { gt: 0 } }, sort: ['-/n'] }))
      await view.ready
    })
    for (const n of [1, 3, 2]) await put(`flag-${n}`, { n })
    await assertRight(page)
    await page.waitForFunction(() => view.rows.map(({ key }) => key).join() === 'flag-3,flag-2,flag-1' || view.rows.length + ' rows')
    assert.ok(await page.evaluate(() => seen.steps.includes('commit')))
  })

  test('a module worker is live, and told of changes', async () => {
    const { topic, put, address } = await scene(server)
    await page.goto(address())
    await page.evaluate((topic) => {
      const worker = new Worker('./worker.js', { type: 'module' })
      worker.onmessage = ({ data }) => (window.told = data)
      worker.onerror = ({ message }) => (window.told = [message, []])
      worker.postMessage([`${location.origin}/v1/topics/${topic}/stream`, {}])
    }, topic)
    await put('flag-7', { n: 'for the worker' })
    await page.waitForFunction(() => {
      const [phase, flags] = window.told ?? ['nothing', []]
      return (phase === 'live' && flags.length === 20 && flags.includes('flag-7 for the worker')) || `${phase} ${flags}`
    })
  })

  test('an event stream over WebSocket: every event, in order, acknowledged', async () => {
    const { topic, put, address } = await scene(server)
    await server.ask('PUT', `/v1/eventstreams/${topic}`, { source: topic, type: 'websocket', batchSize: 2, batchTimeout: '20ms' })
    await page.goto(address())
    for (const n of [1, 2, 3, 4]) await put(`new-${n}`, { n })
    const got = await page.evaluate(async (name) => {
      const { eventStream } = await import('/dist/eventstream.js')
      const got = []
      for await (const batch of eventStream(`ws://${location.host}/ws`, name)) {
        got.push(...[...batch].map(({ object }) => object.n))
        batch.ack()
        if (got.length === 24) return got
      }
    }, topic)
    assert.deepEqual(got, [...Array(20).fill(0), 1, 2, 3, 4])
  })
})
