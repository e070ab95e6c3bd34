// The store: reads, listeners, snapshots.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from './door.mjs'
import { begin, event, gone, intent, put, raw, serve, snapshot, statusOf, transferred } from './stream.mjs'
import { until } from '../until.mjs'

/** A store of a server that sends a snapshot, and lets the test send more. */
async function live(t, kinds, options) {
  let send
  const server = await serve(t, (_, response) => {
    begin(response)
    response.write(snapshot(1, kinds))
    send = (text) => response.write(text)
  })
  const store = connect(server.url, options)
  t.after(() => store.close())
  await store.ready
  const sent = async (text) => {
    const { version } = store
    send(text)
    await until(() => store.version > version, 'the next version')
  }
  return { store, server, sent, send: (text) => send(text) }
}

test('connect is synchronous, and what is not there yet reads as undefined', async (t) => {
  const server = await serve(t, (_, response) => begin(response))
  const store = connect(server.url)
  t.after(() => store.close())
  assert.equal(store.status.phase, 'connecting')
  assert.equal(store.get('process', '1'), undefined)
  assert.equal(store.has('process', '1'), false)
  assert.deepEqual(store.keys(), [])
  assert.deepEqual(Object.keys(store.snapshot()), [])
  assert.equal(store.size, 0)
  await statusOf(store, ({ phase }) => phase === 'syncing')
})

test('a value is the same object until its version moves', async (t) => {
  const { store, sent } = await live(t, { process: { 1: [7, { name: 'init' }], 2: [7, { name: 'two' }] } })
  const [init, two] = [store.get('process', '1'), store.get('process', '2')]
  assert.deepEqual(init, { name: 'init' })
  assert.equal(store.get('process', '1'), init)
  await sent(put('process', '1', 8, { name: 'systemd' }) + transferred(2, 1))
  assert.deepEqual(store.get('process', '1'), { name: 'systemd' })
  assert.equal(store.get('process', '2'), two)
  assert.deepEqual(init, { name: 'init' })
})

test('values of every sort of JSON are read, and keys of every sort of text', async (t) => {
  const values = { 0: 0, f: false, n: null, s: 'ü😀', a: [1], e: '' }
  const items = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, [1, value]]))
  const { store } = await live(t, { 'ключ': items, __proto__x: { constructor: [1, 1] } })
  for (const [key, value] of Object.entries(values)) {
    assert.deepEqual(store.get('ключ', key), value)
    assert.deepEqual(store.get('ключ', key), value, `${key} again`)
  }
  assert.equal(store.get('__proto__x', 'constructor'), 1)
  assert.equal(store.get('ключ', 'constructor'), undefined)
})

test('versions are exact', async (t) => {
  const big = 9007199254740993n
  const { store } = await live(t, { a: { small: [3, 1], big: [big, 1], least: [-(2n ** 63n), 1] } })
  assert.equal(store.versionOf('a', 'small'), 3)
  assert.equal(store.versionOf('a', 'big'), big)
  assert.equal(store.versionOf('a', 'least'), -(2n ** 63n))
  assert.equal(store.versionOf('a', 'none'), undefined)
})

test('a listener is called once for each transaction, after the state has moved', async (t) => {
  const { store, send } = await live(t, { a: { x: [1, 1], y: [1, 1] } })
  const seen = []
  const stop = store.subscribe((change) => seen.push([change, store.get('a', 'x')]))
  send(put('a', 'x', 2, 2) + put('b', 'z', 1, 1) + gone('a', 'y', 2) + transferred(2, 1))
  await until(() => seen.length === 1)
  const [[change, x]] = seen
  assert.equal(x, 2)
  assert.deepEqual(change.changed, [{ kind: 'a', key: 'x' }, { kind: 'b', key: 'z' }])
  assert.deepEqual(change.removed, [{ kind: 'a', key: 'y' }])
  assert.deepEqual([change.snapshot, change.version, change.cursor], [false, 2, 'e1.2'])
  // Two in one chunk are two calls.
  send(put('a', 'x', 3, 3) + transferred(3, 2) + put('a', 'x', 4, 4) + transferred(4, 3))
  await until(() => seen.length === 3)
  stop()
  send(put('a', 'x', 5, 5) + transferred(5, 4))
  await until(() => store.get('a', 'x') === 5)
  assert.equal(seen.length, 3)
})

