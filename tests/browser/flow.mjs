// What has to hold of the demo page, in whatever browser: its table is the server's state, in order,
// after each of the faults.

import assert from 'node:assert/strict'
import { moment } from './demo.mjs'

/** Store and table equal the server's state at one cursor, each value and each cell. */
export async function assertEqualsServer(page) {
  const { answer, items, rows } = await moment(page)
  const expected = answer.items.map(({ kind, key, version, object }) => [kind, key, String(version), object])
  const byKey = (a, b) => (`${a[0]}/${a[1]}` < `${b[0]}/${b[1]}` ? -1 : 1)
  assert.deepEqual(items.sort(byKey), expected.sort(byKey))

  const cells = new Map(rows)
  assert.equal(cells.size, rows.length, 'a key has two rows')
  const processes = answer.items.filter(({ kind }) => kind === 'process')
  assert.deepEqual([...cells.keys()].sort(), processes.map(({ key }) => key).sort())
  for (const { key, version, object } of processes) {
    const { Started, Memory, ...shown } = cells.get(key)
    assert.deepEqual(shown, {
      Name: object.name,
      PID: String(object.pid),
      CPU: `${object.cpu.toFixed(object.cpu >= 99.95 ? 0 : 1)} %`,
      User: object.user ?? '',
      State: object.status,
      Version: String(version),
      Parent: object.parent === null ? '–' : String(object.parent),
      Command: object.command,
    })
    assert.match(Started, /^(\d\d:\d\d:\d\d|\d{1,2} [A-Z][a-z]{2}|[A-Z][a-z]{2} \d{4})$/)
    const [number, unit] = Memory.split(' ')
    const bytes = Number(number) * 1024 ** ['B', 'KiB', 'MiB', 'GiB'].indexOf(unit)
    assert.ok(Math.abs(bytes - object.memory) <= object.memory * 0.006, `${Memory} for ${object.memory}`)
  }
  return answer
}

/** Runs in the page: whether the rows stand in the order of a column. */
export function inOrder([id, direction]) {
  const { store } = window.highwaterDemo
  const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })
  const keys = [...document.querySelectorAll('[data-testid=row]:not(.gone)')].map((row) => row.dataset.key)
  const read = (key) => (id === 'version' ? Number(store.versionOf('process', key)) : store.get('process', key)?.[id])
  const sign = direction === 'ascending' ? 1 : -1
  return keys.every((key, place) => {
    if (place === 0) return true
    const [before, present] = [read(keys[place - 1]), read(key)]
    const text = ['name', 'user', 'status', 'command'].includes(id)
    const order = text ? collator.compare(before ?? '', present ?? '') : (before ?? -1) - (present ?? -1)
    return sign * order <= 0
  })
}

/** What each fault has to leave in the record. */
export const FAULTS = {
  cut: ({ phases, verdicts }) => {
    assert.ok(phases.includes('stale'))
    assert.deepEqual(verdicts, [true])
  },
  replay: ({ steps, phases }) => {
    assert.ok(steps.seen >= 5, `${steps.seen} seen`)
    assert.deepEqual(phases.filter((phase) => phase !== 'live'), [])
  },
  reorder: ({ errors, verdicts }) => {
    assert.ok(errors.includes('gap'), errors.join())
    assert.deepEqual(verdicts, [true])
  },
  duplicate: ({ steps, phases }) => {
    assert.ok(steps.seen >= 1, `${steps.seen} seen`)
    assert.deepEqual(phases.filter((phase) => phase !== 'live'), [])
  },
  restart: ({ steps, verdicts }) => {
    assert.ok(steps.restarted >= 1)
    assert.equal(verdicts.at(-1), false)
  },
  stall: ({ errors, verdicts }) => {
    assert.ok(errors.includes('silent'), errors.join())
    assert.equal(verdicts.at(-1), true)
  },
  garbage: ({ errors, steps, verdicts }) => {
    assert.ok(errors.includes('bad-data'), errors.join())
    assert.ok(steps.fault >= 1)
    assert.equal(verdicts.at(-1), true)
  },
}
/** How the page is to have gone on; where nothing was cut, that does not matter. */
export const RESUME = { restart: 'snapshot', replay: undefined, duplicate: undefined }
