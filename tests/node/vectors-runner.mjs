// Runs scripts of recorded vectors on the built package: a script a line in, what was observed a
// line out. `cargo xtask vectors` starts it and judges; `crates/vectors` says what a script is.

import { createInterface } from 'node:readline'
import { Backoff, MessageReceiver, Protocol, Session, SseDecoder } from '../../dist/node.js'

const bytesOf = (base64) => new Uint8Array(Buffer.from(base64, 'base64'))

const suites = {
  receiver({ ops }) {
    const receiver = new MessageReceiver()
    const results = ops.map(({ op, id, version, item, ids }) => {
      if (op === 'upsert') return receiver.upsert(id, item, BigInt(version))
      if (op === 'delete') return receiver.delete(id, BigInt(version))
      if (op === 'forget') return receiver.forget(id)
      const saw = []
      const isListed = (known) => saw.push(known) > 0 && ids.includes(known)
      const gone = op === 'purge' ? receiver.purge(isListed) : receiver.retain(isListed)
      return { ids: gone, saw: saw.sort(byBytes) }
    })
    const final = {}
    for (const { id, version, tombstone, item } of receiver.entries()) {
      final[id] = { version: String(version), tombstone, ...(tombstone ? {} : { item }) }
    }
    return { results, final }
  },

  fdv2({ kinds, steps }) {
    const protocol = new Protocol({ name: 'fdv2', kinds })
    return {
      steps: steps.map(({ reset, event, data }) => {
        const observed = { messages: [] }
        if (reset) protocol.connected()
        else {
          try {
            observed.messages = protocol.decode({ type: event, data })
          } catch (error) {
            observed.messages = error.messages
            observed.error = error.code
          }
        }
        for (const message of observed.messages) {
          if ('version' in message) message.version = String(message.version)
          if ('target' in message) message.target = String(message.target)
        }
        return { ...observed, mode: protocol.mode }
      }),
    }
  },

  waiter({ min_failures, factor_ms, min_wait_ms, max_wait_ms, failures }) {
    const numbers = { freeFailures: min_failures, first: factor_ms, min: min_wait_ms, max: max_wait_ms }
    const backoff = new Backoff({ ...numbers, jitter: 0 })
    return { delays_ms: Array.from({ length: failures }, () => backoff.fail(0)) }
  },

  streams({ protocol, connections }) {
    const driver = new Driver(new Session({ protocol, trace: true }))
    let opened = false
    const ran = []
    for (const { status, chunks, closes } of connections) {
      if (!driver.untilConnecting()) break
      driver.open(status, 'text/event-stream')
      opened ||= status === 200
      // One byte at a time: a piece may commit several times, and each is looked at.
      const pieces = chunks.map((chunk) => {
        const commits = [...bytesOf(chunk)].flatMap((byte) => {
          driver.give('bytes', { bytes: Uint8Array.of(byte) })
          return committedBy(driver.session)
        })
        return { commits }
      })
      ran.push({ chunks: pieces, dropped: status === 200 && !driver.session.status.connected })
      if (closes) driver.finish('ended')
    }
    driver.untilConnecting()
    return {
      requests: driver.requests.map(({ query }) => ({
        query: Object.entries(query).map(([name, value]) => `${name}=${value}`).join('&'),
      })),
      connections: ran,
      known: knownOf(driver.session),
      phase: driver.session.status.phase,
      opened,
    }
  },

  materializer({ require_tags, steps }) {
    const view = new Health(require_tags)
    const driver = new Driver(
      new Session(
        {
          protocol: { name: 'consul', recorded: true },
          refill: 'empty-first',
          retry: { first: 200, max: 60_000, freeFailures: 1, jitter: 0, healthy: 'update' },
        },
        view,
      ),
    )
    const initial = stateOf(driver, view)
    return {
      initial,
      steps: steps.map(({ op, event, error }) => {
        if (op === 'connect') driver.open(200, 'application/x-ndjson')
        else if (op === 'recv') driver.give('bytes', { bytes: new TextEncoder().encode(`${event}\n`) })
        else if (op === 'stop') driver.input({ type: 'stop' })
        else if (error === 'eof') driver.finish('ended')
        else if (error === 'aborted') driver.finish('aborted')
        else {
          const temporary = error.startsWith('net_') ? error === 'net_temporary' : undefined
          driver.finish('failed', { what: error, temporary })
        }
        driver.untilConnecting()
        return stateOf(driver, view)
      }),
    }
  },

  sse({ streams, cuts }) {
    const bodies = streams.map(bytesOf)
    return cuts.map((ends) => {
      const observed = { events: [], chunks: [], retries: [] }
      const onRetry = (millis) => observed.retries.push(BigInt(millis).toString())
      const sse = new SseDecoder({ limit: 2 ** 31 - 1, onRetry })
      bodies.forEach((body, number) => {
        let start = 0
        ends[number].forEach((end, chunk) => {
          for (const event of sse.push(body.subarray(start, end))) {
            observed.events.push(event)
            observed.chunks.push([number, chunk])
          }
          start = end
        })
        sse.end()
      })
      observed.finalLastEventId = sse.lastEventId
      sse[Symbol.dispose]()
      return observed
    })
  },
}

