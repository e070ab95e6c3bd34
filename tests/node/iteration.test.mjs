// The changes of a store, one after the other.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../dist/node.js'
import { createSource } from '../../dist/testing/index.js'

async function live(t, options = {}) {
  const source = createSource()
  source.begin().put('a', 'x', 0).end()
  const store = connect(source.url, { fetch: source.fetch, ...options })
  t.after(() => store.close())
  await source.settled()
  return { source, store }
}

const namesIn = ({ changed, removed }) => [...changed.map(({ key }) => key), ...removed.map(({ key }) => `-${key}`)].join()

test('each change comes once, in order, until the store is closed', async (t) => {
  const { source, store } = await live(t)
  const seen = []
  const reading = (async () => {
    for await (const change of store) seen.push([namesIn(change), change.version, change.cursor])
    return 'ended'
  })()
  source.patch('a', 'y', 1)
  source.transaction(() => source.patch('a', 'z', 1).delete('a', 'x'))
  await source.settled()
  source.patch('a', 'y', 2)
  await source.settled()
  store.close()
  assert.equal(await reading, 'ended')
  assert.deepEqual(seen.map(([names]) => names), ['y', 'z,-x', 'y'])
  assert.equal(seen[2][2], 'test1.4')
})

test('whoever breaks off hears nothing more, and leaves nothing behind', async (t) => {
  const { source, store } = await live(t)
  let listeners = 0
  const { subscribe } = store
  store.subscribe = function (...words) {
    listeners++
    const stop = subscribe.apply(this, words)
    let listens = true
    return () => {
      if (listens) listeners--
      listens = false
      stop()
    }
  }
  const reading = (async () => {
    for await (const change of store) return namesIn(change)
  })()
  assert.equal(listeners, 1)
  source.patch('a', 'one', 1)
  assert.equal(await reading, 'one')
  assert.equal(listeners, 0)
  const iterator = store[Symbol.asyncIterator]()
  const waiting = [iterator.next(), iterator.next()]
  await iterator.return()
  assert.deepEqual(await Promise.all(waiting), [{ value: undefined, done: true }, { value: undefined, done: true }])
  assert.deepEqual(await iterator.next(), { value: undefined, done: true })
  assert.equal(listeners, 0)
})

test('what a slow consumer did not take is put together: bounded, and nothing is lost', async (t) => {
  const { source, store } = await live(t)
  const iterator = store[Symbol.asyncIterator]()
  for (let at = 0; at < 64; at++) source.patch('a', 'early', at)
  for (let at = 0; at < 1000; at++) source.patch('a', `k${at % 10}`, at)
  source.delete('a', 'k0').delete('a', 'x').patch('a', 'x', 1)
  await source.settled()
  const taken = []
  for (let at = 0; at < 64; at++) taken.push(namesIn((await iterator.next()).value))
  assert.deepEqual(new Set(taken), new Set(['early']))
  const { value } = await iterator.next()
  assert.deepEqual([namesIn(value).split(',').sort().join(), value.cursor], ['-k0,k1,k2,k3,k4,k5,k6,k7,k8,k9,x', source.cursor])
  // From here on they are apart again.
  source.patch('a', 'p', 1)
  source.patch('a', 'q', 1)
  await source.settled()
  assert.deepEqual([namesIn((await iterator.next()).value), namesIn((await iterator.next()).value)], ['p', 'q'])
  source.patch('a', 'last', 1)
  await source.settled()
  store.close()
  assert.equal(namesIn((await iterator.next()).value), 'last')
  assert.deepEqual(await iterator.next(), { value: undefined, done: true })
})

test('what came before the store was closed, and before anybody took it, is told all the same', async (t) => {
  const { source, store } = await live(t)
  const iterator = store[Symbol.asyncIterator]()
  source.patch('a', 'y', 1)
  await source.settled()
  const early = store[Symbol.asyncIterator]()
  store.close()
  assert.equal(namesIn((await iterator.next()).value), 'y')
  assert.deepEqual(await iterator.next(), { value: undefined, done: true })
  assert.deepEqual(await early.next(), { value: undefined, done: true })
})

test('a store that stops for good throws it into the loop; a closed one refuses', async (t) => {
  const { source, store } = await live(t)
  const reading = (async () => {
    for await (const _ of store) assert.fail('there is no change')
  })()
  source.refuse(403).cut()
  await assert.rejects(reading, { name: 'HighwaterError', code: 'status', status: 403 })
  await assert.rejects(async () => {
    for await (const _ of store) assert.fail('there is no change')
  }, { code: 'status' })
  store.close()
  assert.throws(() => store[Symbol.asyncIterator](), { code: 'closed', message: 'iteration: the store was closed' })
})
