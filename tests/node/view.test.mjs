// Live views: rows of a spec, kept up to date.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../dist/node.js'
import { createSource } from '../../dist/testing/index.js'

/** A live store of votes, and the source behind it. */
async function votes(t, items = { a: 3, b: 1, c: 2 }, options = {}) {
  const source = createSource()
  source.begin()
  for (const [key, votes] of Object.entries(items)) source.put('task', key, { votes, team: votes % 2 === 0 ? 'even' : 'odd' })
  source.put('other', 'x', { votes: 9 }).end()
  const store = connect(source.url, { fetch: source.fetch, ...options })
  t.after(() => store.close())
  await source.settled()
  const patch = async (key, votes) => {
    source.patch('task', key, { votes, team: votes % 2 === 0 ? 'even' : 'odd' })
    await source.settled()
  }
  const remove = async (key) => {
    source.delete('task', key)
    await source.settled()
  }
  return { source, store, patch, remove }
}

const keys = (view) => view.rows.map(({ key }) => key).join('')

test('rows are filtered, sorted and cut, and follow the state', async (t) => {
  const { store, patch, remove } = await votes(t)
  const view = store.view({ kind: 'task', where: { '/votes': { gte: 2 } }, sort: ['-/votes'], limit: 2 })
  assert.deepEqual(view.rows, [
    { kind: 'task', key: 'a', value: { votes: 3, team: 'odd' } },
    { kind: 'task', key: 'c', value: { votes: 2, team: 'even' } },
  ])
  assert.equal(view.rows[0].value, store.get('task', 'a'))
  assert.equal(view.count, 2)
  await patch('b', 5)
  assert.deepEqual([keys(view), view.count], ['ba', 3])
  await remove('a')
  assert.deepEqual([keys(view), view.count], ['bc', 2])
  await patch('c', 0)
  assert.deepEqual([keys(view), view.count], ['b', 1])
})

test('what did not change is the same object: the snapshot, the list, each row', async (t) => {
  const { store, source, patch } = await votes(t)
  const view = store.view({ kind: 'task', sort: ['/votes'], limit: 2 })
  const first = view.snapshot()
  assert.equal(view.snapshot(), first)
  assert.ok(Object.isFrozen(first) && Object.isFrozen(first.rows) && Object.isFrozen(first.rows[0]))
  source.patch('other', 'x', { votes: 10 })
  await source.settled()
  assert.equal(view.snapshot(), first)
  // Beyond the window: the count stays, and so does everything.
  await patch('a', 4)
  assert.equal(view.snapshot(), first)
  // One more, not listed: another count, the same rows.
  await patch('d', 9)
  const second = view.snapshot()
  assert.notEqual(second, first)
  assert.equal(second.rows, first.rows)
  assert.deepEqual([first.count, second.count], [3, 4])
  await patch('c', 3)
  assert.notEqual(view.rows, first.rows)
  assert.equal(view.rows[0], first.rows[0])
  assert.notEqual(view.rows[1], first.rows[1])
  assert.deepEqual(first.rows[1].value, { votes: 2, team: 'even' })
})

test('a listener is told once for each input what became of the list, and the edits lead there', async (t) => {
  const { store, source, patch, remove } = await votes(t)
  const view = store.view({ kind: 'task', sort: ['/votes'] })
  let list = [...view.rows]
  let calls = 0
  const stop = view.subscribe(({ removed, inserted, updated }) => {
    calls++
    const gone = new Set(removed)
    const from = list
    list = list.filter((_, at) => !gone.has(at))
    for (const row of inserted) {
      if (row.from !== undefined) assert.equal(from[row.from].key, row.row.key)
      list.splice(row.at, 0, row.row)
    }
    for (const { at, row } of updated) list[at] = row
    assert.deepEqual(list, view.rows)
    list.forEach((row, at) => assert.equal(row, view.rows[at]))
  })
  await patch('a', 0)
  await patch('b', 1.5)
  await patch('d', 1.25)
  await remove('c')
  source.transaction(() => source.patch('task', 'e', { votes: 1 }).patch('task', 'f', { votes: 7 }).delete('task', 'a'))
  await source.settled()
  assert.equal(list.map(({ key }) => key).join(''), 'edbf')
  assert.equal(calls, 5)
  source.patch('other', 'x', 1)
  await source.settled()
  assert.equal(calls, 5)
  stop()
  await patch('a', 1)
  assert.equal(calls, 5)
})

test('groups are counted, in order; their rows are together', async (t) => {
  const { store, patch } = await votes(t)
  const view = store.view({ kind: 'task', group: '/team', sort: ['/votes'], limit: 0 })
  assert.deepEqual(view.snapshot(), {
    rows: [],
    count: 3,
    groups: [{ value: 'even', start: 0, count: 1 }, { value: 'odd', start: 1, count: 2 }],
  })
  const { groups } = view
  assert.equal(view.groups, groups)
  await patch('a', 6)
  assert.deepEqual(view.groups.map(({ value, count }) => [value, count]), [['even', 2], ['odd', 1]])
  assert.deepEqual(store.view({ group: '-kind' }).groups.map(({ value, count }) => [value, count]), [['task', 3], ['other', 1]])
  assert.deepEqual(store.view({ group: '/team' }).groups[0], { value: undefined, start: 0, count: 1 })
})

