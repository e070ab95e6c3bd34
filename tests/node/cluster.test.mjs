// Three servers over one NATS, one of them killed every few seconds, while clients of the package read
// and others write, all through one address. HIGHWATER_CLUSTER_SECONDS says for how long; 20 by itself.

import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { connect } from '../../dist/node.js'
import { startHighwater } from '../highwater.mjs'
import { startBalancer, startNats } from './nats.mjs'
import { until } from '../until.mjs'

const SECONDS = Number(process.env.HIGHWATER_CLUSTER_SECONDS ?? 20)
const [SERVERS, CLIENTS, WRITERS] = [3, 9, 4]
/** Longer than anything takes here, unless it never comes. */
const PATIENCE = 60_000

test('clients converge, whichever server is killed, and nothing acknowledged is lost', { timeout: SECONDS * 5_000 + 4 * PATIENCE }, async (t) => {
  const nats = await startNats(t)
  if (!nats) return
  const balancer = await startBalancer(t)
  const start = async () => {
    const server = await startHighwater('serve', '--nats', nats, '--heartbeat-ms', '1000')
    await until(async () => (await fetch(`${server.url}/readyz`)).ok, 'a server that is ready', PATIENCE)
    balancer.backends.add(server.url)
    return server
  }
  const servers = await Promise.all(Array.from({ length: SERVERS }, start))
  t.after(() => Promise.all(servers.map((server) => server.kill())))
  const topic = `${balancer.url}/v1/topics/work`
  // The topic exists before anybody wants to read it, everywhere.
  await until(async () => (await put(`${topic}/writer/first`, {})).ok, 'the first write', PATIENCE)
  for (const { url } of servers) await until(async () => (await fetch(`${url}/v1/topics/work`)).ok, 'the topic', PATIENCE)

  const clients = Array.from({ length: CLIENTS }, () => watch(t, `${topic}/stream`))
  await Promise.all(clients.map(({ store }) => store.ready))
  const writers = Array.from({ length: WRITERS }, (_, n) => new Writer(topic, String(n)))
  let rounds = 0
  let slowest = 0
  const end = performance.now() + SECONDS * 1000
  while (performance.now() < end) {
    // Killed in the middle of the work.
    const working = writers.map((writer) => writer.work())
    await sleep(500 + ((rounds * 379) % 700))
    const victim = rounds % SERVERS
    balancer.backends.delete(servers[victim].url)
    await servers[victim].kill()
    await sleep(500 + ((rounds * 523) % 900))
    writers.forEach((writer) => writer.pause())
    await Promise.all(working)
    // Everybody, at whatever server, comes to the same, and it is what was acknowledged.
    const begun = performance.now()
    const truth = await agreed(servers.filter((_, n) => n !== victim))
    for (const writer of writers) assert.equal(truth.items[writer.key] ?? 0, writer.done, `writer ${writer.key}`)
    for (const client of clients) {
      const { store } = client
      const same = () => JSON.stringify(stateOf(store)) === JSON.stringify(truth.items)
      await until(same, `a client (${JSON.stringify(store.status)}) at ${truth.cursor}`, PATIENCE)
      // It was told of each transaction, once: the first was its snapshot.
      const { told, begun: snapshots, connections } = client
      const seen = { cursor: truth.cursor, writes: 1 + sum(writers, 'done'), told, snapshots, connections, rounds }
      assert.equal(told, Number(truth.cursor.split('.')[1]), JSON.stringify(seen))
    }
    slowest = Math.max(slowest, performance.now() - begun)
    servers[victim] = await start()
    rounds++
  }
  const [connections, begun] = [sum(clients, 'connections'), sum(clients, 'begun')]
  for (const { faults } of clients) assert.deepEqual(faults, [])
  // One of the three was always alive: the epoch stayed, and everybody went on from where it was.
  assert.equal(begun, CLIENTS, 'nobody began again from a snapshot')
  assert.ok(rounds > 1 && connections > CLIENTS, `${rounds} rounds, ${connections} connections`)
  t.diagnostic(
    `${rounds} kills in ${SECONDS} s; ${sum(writers, 'done')} writes acknowledged or found done, ${sum(writers, 'unsure')} of them looked up after a lost answer, ` +
      `${sum(writers, 'refused')} answers 503; ${CLIENTS} clients, ${connections} connections, ${begun} snapshots; converged within ${Math.round(slowest)} ms`,
  )
})

