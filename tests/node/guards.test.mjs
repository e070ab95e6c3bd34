// What a client must not do to a server, whatever that does.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../dist/node.js'
import { begin, intent, put, serve, snapshot, SOON, statusOf, transferred } from './stream.mjs'
import { until } from '../until.mjs'

const A = { a: { x: [1, { n: 1 }] } }

function open(t, url, options = {}) {
  const store = connect(url, { retry: SOON, ...options })
  t.after(() => store.close())
  return store
}

/** A page that can be hidden, as far as a store looks at it. */
function page(t, visibilityState = 'visible') {
  const document = Object.assign(new EventTarget(), { visibilityState })
  globalThis.document = document
  t.after(() => delete globalThis.document)
  return (state) => {
    document.visibilityState = state
    document.dispatchEvent(new Event('visibilitychange'))
  }
}

/** A server that goes on where a client was, and counts what is open. */
const live = (t) =>
  serve(t, (request, response) => {
    begin(response)
    const basis = new URL(request.url, 'http://x').searchParams.get('basis')
    response.write(basis === null ? snapshot(1, A) : intent('none', Number(basis.split('.')[1])))
  })

test('a server that accepts, sends and closes at once is told as a loop, and asked ever more rarely', async (t) => {
  const server = await serve(t, (_, response) => {
    begin(response)
    response.end(snapshot(1, A))
  })
  const store = open(t, server.url, { retry: { first: 10, max: 200, jitter: 0, healthy: 'update' } })
  const { error } = await statusOf(store, ({ error }) => error?.code === 'loop' && /^9 connections/.test(error.message), 10_000)
  assert.equal(error.message, '9 connections in a row ended within a second of being made; the last: closed')
  const waits = server.requests.map(({ at }, index) => at - (server.requests[index - 1]?.at ?? at))
  assert.ok(waits[8] >= 70, waits.map(Math.round).join())
  assert.deepEqual(store.get('a', 'x'), { n: 1 })
})

test('a state that begins anew all the time is a loop too; one connection that lasts ends it', async (t) => {
  const server = await serve(t, (_, response, at) => {
    begin(response)
    response.write(snapshot(at + 1, { a: { x: [at, { n: at }] } }, `e${at}`))
    if (at < 6) setImmediate(() => response.destroy())
  })
  const store = open(t, server.url)
  const seen = new Set()
  store.onStatus(({ error }) => seen.add(error?.code))
  await statusOf(store, ({ phase }) => phase === 'live' && server.requests.length === 7)
  assert.ok(seen.has('loop'), [...seen].join())
  assert.deepEqual([store.get('a', 'x'), store.status.error], [{ n: 6 }, undefined])
})

test('a page that is hidden and shown while a retry is waited for makes one connection, and no sooner', async (t) => {
  const show = page(t)
  const server = await serve(t, (_, response, at) => {
    if (at === 0) return response.writeHead(503, { 'retry-after': '1' }).end()
    begin(response)
    response.write(snapshot(1, A))
  })
  const store = open(t, server.url, { hidden: 'pause' })
  await statusOf(store, ({ retryAt }) => retryAt !== undefined)
  for (let at = 0; at < 5; at++) {
    show('hidden')
    assert.equal(store.status.phase, 'paused')
    show('visible')
    show('visible')
  }
  await statusOf(store, ({ phase }) => phase === 'live')
  await new Promise((resolve) => setTimeout(resolve, 60))
  const [first, second] = server.requests
  assert.deepEqual([server.requests.length, server.open.size], [2, 1])
  assert.ok(second.at - first.at >= 980, `${second.at - first.at} ms`)
})

test('a hidden page lets go of its connection, and catches up when it is shown', async (t) => {
  const show = page(t)
  const server = await live(t)
  const store = open(t, server.url, { hidden: 'pause' })
  await store.ready
  show('hidden')
  assert.equal(store.status.phase, 'paused')
  await until(() => server.open.size === 0, 'the end of the connection')
  assert.deepEqual(store.get('a', 'x'), { n: 1 })
  store.pause('user')
  show('visible')
  assert.equal(store.status.phase, 'paused')
  store.resume('user')
  await statusOf(store, ({ phase }) => phase === 'live')
  assert.deepEqual([server.requests.length, server.requests[1].url, store.status.resumed], [2, '/stream?basis=e1.1', true])
})

