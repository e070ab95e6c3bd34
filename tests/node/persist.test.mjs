// The option `persist`, with storages of the test's own: what is kept, taken up again, and what goes wrong.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../dist/node.js'
import { createSource } from '../../dist/testing/index.js'
import { begin, event, intent, put, serve, SOON, statusOf, transferred } from './stream.mjs'
import { until } from '../until.mjs'

/** A source with two tasks. */
function tasks() {
  return createSource().begin().put('task', 'a', { n: 1 }).put('task', 'b', { n: 2 }).end()
}

/** A store that keeps what it has there; and what its `onError` heard. */
function keeping(t, source, persist, more = {}) {
  const errors = []
  const store = connect(source.url, { fetch: source.fetch, persist, retry: SOON, onError: (error) => errors.push(error), ...more })
  t.after(() => store.close())
  return { store, errors }
}

/** A storage that has what a visit to this source left. */
async function visited(t, source, persist = {}) {
  const storage = new Map()
  const { store, errors } = keeping(t, source, { storage, ...persist })
  await statusOf(store, ({ phase }) => phase === 'live')
  store.close()
  await until(() => storage.size === 1, 'what the store kept')
  assert.deepEqual(errors, [])
  return storage
}

/** A server that cannot be reached. */
const NOWHERE = { url: 'https://source.test/stream', fetch: () => Promise.reject(new TypeError('unreachable')) }

test('what was kept is there before the network answers, and the stream goes on from it', async (t) => {
  const source = tasks()
  const storage = await visited(t, source)
  source.patch('task', 'a', { n: 10 })
  const asked = source.requests.length
  let answer
  const held = new Promise((resolve) => (answer = resolve))
  const fetch = async (...words) => (await held, source.fetch(...words))
  const { store, errors } = keeping(t, source, { storage }, { fetch })
  const heard = []
  store.subscribe(({ changed, removed, snapshot }) => heard.push([changed.map(({ key }) => key), removed, snapshot]))
  assert.equal(store.status.phase, 'connecting')
  await store.ready
  assert.deepEqual([store.status.phase, store.entries('task')], ['stale', [['a', { n: 1 }], ['b', { n: 2 }]]])
  const restored = heard.splice(0)
  assert.deepEqual(restored, [[['a', 'b'], [], true]])
  answer()
  await statusOf(store, ({ phase }) => phase === 'live')
  assert.deepEqual([heard, store.status.resumed], [[[['a'], [], false]], true])
  assert.equal(source.requests.length, asked + 1)
  assert.match(source.requests.at(-1).url, /[?&]basis=/)
  assert.deepEqual(errors, [])
})

test('without a network, what was kept is read as it was left', async (t) => {
  const source = tasks()
  const storage = await visited(t, source)
  const { store } = keeping(t, { ...NOWHERE, url: source.url }, { storage })
  await store.ready
  await statusOf(store, ({ error }) => error?.code === 'network')
  assert.deepEqual([store.status.phase, store.get('task', 'b')], ['stale', { n: 2 }])
})

test('a stream that was cut off within a transaction is kept, and resumed, as of the one before', async (t) => {
  const server = await serve(t, (request, response, at) => {
    begin(response)
    const half = put('task', 'a', 2, 'new') + put('task', 'b', 1, 'new')
    if (at === 0) response.write(intent('xfer-full', 1) + put('task', 'a', 1, 'old') + transferred(1) + half)
    else response.write(intent('xfer-changes', 2) + half + transferred(2, 1))
  })
  const storage = new Map()
  const first = keeping(t, server, { storage }, { fetch })
  await first.store.ready
  first.store.close()
  await until(() => storage.size === 1)
  const { store } = keeping(t, server, { storage }, { fetch })
  await store.ready
  assert.deepEqual(store.entries('task'), [['a', 'old']])
  await statusOf(store, ({ phase }) => phase === 'live')
  assert.deepEqual([store.entries('task'), server.requests.map(({ url }) => url)], [[['a', 'new'], ['b', 'new']], ['/stream', '/stream?basis=e1.1']])
})

test('it is kept while the store goes on, and not once for each change', async (t) => {
  const source = tasks()
  let writes = 0
  const kept = new Map()
  const storage = { get: (key) => kept.get(key), set: (key, bytes) => ((writes += 1), void kept.set(key, bytes)), delete: (key) => kept.delete(key) }
  const { store } = keeping(t, source, { storage })
  await store.ready
  for (let n = 0; n < 100; n += 1) source.patch('task', 'a', { n })
  await until(() => kept.size === 1, 'what the store kept', 30_000)
  assert.equal(writes, 1)
  const { store: next } = keeping(t, { ...NOWHERE, url: source.url }, { storage })
  await next.ready
  assert.deepEqual(next.get('task', 'a'), { n: 99 })
  // Nothing has come since: there is nothing to keep.
  store.close()
  next.close()
  assert.equal(writes, 1)
})

