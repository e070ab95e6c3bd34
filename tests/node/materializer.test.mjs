// The built package in Node, without a network.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect, HighwaterError, Materializer } from '../../dist/node.js'

const bytes = (text) => new TextEncoder().encode(text)

test('bytes go in, state comes out, and a value is the same object until its version moves', () => {
  const flags = new Materializer({ protocol: 'relay' })
  flags.push(bytes('event: put\ndata: {"path":"/","data":{"flags":{"a":{"version":1,"on":true}}}}\n\n'))
  const first = flags.get('flags', 'a')
  assert.deepEqual(first, { version: 1, on: true })
  assert.equal(flags.get('flags', 'a'), first)
  flags.push(bytes('event: patch\ndata: {"path":"/flags/a","data":{"version":2,"on":false}}\n\n'))
  assert.deepEqual(flags.get('flags', 'a'), { version: 2, on: false })
  assert.equal(flags.versionOf('flags', 'a'), 2)
})

test('bad input is named and changes nothing', () => {
  const flags = new Materializer({ protocol: 'relay' })
  assert.throws(
    () => flags.push(bytes('event: patch\ndata: {\n\n')),
    (error) => error instanceof HighwaterError && error.code === 'bad-data' && error.event === 'patch',
  )
  assert.equal(flags.size, 0)
})

test('what a push changed is known whenever it is asked for, whoever has the slots by then', () => {
  // Nothing is remembered of what was deleted: its slots are given to others.
  const one = new Materializer({ tombstones: { count: 0 } })
  const version = (number) => ({ state: `s${number}`, version: number })
  const push = (number, events) =>
    one.push(bytes([...events, ['payload-transferred', version(number)]].map(([type, data]) => `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`).join('')))
  const intent = (intentCode) => ['server-intent', { payloads: [{ id: 'p', target: 1, intentCode }] }]
  // More than are named at once, some beyond ASCII.
  const keys = (what) => Array.from({ length: 1300 }, (_, at) => `${what} of some length, ${at % 3 === 0 ? 'größer €' : 'short'} ${at}`)
  const put = (number, list) => list.map((key) => ['put-object', { kind: 'thing', key, version: number, object: { key } }])
  const names = (list) => list.map((key) => ({ kind: 'thing', key }))
  const [first, second] = [keys('one'), keys('two')]
  const came = push(1, [intent('xfer-full'), ...put(1, first)])
  const went = push(2, [intent('xfer-changes'), ...first.map((key) => ['delete-object', { kind: 'thing', key, version: 2 }])])
  const next = push(3, put(3, second))
  assert.equal(one.size, 1300)
  assert.deepEqual(one.get('thing', second[7]), { key: second[7] })
  assert.equal(one.get('thing', first[7]), undefined)
  one[Symbol.dispose]()
  for (let times = 0; times < 2; times += 1) {
    assert.deepEqual(came.transactions.map(({ inserted, removed }) => [inserted.toSorted(byKey), removed]), [[names(first).toSorted(byKey), []]])
    assert.deepEqual(went.transactions.map(({ changed, removed }) => [changed, removed.toSorted(byKey)]), [[[], names(first).toSorted(byKey)]])
  }
  assert.equal(next.events, 1301)
})

test('events come one by one, with ids and without', () => {
  const one = new Materializer({ trace: true })
  const other = new Materializer()
  const both = (event) => [one, other].map((machine) => machine.pushEvent(event)).map(({ events, transactions, upToDate, fault }) => [events, transactions.length, upToDate, fault])
  const quiet = [1, 0, false, undefined]
  const since = Date.now()
  assert.deepEqual(both({ type: 'server-intent', data: '{"payloads":[{"id":"p","target":1,"intentCode":"xfer-full"}]}', id: 'first' }), [quiet, quiet])
  for (const [key, value] of [['a', 'ASCII'], ['b', 'größer € 🌍'.repeat(100)], ['c', 'x'.repeat(200_000)]]) {
    assert.deepEqual(both({ type: 'put-object', data: JSON.stringify({ kind: 'k', key, version: 1, object: value }) }), [quiet, quiet])
  }
  assert.deepEqual(both({ data: 'of no type' }), [quiet, quiet])
  assert.equal(one.size, 0)
  const [[events, transactions]] = both({ type: 'payload-transferred', data: '{"state":"s1","version":1}', id: 'größer' })
  assert.deepEqual([events, transactions], [1, 1])
  for (const machine of [one, other]) {
    assert.deepEqual(machine.entries('k').map(([key, value]) => [key, value.length]), [['a', 5], ['b', 1100], ['c', 200_000]])
    assert.equal(machine.lastEventId, 'größer')
  }
  // What is recorded is told with its time.
  assert.deepEqual(one.takeTrace().map(({ event, at }) => [event, at >= since]), ['server-intent', 'put-object', 'put-object', 'put-object', 'message', 'payload-transferred'].map((event) => [event, true]))
})

test('misuse is named', () => {
  assert.throws(() => connect('http://127.0.0.1:1/', { nonsense: 1 }), /nonsense/)
})

function byKey(a, b) {
  return a.key < b.key ? -1 : 1
}