test('show lists another part, and tells of it', async (t) => {
  const { store } = await votes(t, { a: 1, b: 2, c: 3, d: 4 })
  const view = store.view({ kind: 'task', sort: ['/votes'], limit: 2 })
  const [, b] = view.rows
  const told = []
  view.subscribe((edits) => told.push(edits))
  view.show(1, 2)
  assert.equal(keys(view), 'bc')
  assert.equal(view.rows[0], b)
  assert.deepEqual([told[0].removed, told[0].inserted.map(({ at }) => at)], [[0], [1]])
  view.show(3)
  assert.equal(keys(view), 'd')
  view.show(9)
  assert.deepEqual(view.rows, [])
  assert.throws(() => view.show(-1), { code: 'bad-option', message: 'offset must be a number from 0 to 4294967295, not -1' })
  assert.throws(() => view.show(), { message: 'offset must be a number from 0 to 4294967295, not undefined' })
})

test('a spec that is none is named, with the place', async (t) => {
  const { store } = await votes(t)
  const wrong = [
    [{ limit: 1, were: {} }, /^the view's spec is wrong at were":\{\}\}: a query has kind, where, sort/],
    [{ where: { votes: 1 } }, /^the view's spec is wrong at votes":1\}\}: expected a JSON pointer/],
    [{ where: { '/votes': { above: 1 } } }, /wrong at above":1.*expected eq, ne, lt/],
    [{ where: { '/a': { in: 5 } } }, /wrong at 5\}\}\}: /],
    [{ limit: -1 }, /wrong at -1\}: expected a count/],
    [{ sort: '/votes' }, /wrong at "\/votes"\}/],
    [{ where: { '/a': () => 1 } }, /wrong at \/a: it cannot be a function$/],
    [{ where: { '/a': 10n } }, /wrong at \/a: it cannot be 10n$/],
    [{ where: { '/a': NaN } }, /wrong at \/a: it cannot be NaN$/],
    [{ where: { '/a': { in: [undefined] } } }, /wrong at 0: it cannot be undefined$/],
  ]
  for (const [spec, message] of wrong) {
    assert.throws(() => store.view(spec), { name: 'HighwaterError', code: 'bad-query', message }, String(message))
  }
  for (const spec of [null, 'task', [], 7]) assert.throws(() => store.view(spec), { code: 'bad-option', message: /^a view needs a spec, which must be an object, not/ })
  // Nobody was harmed.
  assert.equal(store.view().count, 4)
})

test('a listener that throws stops nobody else, and may do anything', async (t) => {
  const reported = []
  const { store, patch } = await votes(t, {}, { onError: (error) => reported.push(error.message) })
  const view = store.view({ kind: 'task' })
  const heard = []
  view.subscribe(() => {
    heard.push('first')
    view.close()
    throw new Error('boom')
  })
  view.subscribe(() => heard.push('second'))
  store.view({ kind: 'task' }).subscribe(() => heard.push('other'))
  await patch('a', 1)
  await patch('b', 1)
  assert.deepEqual([heard, reported], [['first', 'other', 'other'], ['boom']])
  assert.throws(() => view.subscribe(() => {}), { code: 'closed' })
  assert.throws(() => view.subscribe(7), { code: 'bad-option', message: 'listener must be a function, not 7' })
})

test('a closed view keeps what it listed; one of a closed store goes on being read', async (t) => {
  const { store, patch } = await votes(t)
  const [closed, open] = [store.view({ kind: 'task' }), store.view({ kind: 'task' })]
  closed.close()
  closed.close()
  await patch('d', 1)
  assert.deepEqual([keys(closed), closed.count, closed.snapshot().count], ['abc', 3, 3])
  store.close()
  assert.deepEqual([keys(open), open.count], ['abcd', 4])
  open.show(1, 1)
  assert.equal(keys(open), 'b')
  open[Symbol.dispose]()
  assert.equal(keys(store.view({ kind: 'task', sort: ['-key'] })), 'dcba')
})

test('views that are made before the state is there fill with it', async (t) => {
  const source = createSource()
  const store = connect(source.url, { fetch: source.fetch })
  t.after(() => store.close())
  const view = store.view({ kind: 'task' })
  const told = []
  view.subscribe(({ inserted }) => told.push(inserted.length))
  assert.deepEqual(view.snapshot(), { rows: [], count: 0, groups: [] })
  await source.connected()
  source.begin().put('task', 'a', 1).put('task', 'b', 2).end()
  await source.settled()
  assert.deepEqual([told, keys(view)], [[2], 'ab'])
})

test('a value that is not JSON is a row without a value', async (t) => {
  const { source, store } = await votes(t, {}, { onError: () => {} })
  source.send('event: put-object\ndata: {"kind":"task","key":"x","version":1,"object":{"votes":1,oops}}\n\n')
  source.patch('task', 'y', { votes: 2 })
  await source.settled()
  const view = store.view({ kind: 'task', where: { '/votes': { gt: 0 } } })
  assert.deepEqual(view.rows.map(({ key, value }) => [key, value?.votes]), [['x', undefined], ['y', 2]])
})
