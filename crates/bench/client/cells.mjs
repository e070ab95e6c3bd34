// The workloads, and how one is run once.

import { feed, hop, Meter } from './source.mjs'
import { chunks, electric, fdv2, groups, launchdarkly, sse } from './wires.mjs'
import { keyOf, World, wrongKeys } from './world.mjs'

/** What is measured in time, those with the same data one after the other. W4, which is measured in bytes, is in memory.mjs. */
export function cellsOf({ quick }) {
  const patches = quick ? 20_000 : 100_000
  const items = 10_000
  return [
    { workload: 'W1', variant: '100k items', items: 100_000, patches: 0 },
    { workload: 'W1', variant: '10k items', items, patches: 0 },
    { workload: 'W5', variant: 'all at once', items, patches: 0, read: 'all' },
    { workload: 'W5', variant: 'key by key', items, patches: 0, read: 'keys' },
    { workload: 'W2', variant: `${patches / 1000}k patches`, items, patches },
    { workload: 'W3', variant: `${patches / 1000}k patches`, items, patches },
    { workload: 'W6', variant: `${patches / 1000}k patches`, items, patches },
    { workload: 'W7', variant: quick ? '5k patches' : '20k patches', items, patches: quick ? 5_000 : 20_000 },
  ]
}

/**
 * Whether a cell is measured beside a peer: W6 if it can be handed strings. A quick run leaves out
 * what no bar is about.
 */
export function concerns({ workload }, { name, strings }, { quick, workloads }) {
  if (workloads !== undefined && !workloads.includes(workload)) return false
  if (workload === 'W6' && strings !== true) return false
  return !quick || HANDWRITTEN.includes(name) || ['W1', 'W2'].includes(workload)
}

/** Beside these, everything is measured always. */
export const HANDWRITTEN = ['plain', 'expert-lazy']

/** The bytes, or strings, of cells on a wire: made once, and kept for the next cell that has as many. */
export class Data {
  #made = new Map()
  #size = ''

  of(cell, wire) {
    const size = `${cell.items} ${cell.patches}`
    if (size !== this.#size) this.#made.clear()
    this.#size = size
    let data = this.#made.get(wire)
    if (data === undefined) this.#made.set(wire, (data = make(cell, wire)))
    return data
  }
}

function make({ items, patches }, wire) {
  const world = new World(items)
  const transactions = [...world.transactions(patches)]
  switch (wire) {
    case 'fdv2':
      return {
        world,
        snapshot: [...chunks(sse(fdv2.snapshot(items)))],
        patches: [...chunks(sse(fdv2.patches(transactions)))],
      }
    case 'strings':
      return { world, snapshot: [...groups(fdv2.snapshot(items))], patches: [...groups(fdv2.patches(transactions))] }
    case 'launchdarkly':
      return {
        world,
        snapshot: [...groups(launchdarkly.snapshot(items))],
        patches: [...groups(launchdarkly.patches(transactions))],
      }
    case 'electric':
      return {
        world,
        snapshot: { items, chunks: Array.from(electric.snapshot(items), (text) => [...chunks([text])]) },
        patches: { patches: world.patches, chunks: [...chunks(electric.patches(transactions))] },
      }
    default:
      throw new Error(`no wire is called ${wire}`)
  }
}

/**
 * Runs a cell once. `tools.timed(run)` answers with the milliseconds that `run` took, and
 * `tools.collect()` collects garbage. With `verify`, the state is held to the right one. `meter` times the chunks.
 */
export async function runOnce(cell, subject, data, tools, { verify = false, meter = new Meter() } = {}) {
  const wire = cell.workload === 'W6' && subject.wire === 'fdv2' ? 'strings' : subject.wire
  const { world, snapshot, patches } = data.of(cell, wire)
  await tools.collect()
  const session = await subject.open()
  const take = wire === 'strings' ? stringsOf(session) : undefined
  const first = (data, meter) => (take === undefined ? session.snapshot(data, meter) : feed(data, take, meter))
  const then = (data, meter) => (take === undefined ? session.patches(data, meter) : feed(data, take, meter))
  let result
  let sum = 0
  if (cell.patches === 0) {
    result = await tools.timed(async () => {
      await first(snapshot, meter)
      if (cell.read === undefined) return
      meter.begin()
      sum = cell.read === 'all' ? sumOfAll(session) : sumOfKeys(session, cell.items)
      meter.end()
    })
  } else {
    await first(snapshot, new Meter())
    const heard = cell.workload === 'W7' ? listen(session, cell.items) : undefined
    if (cell.workload === 'W3') meter.after = readsOf(session, cell.items, (value) => (sum += value.stock))
    await tools.collect()
    result = await tools.timed(() => then(patches, meter))
    meter.after = undefined
    if (verify && heard !== undefined) checkHeard(subject, world, heard)
  }
  let wrong
  if (verify) {
    await hop()
    wrong = wrongKeys(world, session)
    if (cell.patches === 0 && wrong > 0) throw new Error(`${subject.name}: ${wrong} of ${cell.items} keys are wrong after a snapshot`)
    if (cell.workload === 'W5' && sum !== sumOfKeys(session, cell.items)) throw new Error(`${subject.name}: it did not read every value`)
    if (cell.workload === 'W3' && !(sum > 0)) throw new Error(`${subject.name}: the rows were not there to be read`)
  }
  await session.close()
  return { ms: result, longest: meter.longest, wrong }
}

/** Events one by one, as an EventSource hands them over. */
function stringsOf(session) {
  return (group) => {
    for (const event of group) session.event(event)
    session.flush?.()
  }
}

function sumOfAll(session) {
  let sum = 0
  for (const value of session.all()) sum += value.stock
  return sum
}

function sumOfKeys(session, items) {
  let sum = 0
  for (let item = 0; item < items; item += 1) sum += session.get(keyOf(item))?.stock ?? 0
  return sum
}

/** A list of which 50 rows are seen, that scrolls by one row a chunk. */
function readsOf(session, items, use) {
  const keys = Array.from({ length: items }, (_, item) => keyOf(item))
  let top = 0
  return () => {
    for (let row = 0; row < ROWS; row += 1) {
      const value = session.get(keys[(top + row) % items])
      if (value !== undefined) use(value)
    }
    top += 1
  }
}

/** A listener for each key, which remembers whether it was called. */
function listen(session, items) {
  const heard = new Uint8Array(items)
  for (let item = 0; item < items; item += 1) session.listen(keyOf(item), () => void (heard[item] = 1))
  return heard
}

function checkHeard({ name }, { items, versions }, heard) {
  let unheard = 0
  for (let item = 0; item < items; item += 1) if (versions[item] !== 1 && heard[item] === 0) unheard += 1
  if (unheard > 0) throw new Error(`${name}: ${unheard} listeners were not told of a change`)
}

const ROWS = 50
