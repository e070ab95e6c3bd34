// The stream: connecting, resuming, failing, giving up.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from './door.mjs'
import { begin, event, intent, put, serve, snapshot, SOON, statusOf, transferred } from './stream.mjs'
import { until } from '../until.mjs'

const A = { a: { x: [1, { n: 1 }] } }

function open(t, url, options) {
  const store = connect(url, { retry: SOON, ...options })
  t.after(() => store.close())
  return store
}

test('after a cut it resumes from its cursor, and repeats nothing', async (t) => {
  const server = await serve(t, (_, response, at) => {
    begin(response)
    if (at === 0) {
      response.write(snapshot(1, A))
      setTimeout(() => response.destroy(), 20)
    } else {
      response.write(intent('xfer-changes', 2) + put('a', 'y', 1, 2) + transferred(2, 1))
    }
  })
  const store = open(t, server.url)
  const seen = []
  store.subscribe((change) => seen.push(change))
  await store.ready
  const x = store.get('a', 'x')
  await until(() => store.get('a', 'y') === 2)
  assert.equal(store.get('a', 'x'), x)
  assert.deepEqual(seen.map(({ changed, snapshot }) => [changed.map(({ key }) => key).join(), snapshot]), [['x', true], ['y', false]])
  assert.equal(server.requests[1].url, '/stream?basis=e1.1')
  // The address says it: a header would only cost a preflight.
  assert.equal(server.requests[1].headers['last-event-id'], undefined)
  const { phase, resumed, attempt, cursor } = store.status
  assert.deepEqual({ phase, resumed, attempt, cursor }, { phase: 'live', resumed: true, attempt: 0, cursor: 'e1.2' })
})

test('a resume that was not granted replaces the state by what differs', async (t) => {
  const server = await serve(t, (_, response, at) => {
    begin(response)
    response.write(at === 0 ? snapshot(5, { a: { x: [1, 1], y: [1, 1] } }) : snapshot(1, { a: { x: [1, 1], z: [1, 1] } }, 'e2'))
    if (at === 0) setTimeout(() => response.end(), 20)
  })
  const store = open(t, server.url)
  await store.ready
  const seen = []
  store.subscribe((change) => seen.push(change))
  await statusOf(store, ({ cursor }) => cursor === 'e2.1')
  assert.deepEqual(seen.map(({ changed, removed }) => [changed, removed]), [
    [[{ kind: 'a', key: 'z' }], [{ kind: 'a', key: 'y' }]],
  ])
  assert.equal(store.status.resumed, false)
})

test('a stale state stays readable, and says since when it lags', async (t) => {
  const server = await serve(t, (_, response, at) => {
    if (at > 0) return response.writeHead(503).end()
    begin(response)
    response.write(snapshot(1, A))
    setTimeout(() => response.destroy(), 20)
  })
  const store = open(t, server.url)
  await store.ready
  const { error, retryAt } = await statusOf(store, (status) => status.phase === 'stale' && status.error?.code === 'status' && status.retryAt)
  assert.deepEqual([error.status, error.terminal, error.message], [503, false, 'the server answered 503'])
  assert.ok(Math.abs(retryAt - Date.now()) < 1000)
  assert.deepEqual(store.get('a', 'x'), { n: 1 })
  await until(() => store.status.lag > 0)
})

test('Retry-After is the least wait, in seconds and as a date', async (t) => {
  const server = await serve(t, (_, response, at) => {
    if (at === 0) return response.writeHead(503, { 'retry-after': '1' }).end()
    begin(response)
    response.write(snapshot(1, A))
  })
  const store = open(t, server.url)
  await store.ready
  const [first, second] = server.requests
  assert.ok(second.at - first.at >= 980, `${second.at - first.at} ms`)
})

test('a 401 asks the headers function again, once', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.headers.authorization !== 'Bearer 2') return response.writeHead(401).end()
    begin(response)
    response.write(snapshot(1, A))
  })
  const asked = []
  const store = open(t, server.url, {
    headers: async ({ cause, attempt }) => {
      asked.push(`${cause} ${attempt}`)
      return { authorization: `Bearer ${asked.length}` }
    },
  })
  await store.ready
  assert.deepEqual(asked, ['connect 1', 'expired 1'])
  assert.equal(server.requests.length, 2)
  assert.match(server.requests[1].headers.accept, /^text\/event-stream/)
})

