// A live view beside the same question asked anew of the values: they must agree after every step.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from '../../dist/node.js'
import { createSource } from '../../dist/testing/index.js'

function randomOf(seed) {
  return (end) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return (seed >>> 8) % end
  }
}

/** Holds for the values below: numbers before texts; what is missing before both. */
const rank = (value) => (value === undefined ? 0 : value === null ? 1 : typeof value === 'number' ? 2 : 3)
const compare = (a, b) => rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0)

const CASES = [
  { spec: { kind: 'a', where: { '/n': { gte: 3, lt: 8 } }, sort: ['-/n'], limit: 5 }, holds: ({ kind, value }) => kind === 'a' && value.n >= 3 && value.n < 8, by: (a, b) => compare(b.value.n, a.value.n) },
  { spec: { where: { or: [{ '/t': 'x' }, { not: { '/t': { exists: true } } }] }, sort: ['/t', '-key'], offset: 2, limit: 7 }, holds: ({ value }) => value.t === 'x' || value.t === undefined, by: (a, b) => compare(a.value.t, b.value.t) || compare(b.key, a.key) },
  { spec: { group: '/t', sort: ['/n'], offset: 1, limit: 9 }, holds: () => true, by: (a, b) => compare(a.value.t, b.value.t) || compare(a.value.n, b.value.n) },
  { spec: { kind: 'b', where: { key: { prefix: 'k1' }, '/t': { in: ['x', 'z', null] } } }, holds: ({ kind, key, value }) => kind === 'b' && key.startsWith('k1') && ['x', 'z', null].includes(value.t), by: () => 0 },
]

test('rows, counts, groups and edits are those of the question asked anew', async (t) => {
  for (const seed of [1, 2, 3]) {
    const random = randomOf(seed)
    const source = createSource()
    source.begin().end()
    const store = connect(source.url, { fetch: source.fetch })
    t.after(() => store.close())
    await source.settled()
    const views = CASES.map((one) => {
      const view = store.view(one.spec)
      const state = { ...one, window: [one.spec.offset ?? 0, one.spec.limit ?? Infinity], view, list: [] }
      view.subscribe(({ removed, inserted, updated }) => {
        const gone = new Set(removed)
        state.list = state.list.filter((_, at) => !gone.has(at))
        for (const { at, row } of inserted) state.list.splice(at, 0, row)
        for (const { at, row } of updated) state.list[at] = row
      })
      return state
    })
    const check = () => {
      const items = store.keys().map(({ kind, key }) => ({ kind, key, value: store.get(kind, key) }))
      for (const { spec, holds, by, view, window: [offset, limit], list } of views) {
        const all = items.filter(holds).sort((a, b) => by(a, b) || compare(a.key, b.key) || compare(a.kind, b.kind))
        assert.deepEqual(view.rows, all.slice(offset, offset + limit), JSON.stringify(spec))
        view.rows.forEach((row, at) => assert.equal(row, list[at]))
        assert.equal(list.length, view.rows.length)
        assert.equal(view.count, all.length)
        if (spec.group === undefined) continue
        const groups = []
        all.forEach(({ value: { t: value } }, start) => {
          if (groups.at(-1)?.value === value && start > 0) groups.at(-1).count++
          else groups.push({ value, start, count: 1 })
        })
        assert.deepEqual(view.groups, groups)
      }
    }
    for (let step = 0; step < 150; step++) {
      const change = () => {
        const [kind, key] = ['ab'[random(2)], `k${random(20)}`]
        if (random(4) === 0) source.delete(kind, key)
        else source.patch(kind, key, { n: random(10), ...[{}, { t: 'x' }, { t: 'y' }, { t: 'z' }, { t: null }][random(5)] })
      }
      if (random(20) === 0) {
        source.begin()
        for (let at = random(15); at > 0; at--) source.put('ab'[random(2)], `k${random(20)}`, { n: random(10), t: 'x' })
        source.end()
      } else for (let at = random(4); at >= 0; at--) change()
      if (random(10) === 0) {
        const one = views[random(views.length)]
        one.window = [random(6), random(8)]
        one.view.show(...one.window)
      }
      await source.settled()
      check()
    }
  }
})
