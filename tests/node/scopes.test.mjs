// Scoped listeners: who hears of what, and in which order.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect, Materializer } from '../../dist/node.js'
import { createSource } from '../../dist/testing/index.js'

async function live(t, options = {}) {
  const source = createSource()
  const store = connect(source.url, { fetch: source.fetch, ...options })
  t.after(() => store.close())
  source.begin().end()
  await source.settled()
  return { source, store }
}

const namesIn = ({ changed, removed }) => [...changed.map(({ key }) => key), ...removed.map(({ key }) => `-${key}`)].join()

test('ten thousand listeners, each for a key: five thousand changes are five thousand calls', async (t) => {
  const { source, store } = await live(t)
  const heard = new Map()
  const keys = Array.from({ length: 10_000 }, (_, at) => `key-${at}`)
  const stops = keys.map((key) => store.subscribe((change) => heard.set(key, (heard.get(key) ?? '') + namesIn(change)), { kind: 'a', key }))
  for (let at = 0; at < 5000; at++) source.patch('a', keys[at * 2], at)
  await source.settled()
  assert.equal(heard.size, 5000)
  for (const [key, names] of heard) assert.equal(names, key)
  heard.clear()
  for (const stop of stops) stop()
  source.patch('a', keys[0], 1)
  await source.settled()
  assert.equal(heard.size, 0)
})

test('each hears of what it asked for, as far as it asked', async (t) => {
  const { source, store } = await live(t)
  const scopes = {
    all: undefined,
    kind: 'a',
    object: { kind: 'a' },
    key: { kind: 'a', key: 'one' },
    keys: { kind: 'a', keys: new Set(['one', 'two', 'none']) },
    o: { kind: 'a', prefix: 'o' },
    on: { kind: 'a', prefix: 'on' },
    once: { kind: 'a', prefix: 'once' },
    everyPrefix: { kind: 'a', prefix: '' },
    both: { kind: 'a', keys: ['one', 'two'], prefix: 't' },
    noneOfBoth: { kind: 'a', key: 'one', prefix: 't' },
    nobody: { kind: 'a', keys: [] },
    other: 'b',
  }
  const heard = {}
  for (const [name, scope] of Object.entries(scopes)) store.subscribe((change) => (heard[name] = namesIn(change)), scope)
  source.patch('a', 'two', 1).patch('a', 'once', 1)
  await source.settled()
  for (const name of Object.keys(heard)) delete heard[name]
  source.transaction(() => source.patch('a', 'one', 1).delete('a', 'two').patch('a', 'ten', 1).delete('a', 'once').patch('b', 'one', 1))
  await source.settled()
  assert.deepEqual(heard, {
    all: 'one,ten,one,-two,-once',
    kind: 'one,ten,-two,-once',
    object: 'one,ten,-two,-once',
    key: 'one',
    keys: 'one,-two',
    o: 'one,-once',
    on: 'one,-once',
    once: '-once',
    everyPrefix: 'one,ten,-two,-once',
    both: '-two',
    other: 'one',
  })
})

test('whoever came first hears first, and whoever left hears nothing', async (t) => {
  const { source, store } = await live(t)
  const heard = []
  let stop
  store.subscribe(() => heard.push(1), { kind: 'a', key: 'x' })
  store.subscribe(() => {
    heard.push(2)
    stop()
    store.subscribe(() => heard.push('late'))
  })
  stop = store.subscribe(() => heard.push(3), { kind: 'a', prefix: 'x' })
  const same = () => heard.push(4)
  const one = store.subscribe(same, 'a')
  store.subscribe(same, 'a')
  source.patch('a', 'x', 1)
  await source.settled()
  assert.deepEqual(heard, [1, 2, 4, 4])
  one()
  one()
  heard.length = 0
  source.patch('a', 'x', 2)
  await source.settled()
  assert.deepEqual(heard, [1, 2, 4, 'late'])
})

test('a snapshot is told to those whom it concerns', async (t) => {
  const { source, store } = await live(t)
  source.patch('a', 'x', 1)
  await source.settled()
  const heard = []
  store.subscribe(({ snapshot, version, cursor }) => heard.push([snapshot, version === store.version, cursor === store.status.cursor]), { kind: 'a', key: 'x' })
  store.subscribe(() => heard.push('y'), { kind: 'a', key: 'y' })
  source.begin().put('a', 'x', 2).end()
  await source.settled()
  assert.deepEqual(heard, [[true, true, true]])
})

test('scopes: a mistake is named', async (t) => {
  const { store } = await live(t)
  const wrong = [
    [{ kind: 'a', key: 1 }, 'scope.key must be a string, not 1'],
    [{ kind: 'a', keys: 'one' }, "scope.keys must be a list of strings, not 'one'"],
    [{ kind: 'a', keys: 1 }, 'scope.keys must be a list of strings, not 1'],
    [{ kind: 'a', keys: ['x', 2] }, 'scope.keys must be a string, not 2'],
    [{ kind: 'a', prefix: null }, 'scope.prefix must be a string, not null'],
    [{ key: 'x' }, 'scope.kind must be a string, not undefined'],
  ]
  for (const [scope, message] of wrong) assert.throws(() => store.subscribe(() => {}, scope), { code: 'bad-option', message })
})

test('what a push changed can be asked for later, deletions too', () => {
  const flags = new Materializer({ protocol: 'relay' })
  const push = (type, data) => flags.pushEvent({ type, data: JSON.stringify(data) })
  push('put', { data: { flags: { a: { version: 1 }, b: { version: 1 } } } })
  const first = push('delete', { path: '/flags/a', version: 2 })
  const second = push('patch', { path: '/flags/b', data: { version: 2 } })
  for (let at = 0; at < 100; at++) push('patch', { path: `/flags/new${at}`, data: { version: 1 } })
  assert.deepEqual(first.transactions.map(({ changed, removed }) => [changed, removed]), [[[], [{ kind: 'flags', key: 'a' }]]])
  assert.deepEqual(second.transactions[0].changed, [{ kind: 'flags', key: 'b' }])
  assert.equal(first.transactions, first.transactions)
})