test('a write that is under way when the store is closed is followed by what came meanwhile', async (t) => {
  const source = tasks()
  const kept = new Map()
  const done = []
  const storage = { get: (key) => kept.get(key), set: (key, bytes) => new Promise((resolve) => done.push(() => resolve(kept.set(key, bytes)))), delete: (key) => kept.delete(key) }
  const { store } = keeping(t, source, { storage })
  await until(() => done.length === 1, 'the first write', 30_000)
  source.patch('task', 'a', { n: 'late' })
  await until(() => store.get('task', 'a').n === 'late')
  store.close()
  assert.equal(done.length, 1)
  done[0]()
  await until(() => done.length === 2)
  done[1]()
  const { store: next } = keeping(t, { ...NOWHERE, url: source.url }, { storage })
  await next.ready
  assert.deepEqual(next.get('task', 'a'), { n: 'late' })
})

test('a storage that is full is told once, and the store goes on', async (t) => {
  const source = tasks()
  const full = new DOMException('no room', 'QuotaExceededError')
  let writes = 0
  const storage = { get: () => undefined, set: async () => ((writes += 1), Promise.reject(full)), delete: () => {} }
  const { store, errors } = keeping(t, source, { storage })
  await until(() => errors.length > 0, 'the error', 30_000)
  source.patch('task', 'a', { n: 3 })
  await until(() => store.get('task', 'a').n === 3)
  assert.deepEqual([store.status.phase, store.status.error], ['live', undefined])
  store.close()
  await until(() => writes === 2)
  await new Promise(setImmediate)
  assert.equal(errors.length, 1)
  assert.deepEqual([errors[0].code, errors[0].message, errors[0].cause], ['persist', 'option persist: the state is not kept: QuotaExceededError: no room', full])
})

test('a storage that throws, or answers late or never, holds nobody up for long', async (t) => {
  const storages = [
    [{ get: () => { throw new Error('denied') } }, /^option persist: what was kept cannot be read: Error: denied$/],
    [{ get: () => Promise.reject('denied') }, /^option persist: what was kept cannot be read: denied$/],
    [{ get: () => new Promise(() => {}) }, /^option persist: what was kept cannot be read: Error: storage did not answer within 4000 ms$/],
  ]
  for (const [part, message] of storages) {
    const { store, errors } = keeping(t, tasks(), { storage: { set: () => { throw new Error('denied') }, delete: () => {}, ...part } })
    await statusOf(store, ({ phase }) => phase === 'live', 30_000)
    store.close()
    await new Promise(setImmediate)
    assert.deepEqual(errors.map(({ code }) => code), ['persist'])
    assert.match(errors[0].message, message)
  }
})

test('what is damaged, foreign, or of another version is told, and read anew; the next visit has it again', async (t) => {
  const source = tasks()
  const good = await visited(t, source)
  const [[key, bytes]] = good
  const changed = (at) => Uint8Array.from(bytes, (byte, place) => (place === at ? byte ^ 1 : byte))
  const wrong = [
    [new Uint8Array(0), /another version, or nothing that was kept here/],
    ['text', /something else than bytes/],
    [changed(3), /another version/],
    [bytes.slice(0, -1), /it is not whole/],
    [bytes.slice(0, 20), /it is not whole/],
    ...Array.from({ length: bytes.length - 4 }, (_, at) => [changed(at + 4), /it is not whole/]),
  ]
  for (const [kept, message] of wrong) {
    const storage = new Map([[key, kept]])
    const { store, errors } = keeping(t, source, { storage })
    await store.ready
    assert.deepEqual([store.status.phase, store.size, store.status.resumed], ['live', 2, false])
    assert.deepEqual(errors.map(({ code }) => code), ['bad-checkpoint'])
    assert.match(errors[0].message, message)
    store.close()
    assert.equal(storage.get(key).length, bytes.length)
  }
})

test('what is whole, but nothing that the module takes up, is told in its words', async (t) => {
  const source = tasks()
  const storage = await visited(t, source)
  const relay = await serve(t, (_, response) => {
    begin(response)
    response.write(event('put', { path: '/', data: { flags: { dark: { key: 'dark', version: 1 } }, segments: {} } }))
  })
  const kept = new Map()
  const other = keeping(t, relay, { storage: kept }, { fetch, protocol: 'relay' })
  await other.store.ready
  other.store.close()
  await until(() => kept.size === 1)
  storage.set([...storage.keys()][0], [...kept.values()][0])
  const { store, errors } = keeping(t, source, { storage })
  await store.ready
  assert.deepEqual([store.status.phase, store.keys('task')], ['live', ['a', 'b']])
  assert.deepEqual(errors.map(({ code }) => code), ['bad-checkpoint'])
  assert.match(errors[0].message, /another protocol/)
})

