// A worker of an event stream, whose server is killed (kill -9) again and again while it works: every number comes,
// in order, and after a crash at most the batch comes again that nobody had acknowledged. Of one server, which starts
// again, and of two over one NATS, where the other goes on.
// HIGHWATER_CRASH_ROUNDS says how often; 10 and 3 times by itself, and a thousand numbers for each.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import WebSocket from 'ws'
import { eventStream } from '../../dist/eventstream.js'
import { startHighwater } from '../highwater.mjs'
import { startBalancer, startNats } from './nats.mjs'
import { until } from '../until.mjs'

const ROUNDS = Number(process.env.HIGHWATER_CRASH_ROUNDS ?? 10)
const FAILOVERS = Number(process.env.HIGHWATER_CRASH_ROUNDS ?? 3)
const [BATCH, AT_ONCE] = [50, 100]
/** Longer than anything takes here, unless it never comes. */
const PATIENCE = 60_000

test('a worker gets every number, whatever is killed', { timeout: ROUNDS * 10_000 + 4 * PATIENCE }, async (t) => {
  const data = await mkdtemp(join(tmpdir(), 'highwater-worker-'))
  const balancer = await startBalancer(t)
  let server
  const start = async () => {
    server = await startHighwater('serve', '--data', data, '--event-streams', '--event-streams-config', await configuration(t))
    balancer.backends.add(server.url)
  }
  await start()
  t.after(async () => {
    await server.kill()
    await rm(data, { recursive: true, force: true })
  })
  await survives(t, balancer, ROUNDS, async () => {
    balancer.backends.delete(server.url)
    await server.kill()
    await start()
  })
})

test('of two servers over one NATS the other goes on', { timeout: FAILOVERS * 30_000 + 4 * PATIENCE }, async (t) => {
  const nats = await startNats(t)
  if (!nats) return
  const balancer = await startBalancer(t)
  const config = await configuration(t)
  const servers = new Set()
  const start = async () => {
    const server = await startHighwater('serve', '--nats', nats, '--event-streams', '--event-streams-config', config)
    servers.add(server)
    await until(async () => (await fetch(`${server.url}/v1/eventstreams`)).ok, 'event streams', PATIENCE)
    balancer.backends.add(server.url)
  }
  await Promise.all([start(), start()])
  t.after(() => Promise.all([...servers].map((server) => server.kill())))
  await survives(t, balancer, FAILOVERS, async () => {
    // The one that delivers; after another crash, as soon as there is one again.
    const owner = await until(
      async () => {
        for (const server of servers) {
          const { statistics } = await (await fetch(`${server.url}/v1/eventstreams/work`)).json()
          if (statistics?.lastDispatchTime) return server
        }
        return undefined
      },
      'a server that has the stream',
      PATIENCE,
    )
    balancer.backends.delete(owner.url)
    servers.delete(owner)
    await owner.kill()
    await start()
  })
})

/** A batch counts as done when that is stored; otherwise as many come again as were done meanwhile. */
async function configuration(t) {
  const folder = await mkdtemp(join(tmpdir(), 'highwater-worker-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'eventstreams.json')
  await writeFile(file, JSON.stringify({ checkpoints: { asynchronous: false } }))
  return file
}

/** Has a worker take numbers while they are written, and servers crash. */
async function survives(t, balancer, rounds, crash) {
  const total = rounds * 1000
  const ask = (method, path, body) => fetch(balancer.url + path, { method, body: body && JSON.stringify(body), headers: { 'content-type': 'application/json' } })
  const made = await ask('PUT', '/v1/eventstreams/work', { source: 'numbers', batchSize: BATCH, batchTimeout: '10ms', retryTimeout: '1h' })
  assert.ok(made.ok, `${made.status} ${await made.text()}`)

  // What it was handed, and how often it was set back.
  let [last, crashes, repeated, longest] = [0, 0, 0, 0]
  const worker = eventStream(`${balancer.url.replace('http', 'ws')}/ws`, 'work', (batch) => {
    const numbers = [...batch].map((event) => event.object.n)
    for (const [at, n] of numbers.entries()) if (at > 0) assert.equal(n, numbers[at - 1] + 1, 'in order')
    assert.ok(numbers[0] <= last + 1, `${numbers[0]} after ${last}: something is missing`)
    const again = last + 1 - numbers[0]
    repeated += Math.min(again, numbers.length)
    longest = Math.max(longest, again)
    last = Math.max(last, numbers.at(-1))
  }, { WebSocket, retry: { initial: 20, maximum: 200 }, onError: (error) => error instanceof assert.AssertionError && faults.push(error) })
  const faults = []
  t.after(() => worker.close())

  let written = 0
  const write = async () => {
    while (written < total) {
      // Never further ahead than the log reaches back.
      await until(() => written - last < 5000, 'the worker follows', PATIENCE)
      const operations = Array.from({ length: AT_ONCE }, (_, at) => ({ op: 'put', kind: 'n', key: String(written + at + 1), object: { n: written + at + 1 }, ifVersion: 0 }))
      // Whether a transaction whose answer was lost was done, the next try says: it is done once.
      await until(
        async () => {
          const answer = await ask('POST', '/v1/topics/numbers/transactions', { operations }).catch(() => undefined)
          assert.ok(!answer || answer.ok || answer.status === 409 || answer.status >= 500, `${answer?.status} ${await answer?.text()}`)
          return answer && (answer.ok || answer.status === 409)
        },
        'a server',
        PATIENCE,
      )
      written += AT_ONCE
    }
  }
  const writing = write()
  let slowest = 0
  while (crashes < rounds) {
    const goal = Math.min(total, ((crashes + 1) * total) / (rounds + 1))
    await until(() => last >= goal, `the worker has ${goal}; it has ${last}, written are ${written}`, PATIENCE)
    await crash()
    const [begun, before] = [performance.now(), last]
    crashes++
    await until(() => last > before || last === total, `the worker goes on after ${before}`, PATIENCE)
    slowest = Math.max(slowest, performance.now() - begun)
  }
  await writing
  await until(() => last === total, `all ${total}; it has ${last}`, PATIENCE)
  assert.deepEqual(faults, [])
  assert.ok(longest <= BATCH, `${longest} came again after one crash`)
  assert.ok(repeated <= crashes * BATCH)
  t.diagnostic(`${crashes} crashes, ${total} numbers, ${repeated} came again, at most ${longest} at once; it went on within ${Math.round(slowest)} ms`)
}