test('a 401 to fresh headers is the end, and says so', async (t) => {
  const server = await serve(t, (_, response) => response.writeHead(401).end())
  const store = open(t, server.url, { headers: () => ({ authorization: 'no' }) })
  await assert.rejects(store.ready, { name: 'HighwaterError', code: 'status', status: 401, terminal: true })
  assert.equal(server.requests.length, 2)
  const { phase, error } = store.status
  assert.deepEqual([phase, error.message], ['stopped', 'the server answered 401, which trying again cannot heal'])
})

test('a headers function that rejects is told as such, and asked again', async (t) => {
  const server = await serve(t, (_, response) => {
    begin(response)
    response.write(snapshot(1, A))
  })
  let asked = 0
  const store = open(t, server.url, {
    headers: () => {
      if (++asked < 3) throw new Error('no token yet')
      return {}
    },
  })
  const { error } = await statusOf(store, (status) => status.error)
  assert.deepEqual([error.code, error.message], ['headers', 'the headers function failed: no token yet'])
  await store.ready
  assert.equal(asked, 3)
})

test('malformed data is told with its place; the state stays and the stream resumes', async (t) => {
  const server = await serve(t, (_, response, at) => {
    begin(response)
    if (at === 0) response.write(snapshot(1, A) + event('put-object', '{"kind":oops'))
    else response.write(intent('none', 1))
  })
  const store = open(t, server.url, { retry: { ...SOON, first: 300 } })
  await store.ready
  const { error } = await statusOf(store, (status) => status.error)
  assert.deepEqual([error.code, error.event, error.at, error.cursor], ['bad-data', 'put-object', 8, 'e1.1'])
  assert.match(error.message, /'put-object'.* byte 8/)
  assert.deepEqual(store.get('a', 'x'), { n: 1 })
  await statusOf(store, ({ phase }) => phase === 'live')
  assert.equal(server.requests[1].url, '/stream?basis=e1.1')
  assert.equal(store.status.error, undefined)
})

test('an answer that is no stream is told, and tried again', async (t) => {
  const server = await serve(t, (_, response, at) => {
    if (at === 0) return response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<h1>Sign in</h1>')
    begin(response)
    response.write(snapshot(1, A))
  })
  const store = open(t, server.url, { retry: { ...SOON, first: 200 } })
  const { error } = await statusOf(store, (status) => status.error)
  assert.equal(error.code, 'content-type')
  assert.match(error.message, /text\/html/)
  await store.ready
})

test('an event beyond maxBytes is told', async (t) => {
  const server = await serve(t, (_, response) => {
    begin(response)
    response.write(snapshot(1, { a: { x: [1, 'x'.repeat(5000)] } }))
  })
  const store = open(t, server.url, { maxBytes: 1000, retry: { ...SOON, first: 1000 } })
  const { error } = await statusOf(store, (status) => status.error)
  assert.equal(error.code, 'too-large')
  assert.match(error.message, /1000 bytes/)
})

test('a snapshot that never ends is given up', async (t) => {
  const server = await serve(t, (_, response, at) => {
    begin(response)
    response.write(at === 0 ? intent('xfer-full', 9) + put('a', 'x', 1, 1) : snapshot(9, A))
  })
  const store = open(t, server.url, { snapshotTimeout: 80, retry: { ...SOON, first: 100 } })
  const { error } = await statusOf(store, (status) => status.error)
  assert.deepEqual([error.code, error.message], ['snapshot-timeout', 'the snapshot did not end within 80 ms (option snapshotTimeout)'])
  assert.equal(store.size, 0)
  await store.ready
})

test('a server that does not answer, and one that falls silent, are given up', async (t) => {
  const server = await serve(t, (_, response, at) => {
    if (at === 0) return
    begin(response)
    if (at === 1) response.write(': nothing more\n\n')
    else response.write(snapshot(1, A))
  })
  const codes = []
  const store = open(t, server.url, { connectTimeout: 60, idle: 60 })
  store.onStatus(({ error }) => error && codes.at(-1) !== error.code && codes.push(error.code))
  await store.ready
  assert.deepEqual(codes, ['connect-timeout', 'silent'])
})

