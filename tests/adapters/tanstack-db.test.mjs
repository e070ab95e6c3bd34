// The collection in Node: what of a stream reaches it, and when.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCollection, createLiveQueryCollection, eq } from '@tanstack/db'
import { connect } from 'highwater'
import { highwaterCollectionOptions } from 'highwater/tanstack-db'
import { createSource } from 'highwater/testing'

/** A store on a source that has pushed nothing yet, and a collection of its tasks. */
function started(t, config = {}) {
  const errors = []
  const source = createSource()
  const store = connect(source.url, { fetch: source.fetch, retry: { first: 1, max: 1 }, onError: (error) => errors.push(error) })
  t.after(() => store.close())
  const collection = createCollection(
    highwaterCollectionOptions({
      store,
      kind: 'task',
      row: (value, id) => ({ id, ...value }),
      getKey: ({ id }) => id,
      startSync: true,
      ...config,
    }),
  )
  t.after(() => collection.cleanup())
  const state = () => Object.fromEntries([...collection.entries()].map(([key, { text }]) => [key, text]))
  return { source, store, collection, state, errors }
}

const snapshot = (source, texts) => {
  source.begin()
  for (const [key, text] of Object.entries(texts)) source.put('task', key, { text })
  source.end()
}

test('it is ready with the first whole state, and not before', async (t) => {
  const { source, collection, state } = started(t)
  source.begin().put('task', 'a', { text: 'one' }).put('other', 'x', { text: 'no task' })
  await source.settled()
  assert.deepEqual([collection.status, state()], ['loading', {}])
  source.put('task', 'b', { text: 'two' }).end()
  await collection.preload()
  assert.deepEqual([collection.status, state()], ['ready', { a: 'one', b: 'two' }])
})

test('each transaction is one, and a new snapshot is what it changes', async (t) => {
  const { source, store, collection, state } = started(t)
  snapshot(source, { a: 'one', b: 'two', c: 'three' })
  await collection.preload()
  const batches = []
  collection.subscribeChanges((changes) => batches.push(changes.map(({ type, key }) => `${type} ${key}`).sort()), { includeInitialState: true })
  assert.deepEqual(batches.splice(0), [['insert a', 'insert b', 'insert c']])
  source.transaction(() => source.patch('task', 'a', { text: 'uno' }).delete('task', 'b').patch('task', 'd', { text: 'quattro' }))
  source.duplicate()
  source.patch('other', 'x', { text: 'no task' })
  await source.settled()
  assert.deepEqual(batches.splice(0), [['delete b', 'insert d', 'update a']])

  // What a restarted server does: the same again but for one, which is new, and one, which is gone.
  snapshot(source, { a: 'uno', d: 'vier', e: 'fünf' })
  await source.settled()
  assert.equal(store.status.phase, 'live')
  assert.deepEqual(batches, [['delete c', 'insert e', 'update d']])
  assert.deepEqual(state(), { a: 'uno', d: 'vier', e: 'fünf' })
})

test('live queries follow', async (t) => {
  const { source, store, collection } = started(t)
  const people = createCollection(
    highwaterCollectionOptions({ store, kind: 'person', row: (value, id) => ({ id, ...value }), getKey: ({ id }) => id, startSync: true }),
  )
  source.begin().put('task', 'a', { text: 'one', by: 'ada' }).put('person', 'ada', { name: 'Ada' }).end()
  await Promise.all([collection.preload(), people.preload()])
  const query = createLiveQueryCollection((q) =>
    q
      .from({ task: collection })
      .join({ person: people }, ({ task, person }) => eq(task.by, person.id))
      .select(({ task, person }) => ({ id: task.id, words: task.text, name: person?.name })),
  )
  await query.preload()
  const read = () => query.toArray.map(({ words, name }) => `${words} by ${name}`)
  assert.deepEqual(read(), ['one by Ada'])
  source.patch('person', 'ada', { name: 'Ada L.' })
  await source.settled()
  assert.deepEqual(read(), ['one by Ada L.'])
  await query.cleanup()
})

