// The parts by themselves: receiver, decoder, materializer with a view, session, back-off.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Backoff, Materializer, MessageReceiver, Protocol, Session, SseDecoder } from '../../dist/node.js'
import { event, gone, intent, put, raw, snapshot, transferred } from './stream.mjs'

const bytes = (text) => new TextEncoder().encode(text)

test('receiver: any value is an item, and versions are exact', () => {
  const receiver = new MessageReceiver()
  const item = { deep: [1] }
  const big = 2n ** 62n
  assert.equal(receiver.upsert('a', item, big), 'insert')
  assert.equal(receiver.get('a'), item)
  assert.equal(receiver.upsert('a', 0, big), 'noop')
  assert.equal(receiver.upsert('a', undefined, big + 1n), 'updated')
  assert.equal(receiver.delete('a', big + 2n), 'delete')
  assert.deepEqual(receiver.entries(), [{ id: 'a', version: big + 2n, tombstone: true, item: undefined }])
  assert.equal(receiver.forget('a'), 'noop')
  assert.equal(receiver.upsert('a', 1, -5), 'insert')
  receiver[Symbol.dispose]()
})

test('receiver: purge and retain ask once about each, and a predicate that throws changes nothing', () => {
  const receiver = new MessageReceiver()
  for (const id of ['b', 'ä', 'a', 'z']) receiver.upsert(id, id, 1)
  receiver.delete('z', 2)
  const before = receiver.entries()
  assert.throws(
    () =>
      receiver.purge((id) => {
        if (id === 'a') throw new RangeError('mine')
        return true
      }),
    { name: 'RangeError', message: 'mine' },
  )
  assert.deepEqual(receiver.entries(), before)
  const asked = []
  assert.deepEqual(receiver.purge((id) => asked.push(id) && id !== 'a'), ['b', 'ä'])
  assert.deepEqual(asked.sort(), ['a', 'b', 'z', 'ä'])
  // It may use the receiver itself.
  assert.deepEqual(receiver.retain(() => receiver.upsert('n', 1, 1) === 'never'), ['a'])
  assert.equal(receiver.get('n'), 1)
})

test('decoder: events however they are cut, with comments, retry and what is too large', () => {
  const heard = []
  const decoder = () =>
    new SseDecoder({
      limit: 20,
      onComment: () => heard.push('comment'),
      onRetry: (millis) => heard.push(millis),
      onTooLarge: (limit, offset) => heard.push(`${limit} at ${offset}`),
    })
  const text = bytes('event: grüß\ndata: 😀\nid: 7\n\nretry: 250\n: hi\n\ndata: ' + 'x'.repeat(50) + '\n\ndata: a\ndata: b\n\n')
  const wanted = [
    { type: 'grüß', data: '😀', lastEventId: '7' },
    { type: 'message', data: 'a\nb', lastEventId: '7' },
  ]
  for (let at = 0; at <= text.length; at++) {
    heard.length = 0
    const one = decoder()
    assert.deepEqual([...one.push(text.subarray(0, at)), ...one.push(text.subarray(at))], wanted, `cut at ${at}`)
    assert.deepEqual([one.lastEventId, one.retry], ['7', 250])
    assert.deepEqual(heard.filter((what) => what !== 'comment'), [250, '20 at 49'])
  }
  const one = decoder()
  one.lastEventId = '5'
  one.push(bytes('data: unfinished'))
  one.end()
  assert.deepEqual(one.push(bytes('\n\ndata: x\n\n')), [{ type: 'message', data: 'x', lastEventId: '5' }])
})

test('materializer: a view is told of whole transactions, with cursors', () => {
  const told = []
  const view = {
    update: (changes, cursor) =>
      told.push([cursor, ...changes.map(({ action, kind, key, version, value }) => [action, kind, key, version, value])]),
    reset: () => told.push('reset'),
  }
  const one = new Materializer({}, view)
  const { transactions, resumed, events } = one.push(bytes(snapshot(1, { a: { x: [1, { n: 1 }], y: [2n ** 60n, 2] } })))
  assert.deepEqual([transactions.length, resumed, events], [1, false, 4])
  one.push(bytes(put('a', 'x', 2, { n: 2 }) + transferred(2, 1) + put('a', 'x', 3, { n: 3 }) + gone('a', 'y', 9) + transferred(3, 2)))
  assert.deepEqual(told, [
    ['e1.1', ['insert', 'a', 'x', 1, { n: 1 }], ['insert', 'a', 'y', 2n ** 60n, 2]],
    ['e1.2', ['updated', 'a', 'x', 2, { n: 2 }]],
    ['e1.3', ['updated', 'a', 'x', 3, { n: 3 }], ['delete', 'a', 'y', 9, undefined]],
  ])
  assert.deepEqual([one.cursor, one.mode, one.size, one.lastEventId], ['e1.3', 'changes', 1, 'e1.3'])
})

test('materializer: a view that throws is a typed error, and nothing else breaks', () => {
  const cause = new Error('full')
  let fails = true
  let one
  const view = {
    seen: [],
    update(changes) {
      assert.throws(() => one.push(bytes('')), { code: 'busy' })
      assert.equal(one.get('a', 'x'), undefined)
      if (fails) throw cause
      this.seen.push(...changes.map(({ key }) => key))
    },
    reset() {
      this.seen = []
    },
  }
  one = new Materializer({}, view)
  assert.throws(() => one.push(bytes(snapshot(1, { a: { x: [1, 1] } }))), { name: 'HighwaterError', code: 'view', message: /full/, cause })
  assert.equal(one.get('a', 'x'), 1)
  fails = false
  one.reset()
  one.connected()
  one.push(bytes(snapshot(2, { a: { x: [1, 1], y: [1, 1] } })))
  assert.deepEqual(view.seen.sort(), ['x', 'y'])
})