test('nobody there is told in words that help', async (t) => {
  const server = await serve(t, () => {})
  server.close()
  const store = open(t, server.url, { retry: { ...SOON, attempts: 2 } })
  await assert.rejects(store.ready, { code: 'network', message: /ECONNREFUSED/ })
  assert.equal(store.status.phase, 'stopped')
})

test('an id that no header can hold is not sent, and one of any script is', async (t) => {
  const seen = []
  const server = await serve(t, (request, response, at) => {
    seen.push(request.headers['last-event-id'])
    begin(response)
    response.end(`id: ${['früh-€', 'a\u0001b', 'x'.repeat(5000), 'ok'][at]}\nevent: put\ndata: {"data":{"flags":{}}}\n\n`)
  })
  const store = open(t, server.url, { protocol: 'relay' })
  await until(() => seen.length >= 5)
  store.close()
  const sent = Buffer.from('früh-€').toString('latin1')
  assert.deepEqual(seen.slice(0, 5), [undefined, sent, undefined, undefined, 'ok'])
})

test('pause, resume with named reasons, reconnect and close', async (t) => {
  const server = await serve(t, (request, response) => {
    begin(response)
    response.write(request.url.includes('basis') ? intent('none', 1) : snapshot(1, A))
  })
  const store = open(t, server.url)
  await store.ready
  store.pause('hidden')
  store.pause('user')
  assert.equal(store.status.phase, 'paused')
  await until(() => server.open.size === 0, 'the end of the connection')
  assert.deepEqual(store.get('a', 'x'), { n: 1 })
  store.resume('hidden')
  assert.equal(store.status.phase, 'paused')
  store.resume('user')
  await statusOf(store, ({ phase }) => phase === 'live')
  assert.equal(server.requests.length, 2)
  store.reconnect()
  await until(() => server.requests.length === 3)
  await statusOf(store, ({ phase }) => phase === 'live')
  store.close()
  await until(() => server.open.size === 0, 'the end of the connection')
  await new Promise((resolve) => setTimeout(resolve, 60))
  assert.equal(server.requests.length, 3)
})

test('closed before there was a state, ready rejects, and nothing is left unhandled', async (t) => {
  const server = await serve(t, (_, response) => begin(response))
  const store = open(t, server.url)
  store.close()
  await assert.rejects(store.ready, { code: 'closed', message: 'the store was closed before its first state was there' })
  const other = open(t, server.url, { signal: AbortSignal.abort() })
  assert.equal(other.status.phase, 'stopped')
  assert.equal(server.requests.length <= 1, true)
})

test('a signal closes the store', async (t) => {
  const server = await serve(t, (_, response) => {
    begin(response)
    response.write(snapshot(1, A))
  })
  const abort = new AbortController()
  const store = open(t, server.url, { signal: abort.signal })
  await store.ready
  abort.abort()
  assert.equal(store.status.phase, 'stopped')
  await until(() => server.open.size === 0)
})

test('method, body and query go along with every attempt', async (t) => {
  const bodies = []
  const server = await serve(t, async (request, response, at) => {
    let body = ''
    for await (const chunk of request) body += chunk
    bodies.push(`${request.method} ${request.url} ${body}`)
    begin(response)
    response.write(at === 0 ? snapshot(1, A) : intent('none', 1))
    if (at === 0) setTimeout(() => response.end(), 10)
  })
  const store = open(t, `${server.url}?filter=a%20b#part`, { method: 'POST', body: '{"user":1}' })
  await until(() => bodies.length === 2)
  store.close()
  assert.deepEqual(bodies, ['POST /stream?filter=a%20b {"user":1}', 'POST /stream?filter=a%20b&basis=e1.1 {"user":1}'])
})

test("a fetch of the application's own is used, and judged", async (t) => {
  const bytes = new TextEncoder().encode(snapshot(1, A))
  const calls = []
  const store = open(t, 'https://example.invalid/s', {
    fetch: (url, init) => {
      calls.push([url, init.headers.get('x-a'), init.signal instanceof AbortSignal, init.cache])
      const body = new ReadableStream({ start: (controller) => controller.enqueue(bytes) })
      return Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }))
    },
    headers: { 'x-a': 'b' },
  })
  await store.ready
  assert.deepEqual(calls, [['https://example.invalid/s', 'b', true, 'no-store']])
  const bad = open(t, 'https://example.invalid/s', { fetch: () => 'hello' })
  const { error } = await statusOf(bad, (status) => status.error)
  assert.match(error.message, /option fetch did not answer with a Response/)
})