test('a write shows at once, and goes over into the stream’s without a step back', async (t) => {
  const stored = deferred()
  const { source, collection, state } = started(t, {
    onUpdate: async ({ transaction, collection }) => {
      const [{ key }] = transaction.mutations
      await collection.utils.awaitVersion(key, await stored.promise)
    },
    onDelete: async ({ transaction, collection }) => {
      source.delete('task', transaction.mutations[0].key)
      await collection.utils.awaitDelete(transaction.mutations[0].key)
    },
  })
  snapshot(source, { a: 'one', b: 'two' })
  await collection.preload()
  const seen = []
  collection.subscribeChanges(() => seen.push(state().a))
  const written = collection.update('a', (task) => void (task.text = 'uno'))
  assert.deepEqual(state(), { a: 'uno', b: 'two' })
  stored.resolve(2)
  source.patch('task', 'b', { text: 'due' }).patch('task', 'a', { text: 'uno' })
  await written.isPersisted.promise
  assert.deepEqual(state(), { a: 'uno', b: 'due' })
  assert.ok(!seen.includes('one'), seen.join())

  await collection.delete('b').isPersisted.promise
  assert.deepEqual(state(), { a: 'uno' })
})

test('a store that stops is told of: to who waits for the first state, and to who waits for a write', async (t) => {
  const refused = started(t)
  refused.source.refuse(403)
  await assert.rejects(refused.collection.preload(), /the server answered 403/)
  assert.equal(refused.collection.status, 'error')

  const { source, store, collection } = started(t)
  snapshot(source, { a: 'one' })
  await collection.preload()
  const waiting = collection.utils.awaitVersion('a', 9)
  store.close()
  await assert.rejects(waiting, /closed before the write of task\/a had come back/)
  // What is there stays.
  assert.equal(collection.get('a').text, 'one')
})

test('a collection that was let go listens no more, and begins anew when it is wanted again', async (t) => {
  const { source, collection, state } = started(t)
  snapshot(source, { a: 'one', b: 'two' })
  await collection.preload()
  await collection.cleanup()
  source.delete('task', 'b')
  await source.settled()
  await collection.preload()
  assert.deepEqual(state(), { a: 'one' })
  source.patch('task', 'c', { text: 'three' })
  await source.settled()
  assert.deepEqual(state(), { a: 'one', c: 'three' })
})

test('mistakes are named', async (t) => {
  const wrongKey = started(t, { getKey: ({ text }) => text })
  snapshot(wrongKey.source, { a: 'one' })
  await assert.rejects(wrongKey.collection.preload(), /getKey says 'one' of task\/a: it must be the item's own key/)

  const bare = started(t, { row: undefined })
  bare.source.begin().put('task', 'a', 7).end()
  await assert.rejects(bare.collection.preload(), /task\/a is no object: option row must make a row of it/)

  // An item that comes later and cannot be a row: told, and the others go on.
  const late = started(t)
  snapshot(late.source, { a: 'one' })
  await late.collection.preload()
  late.source.send(
    'event: put-object\ndata: {"kind":"task","key":"b","version":1,"object":{broken}}\n\n' +
      'event: payload-transferred\ndata: {"state":"test1.2","version":2,"basis":"test1.1"}\n\n',
  )
  await late.source.settled()
  assert.deepEqual([late.state(), late.errors[0]?.code], [{ a: 'one' }, 'bad-value'])

  const some = started(t, { row: (value, id) => ({ id: value.alias ?? id, ...value }) })
  snapshot(some.source, { a: 'one' })
  await some.collection.preload()
  some.source.transaction(() => {
    some.source.patch('task', 'a', { text: 'uno', alias: 'z' }).patch('task', 'b', { text: 'two' })
  })
  await some.source.settled()
  some.source.patch('task', 'c', { text: 'three' })
  await some.source.settled()
  assert.deepEqual(some.state(), { b: 'two', c: 'three' })
  assert.match(some.errors[0].message, /getKey says 'z' of task\/a/)
})

function deferred() {
  let resolve
  const promise = new Promise((then) => (resolve = then))
  return { promise, resolve }
}