test('materializer: every protocol by its name, and errors with their place', () => {
  for (const protocol of ['fdv2', 'relay', 'flags', 'ping', 'autoconfig', 'consul', 'json']) {
    assert.equal(new Materializer({ protocol }).size, 0)
  }
  const relay = new Materializer({ protocol: 'relay', trace: true })
  assert.throws(() => relay.push(bytes(event('put', '{"data":{'))), { code: 'bad-data', event: 'put' })
  assert.deepEqual(relay.takeTrace().map(({ event, steps }) => [event, steps.at(-1).action, steps.at(-1).reason]), [['put', 'fault', 'bad-data']])
  relay.connected()
  relay.pushEvent({ type: 'put', data: '{"data":{"flags":{"f":{"version":1}}}}' })
  assert.deepEqual(relay.get('flags', 'f'), { version: 1 })
  relay.pushEvent({ type: 'delete', data: '{"path":"/flags/f","version":2}' })
  assert.deepEqual(relay.tombstones(), [{ kind: 'flags', key: 'f', version: 2 }])
  const ping = new Materializer({ protocol: 'ping' })
  assert.equal(ping.pushEvent({ type: 'ping', data: '' }).invalidated, true)
  ping.fetched(bytes('{"f":{"version":3}}'))
  assert.equal(ping.versionOf('flags', 'f'), 3)
})

test('materializer: the old state stays until the new one is whole, or is emptied first', () => {
  for (const [refill, size] of [['aside', 1], ['empty-first', 0]]) {
    const one = new Materializer({ refill })
    one.push(bytes(snapshot(1, { a: { x: [1, 1] } })))
    one.connected()
    one.push(bytes(intent('xfer-full', 2)))
    assert.equal(one.size, size, refill)
  }
})

test('materializer: an unreadable value is there to be asked for', () => {
  const one = new Materializer()
  one.push(bytes(snapshot(1, { a: { x: [1, raw('{bad')] } })))
  assert.equal(one.get('a', 'x'), undefined)
  assert.deepEqual([one.unreadable.code, one.unreadable.kind, one.unreadable.key], ['bad-value', 'a', 'x'])
})

test('protocol: events in, messages out', () => {
  const one = new Protocol({ name: 'fdv2', kinds: ['flag'] })
  assert.equal(one.mode, 'inactive')
  const types = one.decode({ type: 'server-intent', data: '{"payloads":[{"id":"p","target":3,"intentCode":"xfer-full"}]}' })
  assert.deepEqual(types.map(({ type }) => type).sort(), ['begin', 'resumed', 'target'])
  assert.equal(one.mode, 'full')
  const object = { type: 'put-object', data: '{"kind":"flag","key":"a","version":1,"object":{"b":1}}' }
  assert.deepEqual(one.decode(object), [{ type: 'upsert', kind: 'flag', key: 'a', version: 1, value: '{"b":1}' }])
  assert.equal(one.decode({ ...object, data: object.data.replace('flag', 'other') })[0].type, 'ignored')
  assert.throws(() => one.decode({ type: 'put-object', data: '{' }), { code: 'bad-data' })
  one.connected()
  assert.equal(one.mode, 'inactive')
})

test('session: inputs in, effects out, on a clock of its own', () => {
  const one = new Session({ retry: { first: 100, jitter: 0 } })
  const [ask] = one.handle(1000, { type: 'start' })
  assert.deepEqual(ask, { type: 'connect', connection: 1, attempt: 1, lastEventId: undefined, query: {} })
  one.handle(1000, { type: 'opened', connection: 1, status: 200, contentType: 'text/event-stream' })
  one.handle(1001, { type: 'bytes', connection: 1, bytes: bytes(snapshot(1, { a: { x: [1, 1] } })) })
  assert.equal(one.status.phase, 'live')
  assert.deepEqual(one.transactions, [{ snapshot: true, changed: [{ kind: 'a', key: 'x' }], removed: [], inserted: [{ kind: 'a', key: 'x' }] }])
  const [wake] = one.handle(2000, { type: 'failed', connection: 1, what: 'cut' })
  assert.deepEqual(wake, { type: 'wake', at: 2100 })
  assert.deepEqual([one.status.phase, one.status.retryAt, one.status.error.message], ['stale', 2100, 'the connection failed: cut'])
  const [again] = one.handle(2100, { type: 'wake' })
  assert.deepEqual([again.connection, again.query], [2, { basis: 'e1.1' }])
  // What an old connection still delivers is not read.
  one.handle(2101, { type: 'bytes', connection: 1, bytes: bytes(put('a', 'x', 9, 9) + transferred(9, 1)) })
  assert.equal(one.get('a', 'x'), 1)
  assert.deepEqual(one.handle(2102, { type: 'pause', reason: 'test' }), [{ type: 'disconnect', connection: 2 }])
  assert.equal(one.status.phase, 'paused')
  one.handle(2103, { type: 'resume', reason: 'test' })
  one.handle(2104, { type: 'stop' })
  assert.equal(one.status.phase, 'stopped')
})

test('back-off: waits double, up to a bound', () => {
  const one = new Backoff({ first: 200, max: 1000, freeFailures: 1, jitter: 0 })
  assert.deepEqual(Array.from({ length: 5 }, () => one.fail()), [0, 200, 400, 800, 1000])
  assert.deepEqual([one.failures, one.base], [5, 1000])
  one.setFirst(50)
  assert.deepEqual([one.fail(), one.fail()], [0, 50])
  assert.equal(new Backoff({ first: 200, jitter: 0.5 }).fail(1), 100)
  assert.equal(new Backoff({ first: 200, jitter: -1 }).fail(1), 400)
})
