// A store begins in the lean module, and goes on in the one with everything where it must.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect, fetched, init, Materializer, missing } from './browser.mjs'
import { begin, event, gone, intent, put, raw, serve, snapshot, SOON, statusOf, transferred } from './stream.mjs'
import { until } from '../until.mjs'

/** An intent of a server that promises nothing. */
const bare = (code) => event('server-intent', { payloads: [{ id: 't', target: 1, intentCode: code, reason: 'test' }] })
const any = (kind, key, version, object) => event('put-object', { version, kind, key, object })

/** A store of a server that answers each connection with the texts of its turn, all in one piece or byte by byte. */
async function stream(t, turns, options = {}) {
  const responses = []
  const server = await serve(t, (_, response, at) => {
    begin(response)
    responses.push(response)
    response.write(turns[at] ?? '')
  })
  const store = connect(server.url, { retry: SOON, ...options })
  t.after(() => store.close())
  const heard = []
  store.subscribe(({ changed, removed, snapshot }) => heard.push([changed.map(({ key }) => key).join(), removed.map(({ key }) => key).join(), snapshot]))
  const basis = () => server.requests.map(({ url }) => new URL(url, 'http://x').searchParams.get('basis'))
  return { store, server, heard, basis, send: (text) => responses.at(-1).write(text) }
}

test('what is wrong within options is told by the store as long as what looks into them is not there', async () => {
  const wrong = () => connect('http://127.0.0.1:9/', { schema: { flag: 1 } })
  const named = { code: 'bad-option', message: /^option schema\.flag must be/ }
  assert.throws(() => connect('http://127.0.0.1:9/', { hidden: 'x' }), { code: 'bad-option', message: /^option hidden must be/ })
  const store = wrong()
  await assert.rejects(store.ready, named)
  assert.deepEqual([store.status.phase, store.status.error.code], ['stopped', 'bad-option'])
  assert.throws(wrong, named)
})

test('without the whole module: a stream of our own goes on, whatever cannot be had is reported', async (t) => {
  missing.add('full.wasm')
  t.after(() => missing.clear())
  const errors = []
  const { store, send, server } = await stream(t, [snapshot(1, { a: { x: [1, 1] } })], { onError: (error) => errors.push(error) })
  await store.ready
  assert.equal(store.get('a', 'x'), 1)
  assert.deepEqual(fetched, ['core.wasm'])
  store.trace(() => {})
  await until(() => errors.length > 0)
  assert.match(errors[0].message, /^the WebAssembly module did not load: .*answered 404$/)
  assert.equal(errors[0].code, 'wasm')
  send(put('a', 'x', 2, 2) + transferred(2, 1))
  await until(() => store.get('a', 'x') === 2)
  assert.equal(server.requests.length, 1)
  assert.equal(store.status.phase, 'live')
})

test('without the whole module: a stream of another server stops the store, which says why', async (t) => {
  missing.add('full.wasm')
  t.after(() => missing.clear())
  const { store, server } = await stream(t, [bare('xfer-full') + any('a', 'x', 1, 1) + transferred(1)])
  await assert.rejects(store.ready, { code: 'wasm' })
  assert.equal(store.status.phase, 'stopped')
  assert.equal(store.status.error.code, 'wasm')
  await until(() => server.open.size === 0, 'the end of the connection')
})

test('without the whole module: who asks for it at once hears of that, and the stream goes on', async (t) => {
  missing.add('full.wasm')
  t.after(() => missing.clear())
  const errors = []
  const { store, server } = await stream(t, [snapshot(1, { a: { x: [1, 1] } })], { onError: (error) => errors.push(error) })
  store.trace(() => {})
  await store.ready
  assert.equal(store.get('a', 'x'), 1)
  await until(() => errors.length > 0)
  assert.equal(errors[0].code, 'wasm')
  assert.equal(server.requests.length, 1)
})

test('without the whole module: what only that can follow is asked for again, and the state stays', async (t) => {
  missing.add('full.wasm')
  t.after(() => missing.clear())
  const other = snapshot(2, { a: { y: [1, 1] } }, 'e2')
  const turns = Array.from({ length: 2000 }, (_, at) => (at === 0 ? snapshot(1, { a: { x: [1, 1] } }) : other))
  const { store, server } = await stream(t, turns)
  await store.ready
  store.reconnect()
  await statusOf(store, ({ error }) => /the WebAssembly module did not load: .*answered 404$/.test(error?.message))
  assert.deepEqual([store.keys('a'), store.get('a', 'x')], [['x'], 1])
  missing.clear()
  await until(() => store.has('a', 'y'))
  assert.equal(store.has('a', 'x'), false)
  assert.ok(server.requests.length > 2)
})