// A session, and a clock that goes only when it is told to.
class Driver {
  requests = []
  #now = 1_000_000
  #wake
  #current

  constructor(session) {
    this.session = session
    this.input({ type: 'start' })
  }

  untilConnecting() {
    while (this.#current === undefined) {
      if (this.#wake === undefined) return false
      this.#now = Math.max(this.#now, this.#wake)
      this.#wake = undefined
      this.input({ type: 'wake' })
    }
    return !this.session.status.connected
  }

  open(status, contentType) {
    this.give('opened', { status, contentType })
  }

  give(type, more) {
    if (this.#current !== undefined) this.input({ type, connection: this.#current, ...more })
  }

  finish(type, more) {
    const connection = this.#current
    this.#current = undefined
    if (connection !== undefined) this.input({ type, connection, ...more })
  }

  input(input) {
    for (const effect of this.session.handle(this.#now, input)) {
      if (effect.type === 'connect') {
        this.#current = effect.connection
        this.requests.push(effect)
      } else if (effect.type === 'disconnect' && effect.connection === this.#current) {
        this.#current = undefined
      } else if (effect.type === 'wake') this.#wake = effect.at
    }
  }
}

// Consul's view of a service's health, as far as the recordings look at it.
class Health {
  updates = 0
  resets = 0
  instances = new Map()
  #tags

  constructor(tags) {
    this.#tags = tags.map((tag) => tag.toLowerCase())
  }

  update(changes) {
    this.updates++
    for (const { kind, key, value } of changes) {
      if (kind !== 'ServiceHealth') throw new Error(`unexpected payload ${kind}`)
      const tags = (value?.Service.Tags ?? []).map((tag) => tag.toLowerCase())
      const fits = value !== undefined && this.#tags.every((tag) => tags.includes(tag))
      if (fits) this.instances.set(key, value.Service.Port ?? 0)
      else this.instances.delete(key)
    }
  }

  reset() {
    this.resets++
    this.instances.clear()
  }
}

function stateOf({ session, requests }, view) {
  const { phase, connected, cursor, error, failures, news } = session.status
  const words = { closed: 'eof', aborted: 'reset', view: 'view_update', network: error?.message.split(': ').at(-1) }
  return {
    failures,
    index: cursor ?? '0',
    last_notified_error: error === undefined ? null : words[error.code],
    notifications: news,
    phase: phase === 'stopped' ? 'stopped' : connected ? 'receiving' : 'connecting',
    request_index: requests.at(-1)?.query.index ?? '0',
    requests: requests.length,
    resets: view.resets,
    updates: view.updates,
    view: Object.fromEntries(view.instances),
    backoff_base_ms: baseOf(failures),
  }
}

// The wait that so many failures lead to, as a back-off of the same numbers says it.
function baseOf(failures) {
  const backoff = new Backoff({ first: 200, max: 60_000, freeFailures: 1, jitter: 0 })
  for (let count = 0; count < failures; count++) backoff.fail(0)
  return backoff.base
}

// The transaction that the last byte committed, if it did, and what is known after it.
function committedBy(session) {
  const commits = []
  let snapshot = false
  for (const step of session.takeTrace().flatMap(({ steps }) => steps)) {
    const { action, reason, kind, key, version, deleted } = step
    if (action === 'begin') snapshot = reason === 'snapshot'
    else if (action === 'commit') commits.push({ snapshot, changes: [], known: knownOf(session) })
    else if (['insert', 'updated', 'delete', 'noop'].includes(action)) {
      const noop = action === 'noop' ? reason : null
      const change = { kind, key, version: String(version), action, delete: deleted === true, noop }
      commits.at(-1).changes.push(change)
    }
  }
  return commits
}

function knownOf(session) {
  const known = {}
  const note = ({ kind, key }, entry) => ((known[kind] ??= {})[key] = entry)
  for (const name of session.keys()) {
    const version = String(session.versionOf(name.kind, name.key))
    const value = JSON.stringify(session.get(name.kind, name.key))
    note(name, { version, tombstone: false, value })
  }
  for (const { version, ...name } of session.tombstones()) {
    note(name, { version: String(version), tombstone: true })
  }
  return known
}

function byBytes(a, b) {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

for await (const line of createInterface({ input: process.stdin })) {
  let answer
  try {
    const script = JSON.parse(line)
    answer = { observed: suites[script.suite](script) }
  } catch (error) {
    answer = { error: String(error?.stack ?? error) }
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
