// A long life: patches by the hundred thousand over connections that break, and what is in memory
// meanwhile. node --expose-gc soak.mjs [--quick]; as `cargo xtask bench soak`, which builds the package first.

import { parseArgs } from 'node:util'
import { hop } from './source.mjs'
import { chunks, fdv2, sse } from './wires.mjs'
import { keyOf, random, World, wrongKeys } from './world.mjs'

/** What the stream's server keeps to resume from, in transactions: a client that is cut misses far less. */
const LOG = 4000

/**
 * A server of one topic, behind a `fetch`: it resumes from the cursor that it is asked for, and
 * breaks each connection in the midst of an event, after some hundred chunks.
 */
class Flaky {
  connections = 0
  resumed = 0
  /** Called when all patches were sent. */
  done = () => {}
  /** Nothing is sent before it resolves. */
  gate = Promise.resolve()
  #world
  #left
  #log = []
  #random = random(7)

  constructor(world, patches) {
    this.#world = world
    this.#left = world.transactions(patches)
  }

  fetch = async (url) => {
    this.connections += 1
    const basis = new URL(url).searchParams.get('basis')
    const chunks = this.#chunks(basis === null ? undefined : Number(basis.slice(3)))
    const body = new ReadableStream(
      {
        pull: async (controller) => {
          await hop()
          await this.gate
          const { value, done } = chunks.next()
          if (done) controller.error(new Error('cut'))
          else controller.enqueue(value)
        },
      },
      { highWaterMark: 0 },
    )
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }

  *#chunks(basis) {
    let left = 100 + Math.floor(this.#random() * 200)
    for (const chunk of chunks(sse(this.#events(basis)))) {
      left -= 1
      // The last one is half a chunk: it ends in the midst of an event.
      yield left > 0 ? chunk : chunk.subarray(0, chunk.length >> 1)
      if (left === 0) return
    }
  }

  *#events(basis) {
    if (basis === undefined) yield* fdv2.snapshot(this.#world.items)
    else {
      this.resumed += 1
      const missed = this.#log.filter(({ index }) => index > basis)
      yield { type: 'server-intent', data: `{"payloads":[{"id":"bench","target":${this.#world.index},"intentCode":"xfer-changes","reason":"stale"}],"highwater":{"version":1,"resumed":true,"heartbeat":15000}}` }
      yield* fdv2.patches(missed)
    }
    for (let next = this.#left.next(); !next.done; next = this.#left.next()) {
      if (!next.value.late) {
        this.#log.push(next.value)
        if (this.#log.length > 2 * LOG) this.#log = this.#log.slice(-LOG)
      }
      yield* fdv2.patches([next.value])
    }
    this.done()
    // The connection stays, and nothing comes any more: heartbeats push out what is before them.
    for (;;) yield { type: 'heart-beat', data: '{}' }
  }
}

/** Runs it, and calls `said` with `{patches, connections, bytes}` (more than after the snapshot) in pauses between its parts. */
export async function soak({ connect }, { items, patches, parts, bytes, said }) {
  const world = new World(items)
  const server = new Flaky(world, patches)
  const sent = new Promise((resolve) => (server.done = resolve))
  const store = connect('http://soak.invalid/stream', { fetch: server.fetch, idle: false, retry: { first: 1, min: 1, max: 1 } })
  let told = 0
  const stop = store.subscribe(({ changed }) => (told += changed.length), { kind: 'item', key: keyOf(1) })
  await store.ready
  const before = await bytes()
  for (let part = 1; part <= parts; part += 1) {
    while (world.patches < (patches * part) / parts) await new Promise((resolve) => setTimeout(resolve, 5))
    let open = () => {}
    server.gate = new Promise((resolve) => (open = resolve))
    await new Promise((resolve) => setTimeout(resolve, 50))
    said({ patches: world.patches, connections: server.connections, bytes: (await bytes()) - before })
    open()
  }
  await sent
  while (store.status.cursor !== `e1.${world.index}`) await new Promise((resolve) => setTimeout(resolve, 5))
  const wrong = wrongKeys(world, { get: (key) => store.get('item', key), size: store.size })
  stop()
  store.close()
  return { wrong, told, connections: server.connections, resumed: server.resumed }
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } })
  const highwater = await import(new URL('../../../dist/node.js', import.meta.url))
  const collect = async () => {
    for (let times = 0; times < 3; times += 1) {
      globalThis.gc()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const begun = performance.now()
  const mb = (bytes) => (bytes / 1e6).toFixed(1)
  const { wrong, connections, resumed } = await soak(highwater, {
    items: 10_000,
    patches: values.quick ? 400_000 : 4_000_000,
    parts: 10,
    bytes: collect,
    said: ({ patches, connections, bytes }) => console.log(`${String(patches).padStart(9)} patches  ${String(connections).padStart(4)} connections  ${bytes < 0 ? '' : '+'}${mb(bytes)} MB`),
  })
  console.log(`${connections} connections, ${resumed} of them resumed; ${wrong} keys wrong; ${((performance.now() - begun) / 1000).toFixed(0)} s`)
  if (wrong > 0) process.exitCode = 1
}
