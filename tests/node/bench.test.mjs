// The benchmark's own instruments: what it takes for right, that it notices what is wrong, and that
// ours and the hand-written peer do the work that is timed. No peer has to be installed for it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as highwater from 'highwater'
import { barsOf } from '../../crates/bench/client/bars.mjs'
import { cellsOf, Data, runOnce } from '../../crates/bench/client/cells.mjs'
import { retained } from '../../crates/bench/client/memory.mjs'
import * as lazy from '../../crates/bench/client/peers/expert-lazy.mjs'
import { connected, push } from '../../crates/bench/client/peers/ours.mjs'
import { report, verdict } from '../../crates/bench/client/report.mjs'
import { soak } from '../../crates/bench/client/soak.mjs'
import { Feed, Meter } from '../../crates/bench/client/source.mjs'
import { inRounds, quartiles, ratioOf, spread } from '../../crates/bench/client/statistics.mjs'
import { chunks, electric, fdv2, groups, launchdarkly, sse } from '../../crates/bench/client/wires.mjs'
import { itemOf, keyOf, valueOf, World, wrongKeys } from '../../crates/bench/client/world.mjs'

const SUBJECTS = [push(highwater), connected(highwater), lazy]

test('quartiles, spread and ratio are those of the book', () => {
  assert.deepEqual(quartiles([4, 1, 3, 2, 5]), [2, 3, 4])
  assert.deepEqual(quartiles([1, 2]), [1.25, 1.5, 1.75])
  assert.equal(spread([2, 3, 4]), 100 / 6)
  assert.deepEqual(ratioOf([2, 1, 3], [10, 30, 20]), { ours: 2, peer: 20, ratio: 10 })
  assert.throws(() => quartiles([]))
})

test('rounds measure everything equally often, another one first each time', async () => {
  const order = []
  const measure = (thing) => (order.push(thing), thing.length)
  assert.deepEqual(await inRounds(['a', 'bb'], measure, { budget: 0, least: 3, most: 9 }), [[1, 1, 1], [2, 2, 2]])
  assert.deepEqual(order, ['a', 'bb', 'bb', 'a', 'a', 'bb'])
})

test('the right state is what a plain replay of all patches comes to', () => {
  const world = new World(40, { batch: 3, seed: 7 })
  const known = new Map(Array.from({ length: 40 }, (_, item) => [item, 1]))
  let late = 0
  let patches = 0
  for (const transaction of world.transactions(2000)) {
    late += transaction.late ? 1 : 0
    patches += transaction.patches.length
    for (const [item, version] of transaction.patches) {
      const newer = Math.abs(version) > Math.abs(known.get(item))
      assert.equal(newer, !transaction.late)
      if (newer) known.set(item, version)
    }
  }
  assert.ok(patches >= 2000 && patches < 2003)
  assert.ok(late > 100 && late < 170, `${late} of about 667 are late`)
  assert.deepEqual([...world.versions], [...known.values()])
  assert.ok(world.versions.some((version) => version < 0), 'something was deleted')
})

test('a wrong key is noticed, whatever is wrong with it', () => {
  const world = new World(10)
  world.versions[3] = -2
  const right = () => new Map([...world.versions].flatMap((version, item) => (version > 0 ? [[keyOf(item), JSON.parse(valueOf(item, version))]] : [])))
  assert.equal(wrongKeys(world, right()), 0)
  const wrong = (change) => {
    const state = right()
    change(state)
    return wrongKeys(world, state)
  }
  assert.equal(wrong((state) => state.delete('item-5')), 1)
  assert.equal(wrong((state) => state.set('item-3', JSON.parse(valueOf(3, 1)))), 1)
  assert.equal(wrong((state) => state.set('item-5', JSON.parse(valueOf(5, 2)))), 1)
  assert.equal(wrong((state) => (state.get('item-5').supplier.days += 1)), 1)
  assert.equal(wrong((state) => (state.get('item-5').more = 1)), 1)
  assert.equal(wrong((state) => state.set('item-10', JSON.parse(valueOf(10, 1)))), 1)
})

test('every wire says the same', () => {
  const world = new World(30, { batch: 4 })
  const transactions = [...world.transactions(300)]
  const patches = transactions.flatMap((transaction) => transaction.patches)

  const put = [...launchdarkly.snapshot(30)]
  assert.deepEqual(Object.entries(JSON.parse(put[0].data)).map(([key, { value }]) => [itemOf(key), JSON.stringify(value)]), range(30).map((item) => [item, valueOf(item, 1)]))
  assert.deepEqual([...launchdarkly.patches(transactions)].map(({ type, data }) => {
    const { key, version } = JSON.parse(data)
    return [itemOf(key), type === 'patch' ? version : -version]
  }), patches)

  const log = [...electric.snapshot(30)].flatMap((text) => JSON.parse(text)).filter(({ headers }) => headers.operation === 'insert')
  assert.deepEqual(log.map(({ value }) => value.id), range(30).map(keyOf))
  const live = [...electric.patches(transactions)].map((text) => JSON.parse(text.slice(6))).filter(({ headers }) => headers.operation !== undefined)
  assert.deepEqual(live.map(({ value, headers }) => [itemOf(value.id), headers.operation === 'delete']), patches.map(([item, version]) => [item, version < 0]))

  assert.equal([...groups(fdv2.patches(transactions))].flat().length, patches.length + transactions.length)
})

