// A worker of an event stream, whose server is killed (kill -9) again and again while it works: every number comes,
// in order, and after a crash at most the batch comes again that nobody had acknowledged.
// HIGHWATER_CRASH_ROUNDS says how often; 10 by itself, and a thousand numbers for each.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import WebSocket from 'ws'
import { eventStream } from '../../dist/eventstream.js'
import { startHighwater } from '../highwater.mjs'
import { startBalancer } from './nats.mjs'
import { until } from '../until.mjs'

const ROUNDS = Number(process.env.HIGHWATER_CRASH_ROUNDS ?? 10)
const [NUMBERS, BATCH, AT_ONCE] = [ROUNDS * 1000, 50, 100]
/** Longer than anything takes here, unless it never comes. */
const PATIENCE = 60_000

test('a worker gets every number, whatever is killed', { timeout: ROUNDS * 10_000 + 4 * PATIENCE }, async (t) => {
  const data = await mkdtemp(join(tmpdir(), 'highwater-worker-'))
  // A batch counts as done when that is on disk; otherwise as many come again as were done meanwhile.
  const config = join(data, 'eventstreams.json')
  await writeFile(config, JSON.stringify({ checkpoints: { asynchronous: false } }))
  const balancer = await startBalancer(t)
  let server
  const start = async () => {
    server = await startHighwater('serve', '--event-streams', '--data', data, '--event-streams-config', config)
    balancer.backends.add(server.url)
  }
  const crash = async () => {
    balancer.backends.delete(server.url)
    await server.kill()
  }
  await start()
  t.after(async () => {
    await server.kill()
    await rm(data, { recursive: true, force: true })
  })
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
    while (written < NUMBERS) {
      // Never further ahead than the log reaches back.
      await until(() => written - last < 5000, 'the worker follows', PATIENCE)
      const operations = Array.from({ length: AT_ONCE }, (_, at) => ({ op: 'put', kind: 'n', key: String(written + at + 1), object: { n: written + at + 1 } }))
      for (;;) {
        const answer = await ask('POST', '/v1/topics/numbers/transactions', { operations }).catch(() => undefined)
        if (answer?.ok) break
        assert.ok(!answer || answer.status >= 500, `${answer?.status} ${await answer?.text()}`)
        // Whether a transaction whose answer was lost was done its first item says, as soon as somebody can be asked.
        const found = await until(
          async () => {
            const said = await ask('GET', `/v1/topics/numbers/n/${written + 1}`).catch(() => undefined)
            return said && (said.ok || said.status === 404) && said
          },
          'a server',
          PATIENCE,
        )
        if (found.ok) break
      }
      written += AT_ONCE
    }
  }
  const writing = write()
  while (crashes < ROUNDS) {
    const goal = Math.min(NUMBERS, ((crashes + 1) * NUMBERS) / (ROUNDS + 1))
    await until(() => last >= goal, `the worker has ${goal}; it has ${last}, written are ${written}`, PATIENCE)
    await crash()
    crashes++
    await start()
  }
  await writing
  await until(() => last === NUMBERS, `all ${NUMBERS}; it has ${last}`, PATIENCE)
  assert.deepEqual(faults, [])
  assert.ok(longest <= BATCH, `${longest} came again after one crash`)
  assert.ok(repeated <= crashes * BATCH)
  t.diagnostic(`${crashes} crashes, ${NUMBERS} numbers, ${repeated} came again, at most ${longest} at once`)
})
