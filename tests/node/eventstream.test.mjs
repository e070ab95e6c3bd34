// Event streams over WebSocket, of the real server.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import WebSocket from 'ws'
import { eventStream } from '../../dist/eventstream.js'
import { Materializer } from '../../dist/node.js'
import { startHighwater } from '../highwater.mjs'

/** A server with a stream `work` of topic `t`, in batches of two. */
async function serving(t, options = {}) {
  const server = await startHighwater('serve', '--event-streams')
  t.after(server.kill)
  const ask = async (method, path, body) => {
    const response = await fetch(server.url + path, { method, body: JSON.stringify(body) })
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${await response.clone().text()}`)
  }
  await ask('PUT', '/v1/eventstreams/work', { source: 't', type: 'websocket', batchSize: 2, batchTimeout: '20ms', ...options })
  const put = (n) => ask('PUT', `/v1/topics/t/a/${n}`, { n })
  return { url: `${server.url}/ws`, ask, put }
}

test('a token goes along as browsers can send it, and is asked for at each connection', { timeout: 60_000 }, async (t) => {
  const admin = 'the-administrators-secret'
  const server = await startHighwater('serve', '--event-streams', '--admin-token', admin)
  t.after(server.kill)
  const ask = async (method, path, body) => {
    const response = await fetch(server.url + path, { method, headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' }, body: body && JSON.stringify(body) })
    assert.ok(response.ok, `${method} ${path}: ${response.status}`)
    return response.json()
  }
  await ask('PUT', '/v1/eventstreams/work', { source: 't', batchSize: 1 })
  await ask('PUT', '/v1/topics/t/a/1', { n: 1 })
  const { secret } = await ask('POST', '/v1/admin/tokens', { name: 'page', consume: ['work'] })
  const tokens = [() => { throw new Error('nobody is signed in') }, () => 'söme-other', () => secret]
  const said = []
  const token = async () => (tokens.length > 1 ? tokens.shift() : tokens[0])()
  const stream = eventStream(`${server.url}/ws`, 'work', { WebSocket, token, retry: { initial: 5 }, onError: (error) => said.push(error.message) })
  t.after(() => stream.close())
  for await (const batch of stream) {
    assert.deepEqual(numbers(batch), [1])
    break
  }
  assert.equal(tokens.length, 1)
  assert.equal(said[0], 'nobody is signed in')
  assert.ok(said.length > 2, said.join('\n'))
})

const numbers = (batch) => [...batch].map((event) => event.object.n)

test('a handler gets every event in order, and what it refuses comes again', { timeout: 60_000 }, async (t) => {
  const { url, put } = await serving(t, { retryTimeout: '1m' })
  for (const n of [1, 2, 3, 4]) await put(n)
  const seen = []
  const said = []
  await new Promise((resolve) => {
    let refused = false
    const stream = eventStream(url, 'work', async (batch) => {
      if (!refused) {
        refused = true
        throw new Error('not now')
      }
      seen.push(...numbers(batch))
      if (seen.length === 4) setImmediate(resolve)
    }, { WebSocket, onError: (error) => said.push(error.message) })
    t.after(() => stream.close())
  })
  assert.deepEqual(seen, [1, 2, 3, 4])
  assert.deepEqual(said, ['not now'])
})

test('a loop acknowledges what it has gone on from, and nothing else', { timeout: 60_000 }, async (t) => {
  const { url, put } = await serving(t)
  for (const n of [1, 2, 3, 4]) await put(n)
  const seen = []
  for await (const batch of eventStream(url, 'work', { WebSocket })) {
    seen.push(numbers(batch))
    if (seen.length === 2) break
  }
  assert.deepEqual(seen, [[1, 2], [3, 4]])
  // Left in the midst of the second: the next reader gets it again.
  for await (const batch of eventStream(url, 'work', { WebSocket })) {
    assert.deepEqual(numbers(batch), [3, 4])
    batch.ack()
    break
  }
  await put(5)
  for await (const batch of eventStream(url, 'work', { WebSocket })) {
    assert.deepEqual(numbers(batch), [5])
    break
  }
})

test('a connection that breaks is made again, and the batch comes again', { timeout: 60_000 }, async (t) => {
  const { url, put } = await serving(t)
  const sockets = []
  class Watched extends WebSocket {
    constructor(address) {
      super(address)
      sockets.push(this)
    }
  }
  await put(1)
  const seen = []
  const stream = eventStream(url, 'work', { WebSocket: Watched, retry: { initial: 10 } })
  for await (const batch of stream) {
    seen.push(numbers(batch))
    if (seen.length === 1) {
      sockets[0].terminate()
      await new Promise((resolve) => sockets[0].once('close', resolve))
      assert.ok(batch.isAnswered)
      continue
    }
    batch.ack()
    await stream.close()
  }
  assert.deepEqual(seen, [[1], [1]])
  assert.equal(sockets.length, 2)
})

test('whoever works for long says so', { timeout: 60_000 }, async (t) => {
  const { url, put } = await serving(t, { websocket: { ackTimeout: '2s' } })
  await put(1)
  let given = 0
  for await (const batch of eventStream(url, 'work', { WebSocket, progress: 100 })) {
    given += 1
    await new Promise((resolve) => setTimeout(resolve, 5000))
    assert.equal(batch.isAnswered, false)
    batch.ack()
    break
  }
  assert.equal(given, 1)
})

test('a state follows a stream from its own checkpoint, and what comes again changes nothing', { timeout: 60_000 }, async (t) => {
  const { url, ask, put } = await serving(t)
  for (const n of [1, 2, 3]) await put(n)
  await ask('PUT', '/v1/topics/t/a/1', { n: 10 })
  const orders = new Materializer({ protocol: 'eventstream' })
  const kept = new Materializer({ protocol: 'eventstream' })
  let [batches, changes] = [0, 0]
  for await (const batch of eventStream(url, 'work', { WebSocket })) {
    // Each is refused once, and so comes twice.
    changes += orders.pushEvent({ data: batch.text }).transactions.length
    kept.restore(orders.checkpoint())
    assert.deepEqual(kept.pushEvent({ data: batch.text }).transactions, [])
    if (batches++ % 2 === 0) batch.nack()
    if (orders.cursor === batch.events.at(-1).sequenceId && orders.get('a', '1')?.n === 10 && batches % 2 === 0) break
  }
  assert.equal(changes, batches / 2)
  assert.deepEqual(Object.fromEntries(kept.entries('a')), { 1: { n: 10 }, 2: { n: 2 }, 3: { n: 3 } })
})

test('a signal ends it, and a platform without WebSocket is told', async (t) => {
  const { url } = await serving(t)
  const stop = new AbortController()
  const stream = eventStream(url, 'work', { WebSocket, signal: stop.signal })
  setTimeout(() => stop.abort(), 20)
  for await (const batch of stream) assert.fail(`a batch of nothing: ${batch.number}`)
  if (!globalThis.WebSocket) assert.throws(() => eventStream(url, 'work'), TypeError)
})