/** A client, and what would be wrong with what it is told. */
function watch(t, url) {
  const store = connect(url, { retry: { first: 50, max: 1000 } })
  t.after(() => store.close())
  const client = { store, told: 0, connections: 0, begun: 0, faults: [] }
  const seen = new Map()
  store.subscribe(({ changed, removed }) => {
    client.told++
    for (const { key } of removed) client.faults.push(`${key} was removed`)
    for (const { kind, key } of changed) {
      const n = store.get(kind, key).n
      if (n < seen.get(key)) client.faults.push(`${key}: ${n} after ${seen.get(key)}`)
      seen.set(key, n)
    }
  })
  let live = false
  store.onStatus((status) => {
    if (status.phase === 'live' && !live) {
      client.connections++
      if (!status.resumed) client.begun++
    }
    live = status.phase === 'live'
  })
  return client
}

/** Counts up an item of its own, compared and set, so that nothing can be done twice unseen. */
class Writer {
  done = 0
  unsure = 0
  refused = 0
  #version = 0
  #paused = false
  #url

  constructor(topic, key) {
    this.key = key
    this.#url = `${topic}/writer/${key}`
  }

  pause() {
    this.#paused = true
  }

  async work() {
    this.#paused = false
    while (!this.#paused) await this.#next()
  }

  /** Comes back when it is certain that the next count is there. */
  async #next() {
    const n = this.done + 1
    const heard = []
    for (const end = performance.now() + PATIENCE; ; ) {
      assert.ok(performance.now() < end, `writer ${this.key} cannot write ${n}: ${heard.slice(-5).join('; ')}`)
      const answer = await put(this.#url, { n }, this.#version).catch((error) => void heard.push(`${error}`))
      const body = await answer?.json().catch((error) => void heard.push(`${error}`))
      if (body) heard.push(`${answer.status} ${JSON.stringify(body)}`)
      if (answer?.ok && body) return this.#is(n, body.version)
      if (answer?.status === 503) {
        this.refused++
        await sleep(50)
        if (body?.error.code !== 'undecided') continue
      }
      // The answer was lost, or says that it may be done: what is there says which.
      const found = await this.#look()
      heard.push(`found ${JSON.stringify(found)}`)
      if (found?.n === n) {
        this.unsure++
        return this.#is(n, found.version)
      }
      if (found) assert.deepEqual(found, { n: this.done, version: this.#version }, `writer ${this.key}`)
    }
  }

  #is(n, version) {
    this.done = n
    this.#version = version
  }

  /** As every server has it, or nothing if one does not know for certain. */
  async #look() {
    const answer = await fetch(this.#url, { signal: AbortSignal.timeout(10_000) }).catch(() => undefined)
    if (answer?.status === 404) return { n: 0, version: 0 }
    if (!answer?.ok) return undefined
    const { n } = await answer.json()
    return { n, version: Number(answer.headers.get('etag').replaceAll('"', '')) }
  }
}

function put(url, value, version) {
  const condition = version === undefined ? {} : version === 0 ? { 'if-none-match': '*' } : { 'if-match': `"${version}"` }
  return fetch(url, { method: 'PUT', body: JSON.stringify(value), headers: condition, signal: AbortSignal.timeout(20_000) })
}

/** What all servers show, once they show the same. */
async function agreed(servers) {
  return until(
    async () => {
      const [first, ...others] = await Promise.all(servers.map(({ url }) => stateAt(url)))
      return others.every(({ cursor }) => cursor === first.cursor) ? first : undefined
    },
    'the servers’ agreement',
    PATIENCE,
  )
}

async function stateAt(url) {
  const { cursor, items } = await (await fetch(`${url}/v1/topics/work`)).json()
  return { cursor, items: counts(items.map(({ key, object }) => [key, object])) }
}

const stateOf = (store) => counts([...store.collection('writer').entries()])
const counts = (entries) => Object.fromEntries(entries.map(([key, { n }]) => [key, n ?? 0]).sort())
const sum = (list, name) => list.reduce((total, one) => total + one[name], 0)
