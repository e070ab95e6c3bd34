// What a store begins with: checkpoints and items.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../dist/node.js'
import { createSource } from '../../dist/testing/index.js'
import { begin, intent, put, serve, snapshot, statusOf, transferred } from './stream.mjs'

/** A source with two tasks and one that is gone. */
function tasks() {
  const source = createSource()
  source.begin().put('task', 'a', { n: 1 }).put('task', 'b', { n: 2 }).put('task', 'c', { n: 3 }).end()
  return source.delete('task', 'c')
}

async function checkpointOf(source) {
  const store = connect(source.url, { fetch: source.fetch })
  await source.settled()
  const bytes = store.checkpoint()
  store.close()
  assert.deepEqual(store.checkpoint(), bytes)
  return bytes
}

test('a checkpoint is there before the network answers, and the stream goes on from it', async (t) => {
  const source = tasks()
  const initial = await checkpointOf(source)
  source.patch('task', 'a', { n: 10 })
  const asked = source.requests.length
  const store = connect(source.url, { fetch: source.fetch, initial })
  t.after(() => store.close())
  assert.deepEqual([store.get('task', 'a'), store.size, store.status.phase], [{ n: 1 }, 2, 'stale'])
  await store.ready
  const b = store.get('task', 'b')
  const heard = []
  store.subscribe(({ changed, removed, snapshot }) => heard.push([changed, removed, snapshot]))
  await source.settled()
  assert.deepEqual(heard, [[[{ kind: 'task', key: 'a' }], [], false]])
  assert.equal(store.get('task', 'b'), b)
  assert.equal(store.status.resumed, true)
  assert.equal(source.requests.length, asked + 1)
})

test('offline, a restored store is read as it was left', async (t) => {
  const initial = await checkpointOf(tasks())
  const store = connect('http://127.0.0.1:9/', { initial, retry: { first: 100_000 } })
  t.after(() => store.close())
  await store.ready
  await statusOf(store, ({ error }) => error?.code === 'network')
  assert.deepEqual([store.status.phase, store.entries('task')], ['stale', [['a', { n: 1 }], ['b', { n: 2 }]]])
})

test('a checkpoint that is none is told, and the store begins anew', async (t) => {
  const good = await checkpointOf(tasks())
  const flipped = Uint8Array.from(good)
  flipped[4] = 9
  const wrong = [new Uint8Array(0), new Uint8Array(40), good.slice(0, -3), flipped]
  for (const initial of wrong) {
    const source = tasks()
    const reported = []
    const store = connect(source.url, { fetch: source.fetch, initial, onError: (error) => reported.push(error) })
    t.after(() => store.close())
    const [error] = reported
    assert.deepEqual([error?.code, reported.length], ['bad-checkpoint', 1])
    assert.match(error.message, /^the checkpoint cannot be taken up: .*, at byte \d+$/)
    assert.equal(store.status.error, error)
    assert.deepEqual([store.status.phase, store.size], ['connecting', 0])
    await store.ready
    assert.deepEqual([store.status.phase, store.status.error, store.get('task', 'a')], ['live', undefined, { n: 1 }])
  }
  const other = connect('http://127.0.0.1:9/', { initial: good, protocol: 'relay', onError: () => {} })
  assert.match(other.status.error.message, /another protocol/)
  other.close()
})

test('items by kind and key are there at once; the first snapshot tells what differs', async (t) => {
  const source = tasks()
  const items = { task: { a: { n: 1 }, old: { n: 0 } }, count: { x: 7, none: null } }
  const store = connect(source.url, { fetch: source.fetch, initial: { items } })
  t.after(() => store.close())
  assert.deepEqual(store.entries('task'), [['a', { n: 1 }], ['old', { n: 0 }]])
  assert.deepEqual([store.get('count', 'x'), store.get('count', 'none'), store.versionOf('task', 'a')], [7, null, 0])
  const view = store.view({ kind: 'task' })
  assert.equal(view.count, 2)
  const removed = []
  store.subscribe((change) => removed.push(...change.removed.map(({ key }) => key)))
  await source.settled()
  assert.deepEqual([removed, view.rows.map(({ key }) => key)], [['old', 'x', 'none'], ['a', 'b']])
  assert.equal(source.requests[0].url.includes('basis'), false)
})

test('a list of items with a cursor, as the server answers with, is gone on from', async (t) => {
  const asked = []
  const server = await serve(t, (request, response) => {
    asked.push(request.url)
    begin(response)
    response.write(intent('xfer-changes', 2) + put('a', 'y', 1, 1) + transferred(2, 1))
  })
  const initial = { topic: 'a', cursor: 'e1.1', index: 1, items: [{ kind: 'a', key: 'x', version: 9007199254740993n, object: { n: 1 } }, { kind: 'ü', key: '', object: [] }] }
  const store = connect(server.url, { initial })
  t.after(() => store.close())
  assert.deepEqual([store.get('a', 'x'), store.versionOf('a', 'x'), store.get('ü', '')], [{ n: 1 }, 9007199254740993n, []])
  await statusOf(store, ({ phase }) => phase === 'live')
  assert.deepEqual([store.get('a', 'x'), store.get('a', 'y'), store.status.resumed, asked], [{ n: 1 }, 1, true, ['/stream?basis=e1.1']])
})

test('initial: a mistake is named before anything happens', () => {
  const wrong = [
    ['x', /^option initial must be a checkpoint \(a Uint8Array\) or an object with items, not 'x'$/],
    [{}, /^option initial must be a checkpoint .*, not an object$/],
    [{ items: 5 }, /^option initial\.items must be an object, not 5$/],
    [{ items: { a: [] } }, /^option initial\.items\.a must be an object, not an array$/],
    [{ items: { a: { x: () => 1 } } }, /^option initial\.items\.a\.x cannot be written as JSON: it is a function$/],
    [{ items: { a: { x: 1n } } }, /^option initial\.items\.a\.x cannot be written as JSON: /],
    [{ items: [{ key: 'x', object: 1 }] }, /^option initial\.items\[0\] needs kind and key as strings$/],
    [{ items: [null] }, /^option initial\.items\[0\] must be an object, not null$/],
    [{ items: [{ kind: 'a', key: 'x', version: '1', object: 1 }] }, /^option initial\.items\[0\]\.version must be a whole number or a bigint, not '1'$/],
    [{ items: [], cursor: 5 }, /^option initial\.cursor must be a string, not 5$/],
  ]
  for (const [initial, message] of wrong) {
    assert.throws(() => connect('http://127.0.0.1:9/', { initial }), { name: 'HighwaterError', code: 'bad-option', message }, String(message))
  }
})

test('a large checkpoint is written and taken up', async (t) => {
  const text = 'ä'.repeat(1000)
  const items = Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`key-${at}`, [at, { at, text }]]))
  const server = await serve(t, (_, response) => {
    begin(response)
    response.write(snapshot(1, { a: items }))
  })
  const store = connect(server.url)
  await store.ready
  const initial = store.checkpoint()
  assert.ok(initial.length > 6_000_000, `${initial.length}`)
  store.close()
  const again = connect('http://127.0.0.1:9/', { initial, onError: () => {} })
  t.after(() => again.close())
  assert.deepEqual([again.size, again.get('a', 'key-2999')], [3000, { at: 2999, text }])
  assert.deepEqual(again.checkpoint(), initial)
})
