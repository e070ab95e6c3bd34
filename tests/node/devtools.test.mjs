// The model of the devtools, without a page: what is recorded, any moment of it, and where it goes.

import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { connect, init } from '../../dist/node.js'
import { Faults } from '../../dist/devtools/faults.js'
import { ItemsList } from '../../dist/devtools/items-list.js'
import { Recorder } from '../../dist/devtools/recorder.js'
import { scriptOf } from '../../dist/devtools/script.js'
import { readSession, writeSession } from '../../dist/devtools/session-file.js'
import { readEvents, writeEvent } from '../../dist/devtools/sse-text.js'
import { difference, historyOf, stateAt } from '../../dist/devtools/travel.js'
import { registry } from '../../dist/registry.js'
import { createSource } from '../../dist/testing/index.js'
import { program, root } from '../highwater.mjs'
import { until } from '../until.mjs'

before(() => init())

const folder = mkdtempSync(join(tmpdir(), 'highwater-devtools-'))
after(() => rmSync(folder, { recursive: true }))
mkdirSync(join(folder, 'node_modules'))
symlinkSync(root, join(folder, 'node_modules/highwater'))

/** What the registry knows of a store. */
const announcedOf = (store) => [...registry()].map((known) => known.deref()).find((announced) => announced?.store === store)

/** A store on a source, and its recorder from the beginning. */
function recorded(t, { limits, ...options } = {}) {
  const source = createSource()
  const store = connect(source.url, { fetch: source.fetch, retry: { first: 1, max: 5 }, ...options })
  const recorder = new Recorder(announcedOf(store), limits)
  t.after(() => store.close())
  return { source, store, recorder }
}

/** A state as texts, to compare. */
const shown = (replica) => [...replica.items()].map(({ kind, key, version, text }) => `${kind}/${key} ${version} ${JSON.stringify(JSON.parse(text))}`).sort()
const shownOf = (store) => store.keys().map(({ kind, key }) => `${kind}/${key} ${store.versionOf(kind, key)} ${JSON.stringify(store.get(kind, key))}`).sort()
const stateOf = (recording, number) => {
  const replica = stateAt(recording, number)
  try {
    return shown(replica)
  } finally {
    replica[Symbol.dispose]()
  }
}
const finalOf = (recording) => stateOf(recording, recording.end - 1)
/** Everything that came has been taken in, and noted. */
const settled = async (source) => {
  await source.settled()
  await new Promise((resolve) => setImmediate(resolve))
}