test('hidden for less than its grace is not hidden', async (t) => {
  const show = page(t)
  const server = await live(t)
  const store = open(t, server.url, { hidden: 100 })
  await store.ready
  show('hidden')
  show('visible')
  await new Promise((resolve) => setTimeout(resolve, 150))
  assert.deepEqual([store.status.phase, server.requests.length], ['live', 1])
  show('hidden')
  assert.equal(store.status.phase, 'live')
  await statusOf(store, ({ phase }) => phase === 'paused')
  show('visible')
  await statusOf(store, ({ phase }) => phase === 'live')
  // Left to itself, a page may be as hidden as it likes.
  const other = open(t, server.url)
  await other.ready
  show('hidden')
  assert.equal(other.status.phase, 'live')
  // A closed store does not look any more.
  store.close()
  show('visible')
  assert.equal(store.status.phase, 'stopped')
})

test('a page that begins hidden waits until it is shown', async (t) => {
  const show = page(t, 'hidden')
  const server = await live(t)
  const store = open(t, server.url, { hidden: 'pause' })
  assert.equal(store.status.phase, 'paused')
  await new Promise((resolve) => setTimeout(resolve, 30))
  assert.equal(server.requests.length, 0)
  show('visible')
  await store.ready
  assert.equal(server.requests.length, 1)
})

test('a page that is put aside and fetched again goes on where it was', async (t) => {
  const handlers = new EventTarget()
  const restore = []
  for (const method of ['addEventListener', 'removeEventListener']) {
    const before = Object.getOwnPropertyDescriptor(globalThis, method)
    globalThis[method] = handlers[method].bind(handlers)
    restore.push(() => (before === undefined ? delete globalThis[method] : Object.defineProperty(globalThis, method, before)))
  }
  const say = (type, members = {}) => handlers.dispatchEvent(Object.assign(new Event(type), members))
  const server = await live(t)
  const store = open(t, server.url)
  await store.ready
  say('pagehide', { persisted: true })
  assert.equal(store.status.phase, 'paused')
  await until(() => server.open.size === 0, 'the end of the connection')
  say('pageshow', { persisted: true })
  await statusOf(store, ({ phase }) => phase === 'live')
  assert.equal(server.requests[1].url, '/stream?basis=e1.1')

  // The network: of a server elsewhere, whom a fetch of ours stands for.
  let asked = 0
  const far = open(t, 'https://far.invalid/stream', {
    fetch: (_, { signal }) => {
      asked++
      const body = new ReadableStream({
        start(to) {
          to.enqueue(new TextEncoder().encode(snapshot(1, A)))
          signal.addEventListener('abort', () => to.error(signal.reason))
        },
      })
      return Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }))
    },
  })
  await far.ready
  say('offline')
  assert.deepEqual([far.status.phase, store.status.phase], ['offline', 'live'])
  say('online')
  await statusOf(far, ({ phase }) => phase === 'live')
  assert.equal(asked, 2)
  // A page that is left for good does not wait for the browser to end its connections.
  say('pagehide', { persisted: false })
  await until(() => server.open.size === 0, 'the end of the connection')
  far.close()
  store.close()
  for (const one of restore) one()
})

test('times that no timer can hold are cut, whoever names them', async (t) => {
  const server = await serve(t, (_, response, at) => {
    begin(response)
    if (at === 0) return response.end('retry: 99999999999999\n\n')
    response.write(snapshot(1, A))
  })
  const store = open(t, server.url, { retry: {}, idle: 1e300 })
  const { retryAt } = await statusOf(store, ({ retryAt }) => retryAt !== undefined)
  assert.ok(retryAt - Date.now() > 1e9 && retryAt - Date.now() < 2 ** 31, `${retryAt - Date.now()}`)
  store.reconnect()
  await store.ready
  const waiting = open(t, 'http://127.0.0.1:9/', { retry: { first: 1e300, max: Infinity, jitter: -1 } })
  const { retryAt: at } = await statusOf(waiting, ({ retryAt }) => retryAt !== undefined)
  assert.ok(at - Date.now() > 1e9 && at - Date.now() <= 2 ** 31, `${at - Date.now()}`)
})

test('what is resumed, paused and made anew in one go is one connection', async (t) => {
  const server = await live(t)
  const store = open(t, server.url)
  store.resume('never paused')
  await store.ready
  for (let at = 0; at < 20; at++) {
    store.pause()
    store.resume()
    store.reconnect()
  }
  await statusOf(store, ({ phase }) => phase === 'live')
  await until(() => server.open.size === 1, 'one connection')
  let version = 0
  store.subscribe(() => version++)
  for (const response of server.open) response.write(put('a', 'y', 1, 1) + transferred(2, 1))
  await until(() => store.has('a', 'y'))
  assert.equal(version, 1)
})