test('what is older than maxAge is told, deleted, and not shown', async (t) => {
  const source = tasks()
  const storage = await visited(t, source)
  const { now } = Date
  t.after(() => (Date.now = now))
  Date.now = () => now() + 10_000
  const young = keeping(t, source, { storage, maxAge: 60_000 })
  await young.store.ready
  assert.equal(young.store.status.phase, 'stale')
  assert.deepEqual(young.errors, [])
  await statusOf(young.store, ({ phase }) => phase === 'live')
  young.store.close()
  // It was live: what it has is of this moment, although nothing came.
  Date.now = () => now() + 65_000
  const renewed = keeping(t, { ...NOWHERE, url: source.url }, { storage, maxAge: 60_000 })
  await renewed.store.ready
  renewed.store.close()
  Date.now = () => now() + 80_000
  const old = keeping(t, { ...NOWHERE, url: source.url }, { storage, maxAge: 60_000 })
  await until(() => old.errors.length === 1)
  assert.equal(old.errors[0].code, 'bad-checkpoint')
  assert.match(old.errors[0].message, /^what was kept (69|70|71) s ago is not taken up: it is older than option persist\.maxAge allows$/)
  assert.deepEqual([old.store.size, storage.size], [0, 0])
})

test('names, protocols and addresses are kept apart', async (t) => {
  const source = tasks()
  const storage = await visited(t, source, { name: 'ada' })
  const url = `${source.url}?other`
  for (const [persist, more] of [[{}, {}], [{ name: 'bob' }, {}], [{ name: 'ada' }, { protocol: { name: 'fdv2', kinds: ['task'] } }], [{ name: 'ada' }, { url }]]) {
    const { store, errors } = keeping(t, { ...NOWHERE, url: more.url ?? source.url }, { storage, ...persist }, more.protocol && more)
    await statusOf(store, ({ error }) => error?.code === 'network')
    assert.deepEqual([store.size, errors], [0, []])
  }
  const { store } = keeping(t, { ...NOWHERE, url: source.url }, { storage, name: 'ada' })
  await store.ready
  assert.equal(store.size, 2)
})

test('with initial, the store begins with that, at once, and what comes is kept', async (t) => {
  const source = tasks()
  const storage = await visited(t, source)
  const [[key, before]] = storage
  const { store } = keeping(t, source, { storage }, { initial: { items: { task: { a: { n: 'page' } } } } })
  await store.ready
  assert.deepEqual(store.entries('task'), [['a', { n: 'page' }]])
  await statusOf(store, ({ phase }) => phase === 'live')
  store.close()
  await until(() => storage.get(key) !== before)
})

test('a store that was closed while storage was asked stays closed, and keeps nothing', async (t) => {
  const source = tasks()
  let answer
  const storage = { get: () => new Promise((resolve) => (answer = resolve)), set: () => assert.fail('it wrote'), delete: () => {} }
  const { store } = keeping(t, source, { storage })
  await until(() => answer)
  store.close()
  answer()
  await assert.rejects(store.ready, { code: 'closed' })
  assert.equal(source.requests.length, 0)
})

test('on a server without storage there is nothing to keep, and nothing to tell', async (t) => {
  const { store, errors } = keeping(t, tasks(), true)
  await store.ready
  assert.deepEqual(errors, [])
})

test('persist: a mistake is named before anything happens', () => {
  const wrong = [
    [{ persist: 5 }, /^option persist must be an object, not 5$/],
    [{ persist: { nam: 'x' } }, /^unknown option persist\.nam; there are: name, maxAge, storage$/],
    [{ persist: { name: 5 } }, /^option persist\.name must be a string, not 5$/],
    [{ persist: { maxAge: -1 } }, /^option persist\.maxAge must be a number of at least 0, not -1$/],
    [{ persist: { storage: localStorageLike } }, /^option persist\.storage must have the methods get, set and delete$/],
    [{ persist: { storage: null } }, /^option persist\.storage must have the methods/],
    [{ persist: true, method: 'POST', body: new Uint8Array(1) }, /^option persist needs a body that is a string/],
  ]
  for (const [options, message] of wrong) {
    assert.throws(() => connect('http://127.0.0.1:9/', options), { name: 'HighwaterError', code: 'bad-option', message }, String(message))
  }
})

const localStorageLike = { getItem() {}, setItem() {} }
