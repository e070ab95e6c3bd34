// A page takes part in an event stream with a token: a browser's WebSocket has no header for it, and offers it as a
// protocol. The page is of the server's own address, since pages of others are refused.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startHighwater } from '../highwater.mjs'
import { until } from '../until.mjs'
import { startBrowser } from './demo.mjs'

const ADMIN = 'the-administrators-secret'
const MODULE = fileURLToPath(new URL('../../dist/eventstream.js', import.meta.url))

let browser, server
before(async () => {
  browser = await startBrowser()
  server = await startHighwater('serve', '--event-streams', '--admin-token', ADMIN)
})
after(() => Promise.all([browser?.close(), server?.stop()]))

async function ask(method, path, body) {
  const headers = { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json' }
  const response = await fetch(server.url + path, { method, headers, body: body && JSON.stringify(body) })
  assert.ok(response.ok, `${method} ${path}: ${response.status}`)
  return response.status === 204 ? undefined : response.json()
}

/** A page at an address, which has the package's `eventStream`. */
async function pageAt(t, url) {
  const page = await browser.newPage()
  t.after(() => page.close())
  await page.route(`${url}/eventstream.js`, (route) => route.fulfill({ contentType: 'text/javascript', path: MODULE }))
  await page.goto(`${url}/healthz`) // the server itself has to answer: from elsewhere none may go to this machine
  await page.evaluate(() => Object.assign(window, { seen: [], said: [] }))
  return page
}

/** The page works on stream `work`, and notes what it gets and what goes wrong. */
const work = (page, token) =>
  page.evaluate(
    async ({ url, token }) => {
      const { eventStream } = await import('/eventstream.js')
      const note = (batch) => window.seen.push(...[...batch].map((event) => event.object.n))
      eventStream(url, 'work', note, { token, retry: { initial: 5 }, onError: (error) => window.said.push(error.message) })
    },
    { url: `${server.url.replace('http', 'ws')}/ws`, token },
  )

test('a page with a token works on a stream until the token is revoked', { timeout: 120_000 }, async (t) => {
  await ask('PUT', '/v1/eventstreams/work', { source: 't', batchSize: 1 })
  const { id, secret } = await ask('POST', '/v1/admin/tokens', { name: 'page', consume: ['work'] })
  const stranger = await pageAt(t, server.url)
  await work(stranger, `${secret}x`)
  const elsewhere = await pageAt(t, server.url.replace('127.0.0.1', 'localhost'))
  await work(elsewhere, secret)
  for (const page of [stranger, elsewhere]) await page.waitForFunction(() => window.said.length > 1)

  const page = await pageAt(t, server.url)
  await work(page, secret)
  for (const n of [1, 2, 3]) await ask('PUT', `/v1/topics/t/a/${n}`, { n })
  await page.waitForFunction(() => window.seen.length === 3)
  assert.deepEqual(await page.evaluate(() => window.seen), [1, 2, 3])

  await ask('DELETE', `/v1/admin/tokens/${id}`)
  await page.waitForFunction(() => window.said.length > 0)
  await ask('PUT', '/v1/topics/t/a/4', { n: 4 })
  await until(async () => (await ask('GET', '/v1/eventstreams/work')).statistics.pending === 1, 'an event that nobody takes')
  for (const each of [stranger, elsewhere]) assert.deepEqual(await each.evaluate(() => window.seen), [])
  assert.deepEqual(await page.evaluate(() => window.seen), [1, 2, 3])
})