test('half a transaction is not seen', async (t) => {
  const { store, send, sent } = await live(t, { a: { x: [1, 1] } })
  const seen = []
  store.subscribe((change) => seen.push(change))
  send(put('a', 'x', 2, 2))
  send(put('a', 'y', 1, 1))
  await statusOf(store, ({ progress }) => progress?.received === 2)
  assert.deepEqual([store.get('a', 'x'), store.has('a', 'y'), seen.length], [1, false, 0])
  await sent(transferred(2, 1))
  assert.deepEqual([store.get('a', 'x'), store.get('a', 'y'), seen.length], [2, 1, 1])
  assert.equal(store.status.progress, undefined)
})

test('scopes: a kind, a key, keys, a prefix', async (t) => {
  const { store, send } = await live(t, {})
  const seen = {}
  const scopes = {
    kind: 'a',
    key: { kind: 'a', key: 'k1' },
    keys: { kind: 'a', keys: ['k1', 'k2'] },
    prefix: { kind: 'a', prefix: 'k' },
    none: { kind: 'c' },
  }
  for (const [name, scope] of Object.entries(scopes)) {
    store.subscribe(({ changed }) => (seen[name] = changed.map(({ key }) => key).join()), scope)
  }
  store.collection('b').subscribe(({ changed }) => (seen.collection = changed.map(({ key }) => key).join()))
  let all = false
  store.subscribe(() => (all = true))
  send(['k1', 'k2', 'k3', 'x'].map((key) => put('a', key, 1, 1)).join('') + put('b', 'k1', 1, 1) + transferred(2, 1))
  await until(() => all)
  assert.deepEqual(seen, { kind: 'k1,k2,k3,x', key: 'k1', keys: 'k1,k2', prefix: 'k1,k2,k3', collection: 'k1' })
})

test('a listener that throws stops nobody else', async (t) => {
  const reported = []
  const { store, sent } = await live(t, {}, { onError: (error) => reported.push(error.message) })
  const seen = []
  store.subscribe(() => seen.push(1))
  store.subscribe(() => {
    throw new Error('boom')
  })
  store.onStatus(() => {
    throw new Error('bang')
  })
  store.subscribe(() => seen.push(2))
  await sent(put('a', 'x', 1, 1) + transferred(2, 1))
  assert.deepEqual(seen, [1, 2])
  assert.deepEqual(reported.slice(0, 2), ['boom', 'bang'])
})

test('a listener may do anything, and everybody hears everything in order', async (t) => {
  const { store, send } = await live(t, {})
  const heard = []
  store.subscribe(({ version }) => {
    heard.push(`first ${version}`)
    store.pause()
  })
  store.subscribe(({ version }) => heard.push(`second ${version}`))
  store.onStatus(({ phase }) => heard.push(phase))
  send(put('a', 'x', 1, 1) + transferred(2, 1))
  await until(() => heard.includes('paused'))
  assert.deepEqual(heard, ['first 1', 'second 1', 'paused'])
})

test('a snapshot never changes, and is the same until the version moves', async (t) => {
  const { store, sent } = await live(t, { a: { x: [1, { n: 1 }], y: [1, { n: 2 }] }, b: { z: [1, { n: 3 }] } })
  const before = store.snapshot()
  assert.equal(store.snapshot(), before)
  assert.ok(Object.isFrozen(before))
  const y = store.get('a', 'y')
  await sent(put('a', 'x', 2, { n: 9 }) + gone('b', 'z', 2) + transferred(2, 1))
  const after = store.snapshot()
  assert.notEqual(after, before)
  assert.deepEqual([...before.a], [['x', { n: 1 }], ['y', { n: 2 }]])
  assert.deepEqual(before.b.get('z'), { n: 3 })
  assert.deepEqual([...after.a.keys()], ['x', 'y'])
  assert.deepEqual(after.a.get('x'), { n: 9 })
  assert.equal(after.b, undefined)
  // Items keep their identity, in snapshots and out of them.
  assert.equal(after.a.get('y'), y)
  assert.equal(before.a.get('y'), y)
  assert.equal(store.get('a', 'x'), after.a.get('x'))
})

