// Event streams to clients that others have written: FireFly's own socket, plain `ws`, and Python's `websockets`.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import WebSocket from 'ws'
import { startHighwater } from '../highwater.mjs'
import { lacks } from './sdks.mjs'

const { FireFlyWebSocket } = createRequire(import.meta.url)('@hyperledger/firefly-sdk/dist/websocket.js')

/** A server with a stream `work` of topic `t`, one event a batch, and events from 1 on. */
async function serving(t, count) {
  const server = await startHighwater('serve', '--event-streams')
  // FireFly's socket ends before the server: one that is on its way back when it is closed comes back for ever.
  const ends = []
  t.after(() => (ends.forEach((end) => end()), server.kill()))
  const ask = async (path, body) => {
    const response = await fetch(server.url + path, { method: 'PUT', body: JSON.stringify(body) })
    assert.ok(response.ok, `${path}: ${response.status} ${await response.text()}`)
  }
  await ask('/v1/eventstreams/work', { source: 't', batchSize: 1, batchTimeout: '10ms' })
  for (let n = 1; n <= count; n++) await ask(`/v1/topics/t/a/${n}`, { n })
  return { host: server.url.replace('http', 'ws'), ends }
}

const START = JSON.stringify({ type: 'start', stream: 'work' })
const answer = (type, { batchNumber }) => JSON.stringify({ type, stream: 'work', batchNumber })

test("FireFly's socket carries batches: a refusal, a lost connection, and what was not acknowledged again", { timeout: 60_000 }, async (t) => {
  const { host, ends } = await serving(t, 5)
  const taken = []
  const numbers = []
  await new Promise((resolve, reject) => {
    let [refused, dropped] = [false, false]
    const options = { host, namespace: 'default', subscriptions: [], autoack: false, reconnectDelay: 50, heartbeatInterval: 5000 }
    const client = new FireFlyWebSocket(options, (self, batch) => {
      try {
        assert.equal(batch.type, 'event_batch')
        assert.equal(batch.stream, 'work')
        numbers.push(batch.batchNumber)
        const { n } = batch.events[0].object
        if (n === 2 && !refused) {
          refused = true
          self.socket.send(answer('nack', batch))
        } else if (n === 4 && !dropped) {
          dropped = true
          self.socket.terminate()
        } else {
          taken.push(n)
          self.socket.send(answer('ack', batch))
          if (n === 5) resolve()
        }
      } catch (error) {
        reject(error)
      }
    })
    // This version has no word for when it is connected: its socket is looked at.
    let started
    const watch = setInterval(() => {
      const { socket } = client
      if (socket && socket !== started && socket.readyState === WebSocket.OPEN) (started = socket).send(START)
    }, 10)
    ends.push(() => (clearInterval(watch), client.close()))
  })
  assert.deepEqual(taken, [1, 2, 3, 4, 5])
  assert.deepEqual(numbers, [1, 2, 3, 4, 5, 6, 7])
})

test('two plain sockets take turns', { timeout: 60_000 }, async (t) => {
  const { host } = await serving(t, 0)
  const seen = [[], []]
  const sockets = seen.map((list) => {
    const socket = new WebSocket(`${host}/ws`)
    socket.on('message', (text) => {
      const batch = JSON.parse(text)
      list.push(batch.events[0].object.n)
      socket.send(answer('ack', batch))
    })
    t.after(() => socket.terminate())
    return socket
  })
  for (const socket of sockets) {
    if (socket.readyState !== WebSocket.OPEN) await new Promise((resolve) => socket.once('open', resolve))
    socket.send(START)
    // A pong says that what was sent before the ping was read.
    await new Promise((resolve) => (socket.once('pong', resolve), socket.ping()))
  }
  const url = host.replace('ws', 'http')
  for (let n = 1; n <= 6; n++) await fetch(`${url}/v1/topics/t/a/${n}`, { method: 'PUT', body: JSON.stringify({ n }) })
  while (seen.flat().length < 6) await new Promise((resolve) => setTimeout(resolve, 10))
  assert.deepEqual(seen, [[1, 3, 5], [2, 4, 6]])
})

const PYTHON = 'INTEROP_PYTHON_WEBSOCKETS'

test("Python's websockets: a refusal, a lost connection, and what was not acknowledged again", { timeout: 60_000, skip: lacks(PYTHON) }, async (t) => {
  const { host } = await serving(t, 5)
  const program = fileURLToPath(new URL('sdks/worker.py', import.meta.url))
  const { stdout } = await promisify(execFile)(process.env[PYTHON], [program, `${host}/ws`, 'work', '5'])
  assert.deepEqual(JSON.parse(stdout), [1, 2, 3, 0, 4, 5])
})
