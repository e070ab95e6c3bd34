// Views of the application's own, over a live store.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../dist/node.js'
import { createSource } from '../../dist/testing/index.js'

async function tasks(t, options = {}) {
  const source = createSource()
  const reported = []
  source.begin().put('task', 'a', { n: 1 }).put('task', 'b', { n: 2 }).end()
  const store = connect(source.url, { fetch: source.fetch, onError: (error) => reported.push(error), ...options })
  t.after(() => store.close())
  await source.settled()
  return { source, store, reported }
}

/** Keeps a map, and what it was told. */
class Kept {
  told = []
  map = new Map()
  update(changes, cursor) {
    this.told.push([changes.map(({ action, key }) => `${action} ${key}`).join(), cursor])
    for (const { action, kind, key, value, version } of changes) {
      if (action === 'delete') assert.deepEqual([value, version, this.map.delete(`${kind}/${key}`)], [undefined, undefined, true])
      else this.map.set(`${kind}/${key}`, [value, version])
    }
  }
  result(cursor) {
    return { cursor, items: Object.fromEntries(this.map) }
  }
  reset() {
    this.told.push(['reset'])
    this.map.clear()
  }
}

test('a view is given what is there, and then what is different', async (t) => {
  const { source, store } = await tasks(t)
  const view = new Kept()
  const kept = store.materialize(view)
  const first = kept.snapshot()
  assert.deepEqual(first, { cursor: 'test1.1', items: { 'task/a': [{ n: 1 }, 1], 'task/b': [{ n: 2 }, 1] } })
  assert.equal(kept.snapshot(), first)
  let heard = 0
  kept.subscribe(() => heard++)
  source.transaction(() => source.patch('task', 'a', { n: 5 }).delete('task', 'b').patch('task', 'c', { n: 3 }))
  await source.settled()
  assert.deepEqual(view.told, [['insert a,insert b', 'test1.1'], ['updated a,insert c,delete b', 'test1.2']])
  assert.deepEqual([Object.keys(kept.snapshot().items), heard], [['task/a', 'task/c'], 1])
  kept.close()
  source.patch('task', 'a', { n: 6 })
  await source.settled()
  assert.deepEqual([view.told.length, kept.snapshot().items['task/a'], heard], [2, [{ n: 5 }, 2], 1])
  assert.throws(() => kept.subscribe(() => {}), { code: 'closed', message: 'subscribe: the view was closed' })
})

test('what comes together is told together, each item once', async (t) => {
  const { source, store } = await tasks(t)
  const view = new Kept()
  const kept = store.materialize(view)
  view.told.length = 0
  // Several transactions in one piece of the stream.
  let text = ''
  const { send } = source
  source.send = () => source
  const event = (type, data, index) => `event: ${type}\n${index === undefined ? '' : `id: test1.${index}\n`}data: ${JSON.stringify(data)}\n\n`
  const put = (key, version, n) => event('put-object', { kind: 'task', key, version, object: { n } })
  const end = (index) => event('payload-transferred', { state: `test1.${index}`, version: index, basis: `test1.${index - 1}` }, index)
  const gone = (key, version) => event('delete-object', { kind: 'task', key, version })
  text += put('new', 1, 1) + end(2) + put('new', 2, 2) + gone('a', 2) + end(3) + put('a', 3, 3) + put('brief', 1, 1) + end(4) + gone('brief', 2) + gone('b', 2) + end(5)
  send.call(source, text)
  while (store.status.cursor !== 'test1.5') await new Promise((resolve) => setTimeout(resolve, 1))
  assert.deepEqual(view.told, [['insert new,updated a,delete b', 'test1.5']])
  assert.deepEqual(kept.snapshot().items, { 'task/a': [{ n: 3 }, 3], 'task/new': [{ n: 2 }, 2] })
})

test('a view that throws is told, stops nobody else, and is given everything anew', async (t) => {
  const { source, store, reported } = await tasks(t)
  const bad = new Kept()
  let throws = false
  const { update } = bad
  bad.update = function (changes, cursor) {
    if (throws) throw new Error('oh no')
    update.call(this, changes, cursor)
  }
  const kept = store.materialize(bad)
  const before = kept.snapshot()
  const good = store.materialize(new Kept())
  const heard = []
  store.subscribe(({ changed }) => heard.push(changed[0].key))
  throws = true
  source.patch('task', 'c', { n: 3 })
  await source.settled()
  const { error } = store.status
  assert.deepEqual([error.code, error.message, error.cause.message], ['view', 'the view threw: oh no', 'oh no'])
  assert.deepEqual([reported, kept.error], [[error], error])
  assert.deepEqual([heard, Object.keys(good.snapshot().items).length], [['c'], 3])
  assert.equal(kept.snapshot(), before)
  assert.equal(store.status.phase, 'live')
  throws = false
  source.patch('task', 'd', { n: 4 })
  await source.settled()
  assert.deepEqual(bad.told.slice(1), [['reset'], ['insert a,insert b,insert c,insert d', 'test1.3']])
  assert.deepEqual([kept.error, store.status.error, Object.keys(kept.snapshot().items).length], [undefined, undefined, 4])
})

test('a view that always throws is not given everything each time', async (t) => {
  const { source, store, reported } = await tasks(t)
  let asked = 0
  store.materialize({ update() { asked++; throw new Error('never') }, result: () => 1, reset() { throw new Error('nor that') } })
  for (let at = 0; at < 40; at++) {
    source.patch('task', 'a', { n: at })
    await source.settled()
  }
  // At once, at the next, and then 1, 3, 7 and 15 are let pass.
  assert.equal(asked, 6)
  assert.deepEqual([reported[0].message, reported[1].message], ['the view threw: never', 'the view could not be reset: nor that'])
})

test('a result that throws is told; the last one stays', async (t) => {
  const { source, store } = await tasks(t)
  let throws = false
  const view = new Kept()
  const { result } = view
  view.result = function (cursor) {
    if (throws) throw new Error('no result')
    return result.call(this, cursor)
  }
  const kept = store.materialize(view)
  const before = kept.snapshot()
  throws = true
  source.patch('task', 'a', { n: 9 })
  await source.settled()
  assert.deepEqual([kept.snapshot(), kept.error.message, store.status.error], [before, 'the view threw: no result', kept.error])
  throws = false
  source.patch('task', 'a', { n: 10 })
  await source.settled()
  assert.deepEqual([kept.snapshot().items['task/a'], kept.error], [[{ n: 10 }, 3], undefined])
})

test('a view may do anything, and is there before the state is', async (t) => {
  const source = createSource()
  const store = connect(source.url, { fetch: source.fetch })
  const kept = store.materialize({
    seen: [],
    update(changes) {
      this.seen.push(changes.length, store.size, store.view({ kind: 'task' }).count)
      store.pause()
      store.close()
    },
    result() {
      return this.seen
    },
    reset() {},
  })
  assert.deepEqual(kept.snapshot(), [])
  source.begin().put('task', 'a', 1).end()
  await store.ready
  assert.deepEqual([kept.snapshot(), store.status.phase], [[1, 1, 1], 'stopped'])
})

test('what is no view is named', async (t) => {
  const { store } = await tasks(t)
  for (const view of [undefined, null, 5, {}, () => 1]) {
    assert.throws(() => store.materialize(view), { code: 'bad-option', message: /^a view needs the methods update, result and reset; update is missing of / })
  }
  assert.throws(() => store.materialize({ update() {}, reset() {} }), { message: /result is missing of an object$/ })
})