test('in a snapshot, a kind that did not change is the same object', async (t) => {
  const { store, sent } = await live(t, { a: { x: [1, { n: 1 }] }, b: { z: [1, { n: 3 }] } })
  const before = store.snapshot()
  await sent(put('a', 'x', 2, { n: 9 }) + transferred(2, 1))
  const after = store.snapshot()
  assert.equal(after.b, before.b)
  assert.notEqual(after.a, before.a)
  assert.equal(store.collection('b').snapshot(), before.b)
})

test('a collection reads one kind', async (t) => {
  const { store } = await live(t, { a: { x: [1, 10], y: [2, 20] }, b: { z: [1, 1] } })
  const a = store.collection('a')
  assert.equal(store.collection('a'), a)
  assert.deepEqual([a.size, a.get('x'), a.has('z'), a.versionOf('y')], [2, 10, false, 2])
  assert.deepEqual([a.keys(), a.values(), [...a]], [['x', 'y'], [10, 20], [['x', 10], ['y', 20]]])
  assert.equal(a.snapshot().size, 2)
  assert.equal(store.collection('none').snapshot().size, 0)
  assert.deepEqual(store.keys(), [{ kind: 'a', key: 'x' }, { kind: 'a', key: 'y' }, { kind: 'b', key: 'z' }])
})

test('a slot that another item took over is not taken for the old one', async (t) => {
  const { store, sent } = await live(t, { a: { old: [1, { n: 'old' }] } })
  assert.deepEqual(store.get('a', 'old'), { n: 'old' })
  await sent(gone('a', 'old', 2) + transferred(2, 1))
  assert.equal(store.get('a', 'old'), undefined)
  for (let index = 3; index < 20; index++) {
    const replaced = index > 3 ? gone('a', `new${index - 1}`, 2) : ''
    await sent(replaced + put('a', `new${index}`, 1, { n: index }) + transferred(index, index - 1))
    assert.equal(store.get('a', 'old'), undefined)
    assert.equal(store.has('a', 'old'), false)
    assert.deepEqual(store.get('a', `new${index}`), { n: index })
  }
})

test('an unreadable value reads as undefined, is reported once, and the next version heals it', async (t) => {
  const reported = []
  const { store, sent } = await live(t, { a: { x: [1, raw('{"oh no')], y: [1, 1] } }, { onError: (error) => reported.push(error) })
  assert.equal(store.get('a', 'x'), undefined)
  assert.equal(store.get('a', 'x'), undefined)
  assert.equal(store.has('a', 'x'), true)
  assert.equal(reported.length, 1)
  const [error] = reported
  assert.deepEqual([error.name, error.code, error.kind, error.key, error.cursor], ['HighwaterError', 'bad-value', 'a', 'x', 'e1.1'])
  assert.match(error.message, /a\/x/)
  assert.equal(store.status.error, error)
  assert.deepEqual(store.entries('a'), [['y', 1]])
  await sent(put('a', 'x', 2, { n: 1 }) + transferred(2, 1))
  assert.deepEqual(store.get('a', 'x'), { n: 1 })
  assert.equal(store.status.error, undefined)
})

test("with validate: 'ingest' an unreadable value is refused, and the old one stays", async (t) => {
  const { store, send, sent } = await live(t, { a: { x: [1, 1] } }, { validate: 'ingest' })
  send(put('a', 'x', 2, raw('{"oh no')) + put('a', 'y', 1, 1) + transferred(2, 1))
  await until(() => store.has('a', 'y'))
  assert.deepEqual([store.get('a', 'x'), store.versionOf('a', 'x')], [1, 1])
  await sent(put('a', 'x', 3, 3) + transferred(3, 2))
  assert.equal(store.get('a', 'x'), 3)
})