test('a first snapshot that is cut is begun anew; what is large is taken in by the whole module', async (t) => {
  const large = 'x'.repeat(700_000)
  const whole = snapshot(1, { a: { x: [1, large], y: [1, 1] } })
  const changes = put('a', 'x', 2, `${large}2`) + put('a', 'z', 2, large) + transferred(2, 1)
  const { store, heard, basis, send } = await stream(t, [whole.slice(0, -100), whole, intent('xfer-changes', 2) + changes])
  await until(() => store.status.progress?.received === 1)
  assert.deepEqual([store.size, store.keys(), store.get('a', 'x')], [0, [], undefined])
  store.reconnect()
  await store.ready
  const y = store.version
  send(changes)
  await until(() => store.has('a', 'z'))
  assert.deepEqual(basis(), [null, null, 'e1.1'])
  assert.deepEqual(heard, [['x,y', '', true], ['x,z', '', false]])
  assert.equal(store.version, y + 1)
})

test('a stream of another server is read on in the whole module, on its connection, however it is cut', async (t) => {
  const text = bare('xfer-full') + any('a', 'x', 1, { one: 1 }) + transferred(1)
  for (const cuts of [[], [3], [30, 90], [text.length - 2], [1, 2, 3, 4, 5, 6, 100]]) {
    const { store, send, heard, server } = await stream(t, [''])
    await until(() => server.requests.length === 1)
    let from = 0
    for (const to of [...cuts, text.length]) {
      send(text.slice(from, to))
      from = to
      if (cuts.length < 5) await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await store.ready
    assert.deepEqual(store.get('a', 'x'), { one: 1 })
    assert.deepEqual(heard, [['x', '', true]])
    assert.equal(server.requests.length, 1)
    assert.deepEqual([...new Set(fetched)], ['core.wasm', 'full.wasm'])
    store.close()
  }
})

test('what is not as promised is read in the whole module, from where the stream was whole', async (t) => {
  const odd = event('put-object', '{"key":"odd","kind":"a","version":2,"object":[]}')
  const { store, heard, basis, send } = await stream(t, [
    snapshot(1, { a: { gap: [1, 0], x: [1, { x: 1 }], y: [1, { y: 1 }] } }),
    intent('xfer-changes', 3) + put('a', 'x', 2, { x: 2 }) + odd + transferred(3, 2),
  ])
  await store.ready
  const [x, y] = [store.get('a', 'x'), store.get('a', 'y')]
  send(gone('a', 'gap', 2) + transferred(2, 1))
  await until(() => !store.has('a', 'gap'))
  const before = store.version
  send(put('a', 'x', 2, { x: 2 }) + odd + transferred(3, 2))
  await until(() => store.has('a', 'odd'))
  assert.deepEqual(basis(), [null, 'e1.2'])
  assert.deepEqual(heard, [['gap,x,y', '', true], ['', 'gap', false], ['x,odd', '', false]])
  assert.equal(store.version, before + 1)
  assert.equal(store.get('a', 'y'), y)
  assert.notEqual(store.get('a', 'x'), x)
  assert.deepEqual(store.keys('a').sort(), ['odd', 'x', 'y'])
  assert.equal(store.status.error, undefined)
})

test('tracing moves a store: what was read is the same, and nothing is told twice', async (t) => {
  const items = { gap: [1, {}], x: [1, { x: 1 }], y: [2, { y: 1 }], last: [1, 1] }
  const { store, heard, basis, send } = await stream(t, [snapshot(1, { a: items, b: { z: [1, { z: 1 }] } }), intent('none', 3)])
  await store.ready
  const old = store.snapshot()
  send(gone('a', 'gap', 2) + transferred(2, 1))
  await until(() => store.size === 4)
  send(put('a', 'x', 2, { x: 2 }) + gone('a', 'last', 2) + transferred(3, 2))
  await until(() => store.size === 3)
  const [before, version, told] = [store.snapshot(), store.version, heard.length]
  const y = store.get('a', 'y')
  const steps = []
  store.trace(({ event, steps: [step] }) => steps.push(event, step.action))
  await until(() => steps.length > 0)
  await statusOf(store, ({ phase }) => phase === 'live')
  assert.deepEqual(basis(), [null, 'e1.3'])
  assert.deepEqual([store.snapshot() === before, store.version, heard.length], [true, version, told])
  assert.equal(store.get('a', 'y'), y)
  assert.equal(before.a.get('y'), y)
  assert.deepEqual(before.a.get('x'), { x: 2 })
  assert.equal(store.get('a', 'x'), before.a.get('x'))
  // New items take the slots that are free; what an old snapshot has stays.
  send(put('a', 'new', 1, { new: 1 }) + put('a', 'more', 1, 7) + transferred(4, 3))
  await until(() => store.size === 5)
  assert.deepEqual([...old.a.keys()], ['gap', 'x', 'y', 'last'])
  assert.deepEqual([old.a.get('gap'), old.a.get('x'), old.a.get('last')], [{}, { x: 1 }, 1])
  assert.equal(old.a.get('y'), y)
  assert.deepEqual(heard.slice(told), [['new,more', '', false]])
  assert.equal(store.snapshot().b, before.b)
  assert.equal(store.version, version + 1)
})

test('what is asked for before there is a module begins in the one that has it', async (t) => {
  const before = fetched.length
  const { store, server } = await stream(t, [snapshot(1, { a: { x: [1, { n: 1 }] } })])
  const actions = []
  store.trace(({ steps }) => actions.push(...steps.map(({ action }) => action)))
  const view = store.view({ kind: 'a' })
  await Promise.all([store.ready, view.ready])
  assert.equal(view.rows[0].value, store.get('a', 'x'))
  assert.ok(actions.includes('commit'))
  assert.equal(server.requests.length, 1)
  assert.deepEqual(fetched.slice(before).filter((name) => name === 'core.wasm'), [])
})

test('a live view moves a store: it lists what is there, and follows', async (t) => {
  const { store, basis, send } = await stream(t, [
    snapshot(1, { gone: { x: [1, 1] }, a: { one: [1, { n: 1 }], two: [1, { n: 2 }] } }),
    intent('none', 2),
  ])
  await store.ready
  const one = store.get('a', 'one')
  // The first kind has no item when the store moves: kinds keep their numbers.
  store.keys()
  send(gone('gone', 'x', 2) + transferred(2, 1))
  await until(() => store.size === 2)
  const view = store.view({ kind: 'a', sort: ['-/n'] })
  const edits = []
  view.subscribe((edit) => edits.push(edit))
  await view.ready
  assert.deepEqual(view.rows.map(({ key }) => key), ['two', 'one'])
  assert.equal(view.rows[1].value, one)
  await until(() => basis().length === 2)
  await statusOf(store, ({ phase }) => phase === 'live')
  const told = edits.length
  send(put('a', 'three', 1, { n: 3 }) + transferred(3, 2))
  await until(() => edits.length > told)
  assert.deepEqual(view.rows.map(({ key }) => key), ['three', 'two', 'one'])
  assert.deepEqual(store.keys().map(({ kind, key }) => `${kind} ${key}`).sort(), ['a one', 'a three', 'a two'])
  assert.deepEqual(basis(), [null, 'e1.2'])
})

test('a live view of a store that was closed before it moved has no rows', async (t) => {
  const errors = []
  const { store } = await stream(t, [snapshot(1, { a: { x: [1, 1] } })], { onError: (error) => errors.push(error) })
  await store.ready
  store.close()
  const view = store.view({ kind: 'a' })
  assert.deepEqual([view.rows, view.count], [[], 0])
  assert.deepEqual(errors, [])
})

test('what a store can do in the lean module: views of the application, checkpoints', async (t) => {
  const { store, send, server } = await stream(t, [snapshot(1, { a: { x: [1, { n: 1 }] } })])
  await store.ready
  const sum = store.materialize({
    sum: 0,
    update(changes) {
      for (const { value } of changes) this.sum += value?.n ?? 0
    },
    result() {
      return this.sum
    },
    reset() {
      this.sum = 0
    },
  })
  assert.equal(sum.snapshot(), 1)
  send(put('a', 'y', 2, { n: 5 }) + transferred(2, 1))
  await until(() => store.has('a', 'y'))
  assert.equal(sum.snapshot(), 6)
  const checkpoint = store.checkpoint()
  assert.equal(server.requests.length, 1)
  const again = await stream(t, [intent('none', 2)], { initial: checkpoint })
  await statusOf(again.store, ({ phase }) => phase === 'live')
  assert.deepEqual([again.store.size, again.store.get('a', 'y')], [2, { n: 5 }])
  assert.deepEqual(again.basis(), ['e1.2'])
})

test('a checkpoint of the lean module is, byte for byte, that of the whole one', async (t) => {
  // `put` writes versions as they are given. The lean module keeps no event ids: positions are in the data.
  const text = (
    snapshot(1, {
      a: { x: [1, 'é'.repeat(100)], ключ: ['999999999999999999', raw('"' + 'long '.repeat(5000) + '"')] },
      вид: { 'a-key-of-many-letters-more-than-fourteen': ['9007199254740993', 0], '': [127, 128], '🎈漢é🎈': [5, 1], z: [6, 1] },
      many: Object.fromEntries(Array.from({ length: 1200 }, (_, n) => [`${'🎈'.repeat(n % 3)}${n}`, [n, n]])),
    }) +
    intent('xfer-changes', 2) +
    put('c', 'late', 64, { n: 1 }) +
    gone('a', 'x', 2) +
    transferred(2, 1)
  ).replace(/^id: .*\n/gm, '')
  const { store } = await stream(t, [text])
  await until(() => store.has('c', 'late'))
  assert.equal(store.size, 1206)
  await init()
  const whole = new Materializer({ protocol: 'fdv2' })
  t.after(() => whole[Symbol.dispose]())
  whole.push(new TextEncoder().encode(text))
  assert.deepEqual(store.checkpoint(), whole.checkpoint())
})

test('what goes wrong in the lean module is told in the same words as in the whole one', async (t) => {
  const told = async (begin, options = {}) => {
    const server = await serve(t, (_, response) => begin(response))
    const errors = []
    for (const trace of [false, true]) {
      const store = connect(server.url, { retry: { ...SOON, attempts: 1 }, onError: () => {}, ...options })
      if (trace) store.trace(() => {})
      await store.ready.catch((error) => errors.push([error.code, error.message, error.terminal, error.status]))
      await store.close()
    }
    assert.deepEqual(errors[0], errors[1])
    return errors[0]
  }
  const answers = (status, type) => (response) => response.writeHead(status, type === undefined ? {} : { 'content-type': type }).end()
  assert.deepEqual(await told(answers(503)), ['status', 'the server answered 503', false, 503])
  assert.deepEqual(await told(answers(404)), ['status', 'the server answered 404, which trying again cannot heal', true, 404])
  assert.equal((await told(answers(200, 'text/html; charset=utf-8')))[0], 'content-type')
  assert.match((await told(answers(200)))[1], /names no content type/)
  assert.equal((await told(answers(200, 'Text/Event-Stream')))[0], 'closed')
  assert.equal((await told((response) => response.destroy()))[0], 'network')
  assert.match((await told(() => {}, { connectTimeout: 20 }))[1], /within 20 ms/)
  assert.match((await told((response) => begin(response), { idle: 20 }))[1], /for 20 ms/)
  const half = intent('xfer-full', 1).replace('15000', '0')
  assert.match((await told((response) => (begin(response), response.write(half)), { snapshotTimeout: 20 }))[1], /within 20 ms/)
})

test('a transaction that was told before a move still names what it changed', async (t) => {
  const { store, basis } = await stream(t, [snapshot(1, { a: { x: [1, 1], y: [1, 1] } }), intent('none', 1)])
  let change
  store.subscribe((told) => (change ??= told))
  await store.ready
  store.trace(() => {})
  await until(() => basis().length === 2)
  assert.deepEqual(change.changed.map(({ key }) => key), ['x', 'y'])
})

test('a store that is paused or offline stays so when it moves', async (t) => {
  const { store, server, basis } = await stream(t, [snapshot(1, { a: { x: [1, 1] } }), intent('none', 1)])
  await store.ready
  store.pause('one')
  store.pause('other')
  let traced = 0
  store.trace(() => traced++)
  store.resume('one')
  await until(() => server.open.size === 0, 'the pause')
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([store.status.phase, store.get('a', 'x'), server.requests.length], ['paused', 1, 1])
  store.resume('other')
  await until(() => traced > 0)
  assert.deepEqual(basis(), [null, 'e1.1'])
})

test('another server behind the same address: the state is taken along', async (t) => {
  const { store, server, heard, basis, send } = await stream(t, [
    snapshot(1, { a: { x: [1, { x: 1 }], y: [1, { y: 1 }] } }),
    bare('xfer-full') + any('a', 'x', 1, { x: 1 }) + any('a', 'z', 1, 1) + transferred(9, undefined, 'e2'),
  ])
  await store.ready
  const x = store.get('a', 'x')
  store.reconnect()
  await until(() => store.has('a', 'z'))
  assert.equal(store.get('a', 'x'), x)
  assert.deepEqual(heard, [['x,y', '', true], ['z', 'y', true]])
  assert.deepEqual(basis(), [null, 'e1.1'])
  assert.equal(server.requests.length, 2)
  send(any('a', 'x', 2, 2) + event('payload-transferred', { state: 'e2.10', version: 10 }))
  await until(() => store.get('a', 'x') === 2)
})

test('a store may be closed, or its connection lost, while the whole module is on its way', async (t) => {
  const one = await stream(t, [bare('xfer-full')])
  await until(() => one.server.requests.length === 1)
  one.store.close()
  const other = await stream(t, [snapshot(1, { a: { x: [1, raw('[1]')] } })])
  await other.store.ready
  other.store.trace(() => {})
  other.store.close()
  assert.deepEqual(other.store.get('a', 'x'), [1])
  await until(() => one.server.open.size === 0 && other.server.open.size === 0)
  assert.deepEqual([one.store.status.phase, other.store.status.phase], ['stopped', 'stopped'])
})
