// FireFly's own SDK, unmodified: `listen()` speaks the dialect of FireFly's core, and gets our event streams.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import WebSocket from 'ws'
import { startHighwater } from '../highwater.mjs'
import { until } from '../until.mjs'

const { default: FireFly } = createRequire(import.meta.url)('@hyperledger/firefly-sdk')

/** A server with a stream `work` of topic `t`, three events a batch, and a way to write to it. */
async function serving(t, options = {}) {
  const server = await startHighwater('serve', '--event-streams')
  // The SDK's sockets end before the server: one that is on its way back when it is closed comes back for ever.
  const sockets = []
  t.after(() => (sockets.forEach((socket) => socket.close()), server.kill()))
  const ask = async (method, path, body) => {
    const response = await fetch(server.url + path, { method, body: body && JSON.stringify(body) })
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${await response.clone().text()}`)
    return response.json()
  }
  await ask('PUT', '/v1/eventstreams/work', { source: 't', batchSize: 3, batchTimeout: '50ms', ...options })
  return {
    host: server.url.replace('http', 'ws'),
    sockets,
    put: async (...numbers) => {
      for (const n of numbers) await ask('PUT', `/v1/topics/t/a/${n}`, { n })
    },
    settled: (text) =>
      until(async () => {
        const { statistics } = await ask('GET', '/v1/eventstreams/work')
        return statistics.pending === 0 && statistics.lag === 0 && statistics.checkpoint === statistics.highestDetected
      }, text),
  }
}

/** The SDK; quiet, and quick to come back. */
const sdk = (host) => new FireFly({ host: 'http://127.0.0.1:9', namespace: 'default', websocket: { host, reconnectDelay: 50, heartbeatInterval: 5000 } })

test('listen() receives and acknowledges every event, also over a connection that was lost', { timeout: 60_000 }, async (t) => {
  const { host, sockets, put, settled } = await serving(t)
  const seen = []
  const held = []
  let dropped = false
  const socket = sdk(host).listen('work', async (self, event) => {
    // What it says of the batch of before it says on a connection that never had it: it is told, cut off, and comes back.
    if (event.type === 'protocol_error') return
    seen.push(event.object.n)
    assert.equal(event.topic, `a/${event.object.n}`)
    assert.deepEqual(event.subscription, { namespace: 'default', name: 'work' })
    // Cut off in the midst of the second batch: its first event is acknowledged, this one never.
    if (event.object.n === 5 && !dropped) {
      dropped = true
      self.socket.terminate()
      await new Promise((resolve) => held.push(resolve))
    }
  })
  sockets.push(socket)
  await put(1, 2, 3, 4, 5, 6)
  await until(() => dropped, 'the connection is lost')
  await until(() => socket.socket?.readyState === WebSocket.OPEN, 'the SDK comes back')
  held.forEach((resolve) => resolve())
  await until(() => seen.includes(6) && seen.filter((n) => n === 5).length >= 2, 'what was not acknowledged comes again')
  await put(7)
  await settled('everything is acknowledged')
  const first = [...new Set(seen)]
  assert.deepEqual(first, [1, 2, 3, 4, 5, 6, 7])
})

test('listen() takes batches where it asks for them', { timeout: 60_000 }, async (t) => {
  const { host, sockets, put, settled } = await serving(t)
  await put(1, 2, 3, 4)
  const batches = []
  // The SDK appends `/ws`; the rest of the URL is its user's.
  const socket = sdk(`${host}/ws?batch=true&for=`).listen(['work'], async (_, batch) => {
    assert.equal(batch.type, 'event_batch')
    batches.push(batch.events.map((event) => event.object.n))
  })
  sockets.push(socket)
  await settled('everything is acknowledged')
  assert.deepEqual(batches.flat(), [1, 2, 3, 4])
  assert.ok(batches.length < 4, JSON.stringify(batches))
})

test('what makes no sense is told, and the connection closed', { timeout: 60_000 }, async (t) => {
  const { host, put } = await serving(t)
  await put(1)
  const start = { type: 'start', namespace: 'default', name: 'work', autoack: false }
  for (const [words, expected] of [
    [[start, { ...start, autoack: true }], /autoack/],
    [[start, { type: 'ack', id: 'unknown' }], /no event 'unknown'/],
    [[start, { type: 'nack' }], /no command of type 'nack'/],
    [[start, '{'], /not JSON/],
    [[{ ...start, autoack: true }, { type: 'ack' }], /automatic/],
  ]) {
    const socket = new WebSocket(`${host}/ws`)
    const told = []
    socket.on('message', (text) => told.push(JSON.parse(text)))
    await new Promise((resolve) => socket.once('open', resolve))
    const closed = new Promise((resolve) => socket.once('close', resolve))
    for (const word of words) socket.send(typeof word === 'string' ? word : JSON.stringify(word))
    await closed
    const last = told.at(-1)
    assert.equal(last.type, 'protocol_error')
    assert.match(last.error, expected)
  }
  const refused = new WebSocket(`${host}/ws?ephemeral=true&namespace=default`)
  const [text] = await new Promise((resolve) => refused.once('message', (...said) => resolve(said)))
  assert.match(JSON.parse(text).error, /ephemeral/)
})