test('the trace tells of every event and what came of it, while somebody listens', async (t) => {
  const { store, send } = await live(t, { a: { x: [5, 1] } })
  const seen = []
  const stop = store.trace((traced) => seen.push(traced))
  // A store that begins in the lean module moves first, and connects anew.
  if (globalThis.highwaterDoor !== undefined) await until(() => seen.length === 3)
  seen.length = 0
  send(put('a', 'x', 5, 1) + put('a', 'n', 1, 1) + gone('a', 'none', 1) + transferred(2, 1) + event('heart-beat', {}) + event('odd', {}))
  await until(() => seen.length === 6)
  const [first] = seen
  assert.deepEqual([first.event, first.id, first.bytes, first.data.slice(0, 11)], ['put-object', 'e1.1', 45, '{"kind":"a"'])
  assert.ok(Math.abs(first.at - Date.now()) < 5000)
  assert.deepEqual(first.steps.map((step) => step.action), ['stage'])
  const [commit, ...changes] = seen[3].steps
  assert.deepEqual(commit, { action: 'commit', cursor: 'e1.2' })
  assert.deepEqual(
    changes.map(({ action, key, reason }) => [action, key, reason]),
    [['noop', 'x', 'unchanged'], ['insert', 'n', undefined], ['noop', 'none', 'absent']],
  )
  assert.equal(seen[4].steps[0].action, 'heartbeat')
  assert.equal(seen[5].steps[0].action, 'ignored')
  stop()
  send(put('a', 'x', 6, 1) + transferred(3, 2))
  await until(() => store.version === 3)
  assert.equal(seen.length, 6)
})

test('after close, reads go on, and what would begin something is refused', async (t) => {
  const { store, server } = await live(t, { a: { x: [1, { n: 1 }] } })
  const x = store.get('a', 'x')
  store.close()
  store.close()
  assert.equal(store.status.phase, 'stopped')
  assert.equal(store.status.error, undefined)
  assert.equal(store.get('a', 'x'), x)
  assert.equal(store.snapshot().a.get('x'), x)
  for (const method of ['pause', 'resume', 'reconnect', 'subscribe', 'onStatus', 'trace']) {
    assert.throws(() => store[method](() => {}), { code: 'closed', message: `${method}: the store was closed` })
  }
  await until(() => server.open.size === 0, 'the end of the connection')
})

test('a store is disposed of by using', async (t) => {
  const { store } = await live(t, {})
  store[Symbol.dispose]()
  await store[Symbol.asyncDispose]()
  assert.equal(store.status.phase, 'stopped')
})

test('a status is frozen, and the same object until something changes', async (t) => {
  const { store, sent } = await live(t, {})
  const { status } = store
  assert.equal(store.status, status)
  assert.ok(Object.isFrozen(status))
  assert.equal(status.lag, 0)
  const told = []
  store.onStatus((next) => told.push(next))
  await sent(put('a', 'x', 1, 1) + transferred(2, 1))
  assert.deepEqual(told.map(({ cursor }) => cursor), ['e1.2'])
  assert.equal(store.status, told[0])
})

test('what is large and cut anywhere arrives whole', async (t) => {
  const big = { text: 'ä'.repeat(300_000), list: Array.from({ length: 1000 }, (_, at) => at) }
  const bytes = Buffer.from(intent('xfer-full', 1) + put('a', 'big', 1, big) + transferred(1))
  const server = await serve(t, async (_, response) => {
    begin(response)
    for (let at = 0; at < bytes.length; at += 7919) {
      response.write(bytes.subarray(at, at + 7919))
      await new Promise((resolve) => setImmediate(resolve))
    }
  })
  const store = connect(server.url)
  t.after(() => store.close())
  await store.ready
  assert.deepEqual(store.get('a', 'big'), big)
})