test('chunks are the text, cut at 16 KiB', () => {
  const texts = range(3000).map((n) => `data: grün ${n}\n\n`)
  const all = [...chunks(texts)]
  assert.ok(all.slice(0, -1).every(({ length, buffer }) => length === 16384 && buffer.byteLength === 16384))
  assert.equal(Buffer.concat(all).toString(), texts.join(''))
})

test('a feed says that it is drained when its reader asks for more', async () => {
  const feed = new Feed()
  const reader = feed.response().body.getReader()
  const meter = new Meter()
  const sent = feed.send([new Uint8Array(1), new Uint8Array(2)], meter)
  let drained = false
  sent.then(() => (drained = true))
  assert.equal((await reader.read()).value.length, 1)
  assert.equal((await reader.read()).value.length, 2)
  await new Promise(setImmediate)
  assert.equal(drained, false)
  const third = reader.read()
  await sent
  assert.ok(meter.busy >= meter.longest)
  void feed.send([new Uint8Array(3)], meter, { ends: true })
  assert.equal((await third).value.length, 3)
  assert.equal((await reader.read()).done, true)
})

for (const subject of SUBJECTS) {
  test(`${subject.name}: small cells of every workload end right`, async () => {
    const tools = { collect() {}, timed: async (run) => (await run(), 1) }
    const data = new Data()
    for (const cell of cellsOf({ quick: true })) {
      if (cell.workload === 'W6' && subject.name === 'ours, connected') continue
      if (cell.workload === 'W7' && subject.name === 'ours, pushed') continue
      const small = { ...cell, items: 200, patches: cell.patches > 0 ? 3000 : 0 }
      const { ms, longest, wrong } = await runOnce(small, subject, data, tools, { verify: true })
      assert.equal(wrong, 0, cell.workload)
      assert.equal(ms, 1)
      assert.ok(longest > 0)
    }
  })

  test(`${subject.name}: is weighed with the right state`, async () => {
    const { bytes, wrong } = await retained(subject, { items: 200, patches: 2000 }, { bytes: () => 5 })
    assert.deepEqual({ bytes, wrong }, { bytes: 0, wrong: 0 })
  })
}

test('the lazy peer does not mind where a stream is cut, nor letters beyond ASCII', async () => {
  const world = new World(30)
  const transactions = [...world.transactions(100)]
  const text = [...sse(fdv2.snapshot(30)), ...sse(fdv2.patches(transactions))].join('')
  const odd = 'event: put-object\ndata: {"key":"item-900","kind":"item","object":{"name":"größer"},"version":1}\n\n'
  const bytes = new TextEncoder().encode(text + odd)
  for (let size = 1; size < 60; size += 1) {
    const pieces = range(Math.ceil(bytes.length / size)).map((at) => bytes.slice(at * size, (at + 1) * size))
    const session = await lazy.open()
    await session.snapshot(pieces, new Meter())
    assert.deepEqual(session.get('item-900'), { name: 'größer' }, `in pieces of ${size}`)
    // All but that one.
    assert.equal(wrongKeys(world, session), 1, `in pieces of ${size}`)
  }
})

test('a row is judged by its bars, and shown', () => {
  const row = {
    runner: 'node', workload: 'W2', variant: '100k patches', peer: 'plain', ours_ms: 20, peer_ms: 190, ratio: 9.5, ours_spread: 1, peer_spread: 2,
    ours_wrong_keys: 0, peer_wrong_keys: 1, ours_longest_pause_ms: 0.5, peer_longest_pause_ms: 3, rounds: 5,
  }
  assert.deepEqual(barsOf(row), [{ words: '≥ 10', reached: false }, { words: 'pause ≤ 1', reached: true }])
  assert.deepEqual(barsOf({ ...row, ratio: 10, ours_wrong_keys: 1, ours_longest_pause_ms: 2 }).map(({ reached }) => reached), [true, false, false])
  const weighed = { ...row, runner: 'chromium', workload: 'W4', variant: '100k items', ours_bytes: 5e6, peer_bytes: 4e6, bytes_ratio: 1.25 }
  assert.deepEqual(barsOf(weighed), [{ words: 'bytes ≤ 1.2', reached: false }])
  const shown = report([row, weighed])
  assert.match(shown, /### Node[^]*W2, 100k patches *\| plain[^]*≥ 10 ✗[^]*### Chromium[^]*\| 5\.0 *\| 4\.0 *\| 1\.25/)
  assert.match(verdict([row, weighed]), /^1 of 3 bars reached; missed:\n {2}node W2/)
})

const range = (length) => Array.from({ length }, (_, at) => at)

test('a small soak ends right, over connections that were cut and resumed', async () => {
  const parts = []
  const end = await soak(highwater, { items: 500, patches: 40_000, parts: 2, bytes: async () => 1, said: (part) => parts.push(part) })
  assert.equal(end.wrong, 0)
  assert.ok(end.resumed >= 2 && end.connections > end.resumed, JSON.stringify(end))
  assert.ok(end.told > 10, 'the listener of a key was told')
  assert.equal(parts.length, 2)
})
