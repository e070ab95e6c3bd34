// highwater/testing in Node: the real client on a source that the test pushes, by a clock of its own.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from 'highwater'
import { createSource, fakeClock } from 'highwater/testing'

/** A source with a snapshot, and a store on it; `timed`: by a fake clock. */
async function started(t, { timed = false, options, ...rest } = {}) {
  const clock = timed ? fakeClock() : undefined
  if (clock) t.after(() => clock.restore())
  const source = createSource(rest)
  const store = connect(source.url, { fetch: source.fetch, retry: { jitter: 0, first: 1000, min: 1000 }, ...options })
  t.after(() => store.close())
  source.begin().put('task', 'a', { text: 'one' }).put('task', 'b', { text: 'two' }).end()
  await source.settled()
  const changes = []
  store.subscribe(({ changed, removed, snapshot }) => changes.push({ changed: keys(changed), removed: keys(removed), snapshot }))
  return { source, store, clock, changes }
}

const keys = (names) => names.map(({ key }) => key).join()

test('a snapshot is not seen before its end', async (t) => {
  const source = createSource()
  const store = connect(source.url, { fetch: source.fetch })
  t.after(() => store.close())
  source.begin().put('task', 'a', 1)
  await source.settled()
  assert.deepEqual([store.status.phase, store.size], ['syncing', 0])
  source.put('task', 'b', 2).end()
  await source.settled()
  assert.deepEqual([store.status.phase, store.get('task', 'a'), store.get('task', 'b')], ['live', 1, 2])
  assert.equal(store.status.cursor, source.cursor)
})

test('patches and deletions are transactions; several can be made one', async (t) => {
  const { source, store, changes } = await started(t)
  source.patch('task', 'a', { text: 'uno' }).delete('task', 'b')
  source.transaction(() => source.patch('task', 'a', { text: 'eins' }).patch('task', 'c', { text: 'drei' }, 7n))
  await source.settled()
  assert.deepEqual(changes, [
    { changed: 'a', removed: '', snapshot: false },
    { changed: '', removed: 'b', snapshot: false },
    { changed: 'a,c', removed: '', snapshot: false },
  ])
  assert.deepEqual(store.get('task', 'a'), { text: 'eins' })
  assert.deepEqual([store.versionOf('task', 'a'), store.versionOf('task', 'c')], [3, 7])
})

test('a duplicate changes nothing, and nobody hears of it', async (t) => {
  const { source, store, changes } = await started(t)
  source.duplicate().patch('task', 'a', { text: 'uno' }).duplicate()
  await source.settled()
  assert.deepEqual([changes.length, store.status.phase], [1, 'live'])
})

test('what comes out of order is a gap: the store comes back for what it missed', async (t) => {
  const { source, store, clock, changes } = await started(t, { timed: true })
  source.reorder(() => source.patch('task', 'a', { text: 'uno' }).patch('task', 'a', { text: 'eins' }))
  await source.settled()
  assert.deepEqual([store.status.phase, store.status.error?.code, changes.length], ['stale', 'gap', 0])
  await clock.advance(1000)
  assert.deepEqual([store.status.phase, store.status.resumed, store.get('task', 'a')], ['live', true, { text: 'eins' }])
  assert.equal(source.requests[1].basis, 'test1.1')
})

test('a cut is waited out by the clock, and resumed', async (t) => {
  const { source, store, clock, changes } = await started(t, { timed: true })
  source.cut().patch('task', 'a', { text: 'uno' })
  await clock.advance(0)
  assert.deepEqual([store.status.phase, store.status.error?.code, source.connections], ['stale', 'network', 0])
  await clock.advance(999)
  assert.equal(source.requests.length, 1)
  await clock.advance(1)
  assert.deepEqual([store.status.phase, store.status.resumed, source.requests.length], ['live', true, 2])
  assert.deepEqual(changes, [{ changed: 'a', removed: '', snapshot: false }])
})

test('a restarted server gives everything anew, and listeners hear what differs', async (t) => {
  const { source, store, clock, changes } = await started(t, { timed: true })
  source.restart().delete('task', 'b')
  await clock.advance(1000)
  assert.deepEqual([store.status.phase, store.status.resumed], ['live', false])
  assert.deepEqual(changes, [{ changed: '', removed: 'b', snapshot: true }])
})

test('a refusal is waited out as it says', async (t) => {
  const { source, store, clock } = await started(t, { timed: true })
  source.refuse(503, { 'retry-after': '30' }).cut()
  await clock.advance(1000)
  assert.deepEqual([store.status.error?.status, source.requests.length], [503, 2])
  await clock.advance(29_999)
  assert.equal(source.requests.length, 2)
  await clock.advance(5000)
  assert.deepEqual([store.status.phase, source.requests.length], ['live', 3])
})

test('silence is a fault once heartbeats were announced', async (t) => {
  const { source, store, clock } = await started(t, { timed: true, heartbeat: 1000 })
  for (let beats = 0; beats < 10; beats += 1) {
    source.heartbeat()
    await clock.advance(1000)
  }
  assert.deepEqual([store.status.phase, source.requests.length], ['live', 1])
  await clock.advance(2000)
  assert.deepEqual([store.status.phase, store.status.error?.code], ['stale', 'silent'])
})

test('what no server should send is a fault of the stream', async (t) => {
  const { source, store } = await started(t)
  source.send('event: put-object\ndata: {"kind":"task"\n\n')
  await source.settled()
  assert.equal(store.status.error?.code, 'bad-data')
  assert.deepEqual(store.get('task', 'a'), { text: 'one' })
})

test('a closed store leaves no connection, and a source serves several', async (t) => {
  const { source, store } = await started(t)
  const other = connect(source.url, { fetch: source.fetch })
  await other.ready
  assert.equal(source.connections, 2)
  store.close()
  other.close()
  assert.equal(source.connections, 0)
})

test('misuse is named', async (t) => {
  const source = createSource()
  assert.throws(() => source.put('task', 'a', 1), /put: there is no snapshot; begin one, or patch/)
  assert.throws(() => source.end(), /end: there is no snapshot/)
  assert.throws(() => source.duplicate(), /nothing was sent/)
  source.begin()
  assert.throws(() => source.begin(), /begin: a snapshot has begun; end it first/)
  assert.throws(() => source.patch('task', 'a', 1), /patch: a snapshot has begun/)
  source.end()
  assert.throws(() => source.patch('task', 'a', undefined), /task\/a: there is no JSON for undefined/)
  const clock = fakeClock()
  t.after(() => clock.restore())
  assert.throws(() => fakeClock(), /restore that first/)
})

test('a restored clock is the platform’s own', () => {
  const before = [setTimeout, clearTimeout, Date.now, performance.now]
  const clock = fakeClock()
  assert.notEqual(setTimeout, before[0])
  assert.equal(performance.now(), performance.now())
  clock.restore()
  assert.deepEqual([setTimeout, clearTimeout, Date.now, performance.now], before)
})

test('a timer of before is cleared where it was set, and is none of the clock’s', async (t) => {
  let called = 0
  const before = setTimeout(() => assert.fail('cleared, and called'), 1)
  const clock = fakeClock()
  t.after(() => clock.restore())
  for (let at = 0; at < 1000; at += 1) setTimeout(() => (called += 1), 5)
  clearTimeout(before)
  await clock.advance(10)
  assert.equal(called, 1000)
  clock.restore()
  await new Promise((resolve) => setTimeout(resolve, 20))
})