test('protocol ping fetches the state from the poll address', async (t) => {
  let version = 0
  let ping
  const server = await serve(t, (request, response) => {
    if (request.url === '/state') {
      version += 1
      const body = JSON.stringify({ flag: { version, value: version }, old: version === 1 ? { version: 1 } : undefined })
      return response.writeHead(200, { 'content-type': 'application/json' }).end(body)
    }
    begin(response)
    ping = () => response.write(event('ping', ' '))
    ping()
  })
  const store = open(t, server.url, { protocol: 'ping', poll: new URL('/state', server.url), headers: { authorization: 'k' } })
  await store.ready
  assert.deepEqual([store.get('flags', 'flag'), store.has('flags', 'old')], [{ version: 1, value: 1 }, true])
  ping()
  await until(() => store.versionOf('flags', 'flag') === 2)
  assert.equal(store.has('flags', 'old'), false)
  assert.equal(server.requests.find(({ url }) => url === '/state').headers.authorization, 'k')
})

test('protocol ping: a poll address that fails is told', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/state') return response.writeHead(500).end()
    begin(response)
    response.write(event('ping', ' '))
  })
  const store = open(t, server.url, { protocol: 'ping', poll: new URL('/state', server.url), retry: { ...SOON, first: 500 } })
  const { error } = await statusOf(store, (status) => status.error)
  assert.deepEqual([error.code, error.status], ['status', 500])
})

test('protocol ping: a headers function that rejects for the poll alone is told as such', async (t) => {
  const server = await serve(t, (_, response) => {
    begin(response)
    response.write(event('ping', ' '))
  })
  let asked = 0
  const headers = async () => {
    if (++asked % 2 === 0) throw new Error('no token')
    return {}
  }
  const store = open(t, server.url, { protocol: 'ping', poll: server.url, headers })
  const { error } = await statusOf(store, ({ error }) => error !== undefined)
  assert.deepEqual([error.code, error.message], ['headers', 'the headers function failed: no token'])
})

test('protocol json reads any stream by pointers', async (t) => {
  const server = await serve(t, (_, response) => {
    begin(response)
    response.write(event('all', { prices: [{ symbol: 'A', at: 2, of: { usd: 1 } }, { symbol: 'B', at: 1, of: { usd: 2 } }] }))
    response.write(event('price', { symbol: 'A', at: 1, of: { usd: 9 } }) + event('price', { symbol: 'C', at: 1, of: { usd: 3 } }))
    response.write(event('end', { symbol: 'B', at: 2 }))
  })
  const store = open(t, server.url, {
    protocol: { name: 'json', snapshot: 'all', items: '/prices', upsert: ['price'], delete: 'end', key: '/symbol', version: '/at', value: '/of/usd' },
  })
  await until(() => store.has('item', 'C') && !store.has('item', 'B'))
  assert.deepEqual(store.entries('item'), [['A', 1], ['C', 3]])
})

test('NDJSON is read by its content type', async (t) => {
  const server = await serve(t, (_, response) => {
    begin(response, { 'content-type': 'application/x-ndjson' })
    response.write('{"key":"a","v":1}\n{"key":"b","v":2}\n')
  })
  const store = open(t, server.url, { protocol: { name: 'json', value: '/v' } })
  await until(() => store.size === 2)
  assert.equal(store.get('item', 'b'), 2)
})

test('a goodbye is no fault', async (t) => {
  const server = await serve(t, (_, response, at) => {
    begin(response)
    if (at === 0) response.end(snapshot(1, A) + event('goodbye', { reason: 'draining', silent: false, catastrophe: false }))
    else response.write(intent('none', 1))
  })
  const errors = []
  const store = open(t, server.url)
  store.onStatus(({ error }) => error && errors.push(error))
  await store.ready
  await until(() => server.requests.length === 2)
  await statusOf(store, ({ phase }) => phase === 'live')
  assert.deepEqual(errors, [])
})