/** Chance that can be repeated. */
function chance(seed) {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** A life of a stream: transactions, snapshots, and whatever may befall it. */
async function live(source, store, seed, turns, each = () => {}) {
  const pick = chance(seed)
  const key = () => `key-${pick(8)}`
  source.begin()
  for (let at = 0; at < 5; at += 1) source.put('task', `key-${at}`, { n: at, text: 'a\nb `${c}` \\ é' })
  source.end()
  await settled(source)
  for (let turn = 0; turn < turns; turn += 1) {
    const what = pick(12)
    if (what < 4) source.patch('task', key(), { n: turn })
    else if (what < 6) source.delete('task', key())
    else if (what === 6) source.transaction(() => source.patch('task', key(), { n: turn }).patch('note', key(), turn).delete('task', key()))
    else if (what === 7) source.duplicate()
    else if (what === 8) source.reorder(() => source.patch('task', 'x', turn).patch('task', 'y', turn))
    else if (what === 9) source.cut().patch('task', key(), { n: turn })
    else if (what === 10) source.restart()
    else source.send('event: put-object\ndata: {"kind":\n\n')
    await until(() => store.status.phase === 'live' && store.status.cursor === source.cursor, `turn ${turn}: ${store.status.phase}`)
    await settled(source)
    each()
  }
}

test('the state at every moment is what the store had then', async (t) => {
  const { source, store, recorder } = recorded(t)
  const moments = []
  await live(source, store, 7, 60, () => moments.push([recorder.recording.end - 1, shownOf(store)]))
  const { recording } = recorder
  assert.equal(recording.first, 0)
  assert.ok(recording.end > 150, `${recording.end} entries`)
  for (const [number, state] of moments) assert.deepEqual(stateOf(recording, number), state, `after ${number}`)
})

test('a window that is bounded goes on being right, and says what went', async (t) => {
  const { source, store, recorder } = recorded(t, { limits: { entries: 60, bytes: 1 << 20 } })
  const moments = []
  await live(source, store, 11, 120, () => moments.push([recorder.recording.end - 1, shownOf(store)]))
  const { recording } = recorder
  assert.ok(recording.dropped > 100, `${recording.dropped} went`)
  assert.ok(recording.end - recording.first <= 60 + 20, `${recording.end - recording.first} entries`)
  const kept = moments.filter(([number]) => number >= recording.first)
  assert.ok(kept.length > 5)
  for (const [number, state] of kept) assert.deepEqual(stateOf(recording, number), state, `after ${number}`)
  assert.deepEqual(finalOf(readSession(writeSession(recording))), shownOf(store))
})

test('a window is bounded by bytes too, and keeps what it needs to know the state', async (t) => {
  const { source, store, recorder } = recorded(t, { limits: { entries: 1e6, bytes: 100_000 } })
  source.begin().put('task', 'a', 'x'.repeat(30_000)).end()
  for (let turn = 0; turn < 40; turn += 1) {
    source.patch('task', 'b', `${turn}${'y'.repeat(10_000)}`)
    await settled(source)
  }
  const { recording } = recorder
  // The states that are noted among them come on top: five, of 40 kB each.
  assert.ok(recording.dropped > 20 && recording.bytes < 100_000 + 5 * 45_000, `${recording.bytes} bytes`)
  assert.deepEqual(finalOf(recording), shownOf(store))
})

test('differences and histories are those of the states', async (t) => {
  const { source, recorder } = recorded(t)
  source.begin().put('task', 'a', 1).put('task', 'b', 1).end()
  await settled(source)
  const { recording } = recorder
  const from = recording.end - 1
  source.patch('task', 'a', 2).delete('task', 'b').patch('task', 'c', 1)
  await settled(source)
  const found = difference(recording, from, recording.end - 1).map(({ key, before, after }) => [key, before?.text, after?.text])
  assert.deepEqual(found, [['a', '1', '2'], ['b', '1', undefined], ['c', undefined, '1']])
  assert.deepEqual(difference(recording, from, from), [])
  assert.deepEqual(historyOf(recording, 'task', 'b').map(({ action, item }) => [action, item?.text]), [['insert', '1'], ['delete', undefined]])
  assert.deepEqual(historyOf(recording, 'task', 'none'), [])
})

test('what was refused is told with the version that decided', async (t) => {
  const { source, store, recorder } = recorded(t, { protocol: 'relay' })
  await source.connected()
  const send = async (event, data) => {
    source.send(writeEvent({ event, data: JSON.stringify(data) }))
    await settled(source)
  }
  await send('put', { data: { flags: { a: { version: 5 } } } })
  await send('patch', { path: '/flags/a', data: { version: 3 } })
  await send('patch', { path: '/flags/a', data: { version: 7 } })
  await send('delete', { path: '/flags/a', version: 8 })
  await send('patch', { path: '/flags/a', data: { version: 8 } })
  const turns = historyOf(recorder.recording, 'flags', 'a').map(({ action, step }) => [action, step?.reason, step?.known])
  assert.deepEqual(turns, [['insert', undefined, undefined], ['noop', 'stale', 5], ['updated', undefined, undefined], ['delete', undefined, undefined], ['noop', 'tombstone', 8]])
  assert.equal(store.size, 0)
})

test('a store that was there before is recorded from its state on, and is not disturbed', async (t) => {
  const source = createSource()
  const store = connect(source.url, { fetch: source.fetch })
  t.after(() => store.close())
  source.begin()
  for (let at = 0; at < 20; at += 1) source.put('task', `key-${at}`, at)
  source.end()
  await store.ready
  const heard = []
  store.subscribe(({ changed }) => heard.push(...changed.map(({ key }) => key)))
  const recorder = new Recorder(announcedOf(store))
  await until(() => recorder.recording.end > 0 && recorder.recording.slice().some(({ type }) => type === 'base'), 'noted')
  source.patch('task', 'key-1', 'new')
  await until(() => store.get('task', 'key-1') === 'new', 'patched')
  await settled(source)
  assert.deepEqual(heard, ['key-1'])
  assert.deepEqual(finalOf(recorder.recording), shownOf(store))
})

test('a recording that begins in the middle of a snapshot waits until it is whole', async (t) => {
  const source = createSource()
  const store = connect(source.url, { fetch: source.fetch, validate: 'ingest' })
  t.after(() => store.close())
  source.begin().put('task', 'a', 1)
  await settled(source)
  const recorder = new Recorder(announcedOf(store))
  source.put('task', 'b', 2).end()
  await settled(source)
  source.patch('task', 'c', 3)
  await settled(source)
  assert.equal(store.size, 3)
  assert.deepEqual(finalOf(recorder.recording), shownOf(store))
})

test('what was missed while nothing was recorded is one step', async (t) => {
  const { source, store, recorder } = recorded(t)
  source.begin().put('task', 'a', 1).end()
  await settled(source)
  recorder.stop()
  source.patch('task', 'b', 2)
  await settled(source)
  const { end } = recorder.recording
  recorder.start()
  await settled(source)
  source.patch('task', 'c', 3)
  await settled(source)
  assert.ok(recorder.recording.end > end)
  assert.deepEqual(finalOf(recorder.recording), shownOf(store))
  recorder.clear()
  await settled(source)
  assert.ok(recorder.recording.end - recorder.recording.first <= 2)
  assert.deepEqual(finalOf(recorder.recording), shownOf(store))
})

test('a state that comes without events is noted: what was kept, and what was fetched', async (t) => {
  const checkpoint = await (async () => {
    const { source, store } = recorded(t)
    source.begin().put('task', 'a', 1).end()
    await settled(source)
    return store.checkpoint()
  })()
  const { store, recorder } = recorded(t, { initial: checkpoint })
  await store.ready
  await until(() => recorder.recording.end > 1, 'noted')
  assert.deepEqual(finalOf(recorder.recording), shownOf(store))
  assert.equal(store.size, 1)

  let body
  const pings = createSource()
  const fetched = connect(pings.url, {
    protocol: 'ping', poll: 'http://test.invalid/poll',
    fetch: (url, init) => (String(url).endsWith('/poll') ? Promise.resolve(Response.json(body)) : pings.fetch(url, init)),
  })
  t.after(() => fetched.close())
  const pinged = new Recorder(announcedOf(fetched))
  await pings.connected()
  for (const version of [1, 2]) {
    body = { a: { version } }
    pings.send('event: ping\ndata: \n\n')
    await until(() => fetched.versionOf('flags', 'a') === version, `version ${version}`)
  }
  await settled(pings)
  const wanted = shownOf(fetched)
  assert.deepEqual(finalOf(pinged.recording), wanted)
  const text = writeSession(pinged.recording)
  assert.deepEqual(finalOf(readSession(text)), wanted)
  assert.deepEqual(replayed('pinged.txt', text).state, wanted)
  const { status, stdout } = runs('pinged.test.mjs', scriptOf(pinged.recording))
  assert.equal(status, 0, stdout)
})

/** What `highwater replay` says of a file. */
function replayed(name, text) {
  const file = join(folder, name)
  writeFileSync(file, text)
  const { items, final, status } = JSON.parse(execFileSync(program, ['replay', '--json', file], { encoding: 'utf8', maxBuffer: 64 << 20 }))
  const kinds = Object.entries(items ?? final.items)
  const state = kinds.flatMap(([kind, of]) => Object.entries(of).filter(([, { deleted }]) => deleted !== true).map(([key, { version, value }]) => `${kind}/${key} ${version} ${JSON.stringify(value)}`))
  return { state: state.sort(), cursor: status.cursor }
}

/** Runs a script that was copied; it fails if it finds another state in the end. */
function runs(name, script) {
  const file = join(folder, name)
  writeFileSync(file, script)
  // Its words are its own, not a part of this runner's.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  return spawnSync(process.execPath, ['--test', file], { encoding: 'utf8', env })
}

for (const seed of [1, 2, 3]) {
  test(`an exported session comes to the same state in the panel, in highwater replay, and as a test (seed ${seed})`, async (t) => {
    const { source, store, recorder } = recorded(t, seed === 2 ? { limits: { entries: 50, bytes: 1 << 20 } } : {})
    await live(source, store, seed, 50)
    const { recording } = recorder
    const wanted = shownOf(store)
    assert.ok(wanted.length > 0)
    const text = writeSession(recording)
    const imported = readSession(text)
    assert.deepEqual(finalOf(imported), wanted)
    assert.equal(imported.protocol, 'fdv2')
    // What is worked out at the import is what was told when it happened.
    const steps = (all) => all.slice(all.first).filter(({ type }) => type === 'event').map(({ steps }) => steps)
    assert.deepEqual(steps(imported), steps(recording))
    assert.equal(writeSession(imported), text)
    assert.deepEqual(replayed(`session-${seed}.txt`, text), { state: wanted, cursor: store.status.cursor })
    for (const [from, one] of [['live', recording], ['imported', imported]]) {
      const { status, stdout } = runs(`session-${seed}-${from}.test.mjs`, scriptOf(one))
      assert.equal(status, 0, stdout)
      assert.match(stdout, /pass 1/)
    }
    // And it is a test: with another state in the end, it fails.
    const wrong = scriptOf(recording).replace(/assert\.equal\(store\.size, \d+\)/, 'assert.equal(store.size, 1000)')
    assert.notEqual(runs(`session-${seed}-wrong.test.mjs`, wrong).status, 0)
  })
}

test('sessions of other protocols do, too', async (t) => {
  const json = { name: 'json', upsert: 'price', delete: ['gone'], key: '/symbol', version: '/at' }
  const lives = [
    ['relay', [['put', { data: { flags: { a: { version: 1 }, b: { version: 1 } } } }], ['patch', { path: '/flags/a', data: { version: 2, on: true } }], ['delete', { path: '/flags/b', version: 2 }]]],
    [json, [['price', { symbol: 'A', at: 1 }], ['price', { symbol: 'B', at: 1 }], ['price', { symbol: 'A', at: 3 }], ['price', { symbol: 'A', at: 2 }], ['gone', { symbol: 'B', at: 4 }]]],
  ]
  for (const [protocol, events] of lives) {
    const { source, store, recorder } = recorded(t, { protocol })
    await source.connected()
    for (const [event, data] of events) {
      source.send(writeEvent({ event, data: JSON.stringify(data) }))
      await settled(source)
    }
    const text = writeSession(recorder.recording)
    const wanted = shownOf(store)
    assert.equal(wanted.length, 1)
    assert.deepEqual(finalOf(readSession(text)), wanted)
    assert.deepEqual(replayed('other.txt', text).state, wanted)
    const { status, stdout } = runs('other.test.mjs', scriptOf(recorder.recording))
    assert.equal(status, 0, stdout)
  }
})

test('a recorded body that is no session is read, too; what is neither is refused, and where', async () => {
  const body = 'event: put\r\ndata: {"data":\r\ndata: {"flags":{"a":{"version":1}}}}\r\n\r\n: heartbeat\r\n\r\nevent: patch\r\ndata: {"unfinished'
  assert.deepEqual(finalOf(readSession(body, 'relay')), ['flags/a 1 {"version":1}'])
  assert.deepEqual(finalOf(readSession('{"key":"a","version":1}\n{"key":"a","version":2}\n', { name: 'json', version: '/version' })), ['item/a 2 {"key":"a","version":2}'])
  const session = (data) => writeEvent({ event: 'highwater-session', data })
  const head = session('{"version":1,"protocol":"fdv2"}')
  for (const [text, words] of [
    ['', /it is empty/],
    ['\n<html>\n<body>\n\n', /holds no event: line 2 .+: <html>$/],
    [session('{"version":2}'), /version 2/],
    [session('nonsense'), /no JSON object: event 'highwater-session' in line 1/],
    [session('{"version":1,"protocol":"soap"}'), /there is no protocol 'soap'/],
    [head + writeEvent({ event: 'highwater-connection', data: '{"at":1,"state":"%"}' }), /not base64: event 'highwater-connection' in line 4/],
    [head + writeEvent({ event: 'highwater-connection', data: '{"at":1,"state":"aGk="}' }), /checkpoint/],
    [head + writeEvent({ event: 'highwater-connection', data: '{"at":"x"}' }), /must be numbers/],
  ]) assert.throws(() => readSession(text), words)
})

test('what was wrong with an event is told with its line, and the state is that of before', () => {
  const put = ': a comment\nevent: put\ndata: {"data":{"flags":{"a":{"version":1}}}}\n\n'
  const patch = (text) => `event: patch\nid: 1\ndata: {"path":"/flags/a","data":{"version":${text}\n\n`
  const faults = []
  assert.deepEqual(finalOf(readSession(put + patch('2') + patch('3}}'), 'relay', undefined, faults)), ['flags/a 1 {"version":1}'])
  assert.deepEqual(faults.map(({ line, event, error }) => [line, event, error.code]), [[7, 'patch', 'bad-data']])
  // The next connection is read.
  faults.length = 0
  const head = writeEvent({ event: 'highwater-session', data: '{"version":1,"protocol":"relay"}' })
  const connection = writeEvent({ event: 'highwater-connection', data: '{"at":1}' })
  const session = head + connection + put + patch('2') + connection + put.replace('1', '4')
  assert.deepEqual(finalOf(readSession(session, undefined, undefined, faults)), ['flags/a 4 {"version":4}'])
  assert.deepEqual(faults.map(({ line }) => line), [13])
})

test('events are written as they are read', () => {
  const pick = chance(5)
  const letters = ['a', ':', ' ', '\n', 'data', '"', '\\', 'é', '', '😀']
  for (let turn = 0; turn < 500; turn += 1) {
    const data = Array.from({ length: 1 + pick(8) }, () => letters[pick(letters.length)]).join('') || 'x'
    const written = { event: 'e', data, ...(pick(2) === 1 ? { id: String(pick(3)) } : {}) }
    const [{ event, data: again, id }, more] = [...readEvents(`: at 1\n${writeEvent(written)}`)]
    assert.deepEqual({ event, data: again, ...(id === undefined ? {} : { id }) }, written)
    assert.equal(more, undefined)
  }
})

test('what is searched for is what a plain search finds, however items come and go meanwhile', async (t) => {
  const { source, store } = recorded(t)
  const pick = chance(3)
  source.begin()
  for (let at = 0; at < 300; at += 1) source.put(at % 3 ? 'task' : 'note', `key-${at}`, { n: pick(5), word: ['Red', 'green', 'blue'][pick(3)] })
  source.end()
  await settled(source)
  const list = new ItemsList(() => announcedOf(store).running()?.machine, store.keys())
  store.subscribe((change) => list.change(change))
  const plain = (words, kind) =>
    store.keys().filter((name) => (kind === undefined || name.kind === kind) && words.every((word) => `${name.kind}/${name.key} ${JSON.stringify(store.get(name.kind, name.key))}`.toLowerCase().includes(word)))
      .map(({ kind, key }) => `${kind}/${key}`).sort()
  for (const [text, kind] of [['', undefined], ['red', undefined], ['', 'note'], ['GREEN key-1', 'task'], ['nothing at all', undefined], ['', undefined]]) {
    list.search(text, kind)
    for (let turn = 0; turn < 30; turn += 1) {
      if (turn % 3 === 0) list.work(0)
      const key = `key-${pick(320)}`
      if (pick(3) === 0) source.delete('task', key)
      else source.patch('task', key, { n: pick(5), word: ['red', 'green'][pick(2)] })
      await settled(source)
    }
    while (!list.isDone) list.work(1)
    assert.deepEqual(list.names.map(({ kind, key }) => `${kind}/${key}`), plain(text.toLowerCase().split(' ').filter(Boolean), kind), text)
    assert.equal(list.size, store.size)
    assert.deepEqual([...list.kinds].sort(), ['note', 'task'].map((kind) => [kind, store.keys(kind).length]))
  }
})

test('faults happen on the wire, and the state is right in the end', async (t) => {
  const source = createSource()
  const store = connect(source.url, { fetch: source.fetch, retry: { first: 1, max: 5 } })
  t.after(() => store.close())
  const announced = announcedOf(store)
  const faults = new Faults(announced)
  const recorder = new Recorder(announced)
  source.begin().put('task', 'a', 0).end()
  await settled(source)
  assert.ok(faults.isTapped)
  const actions = () => recorder.recording.slice().flatMap((entry) => (entry.type === 'event' ? entry.steps.map(({ action, reason }) => (action === 'fault' ? reason : action)) : []))
  const goesOn = async () => {
    source.patch('task', 'b', Math.random())
    await until(() => store.status.phase === 'live' && store.status.cursor === source.cursor, 'right again')
    assert.equal(store.size, 2)
  }

  faults.duplicate(2)
  assert.deepEqual(faults.pending, ['the next 2 come twice'])
  await goesOn()
  await until(() => actions().includes('seen'), 'seen twice')

  source.patch('task', 'a', 1)
  await settled(source)
  const seen = () => actions().filter((action) => action === 'seen').length
  const before = seen()
  assert.equal(faults.replay(2), 2)
  await until(() => seen() === before + 2, 'replayed')

  faults.heal()
  faults.reorder()
  source.patch('task', 'a', 2).patch('task', 'a', 3)
  await until(() => actions().includes('gap'), 'a gap')
  await goesOn()
  assert.equal(store.get('task', 'a'), 3)

  const requests = source.requests.length
  faults.cut()
  await goesOn()
  assert.ok(source.requests.length > requests)

  const statuses = []
  store.onStatus(({ error }) => statuses.push(error?.code))
  faults.refuse(503, 2)
  await until(() => statuses.includes('status'), 'refused')
  await goesOn()

  faults.conditions = { delay: 20, rate: 100_000 }
  await goesOn()
  faults.close()
  assert.equal(announced.options.fetch, source.fetch)
})

test('the registry holds no store, and is told of those that are closed', async (t) => {
  const { store } = recorded(t)
  const count = registry().size
  assert.ok(announcedOf(store) !== undefined)
  store.close()
  assert.equal(registry().size, count - 1)
  assert.equal(announcedOf(store), undefined)
})
