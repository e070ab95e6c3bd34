// A server that tests script by hand: it keeps every request, and sends what it is told.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { until } from '../until.mjs'

/** Starts a server. `answer(request, response, at)` is called for the request number `at`, from 0. */
export async function serve(t, answer) {
  const requests = []
  const open = new Set()
  const server = createServer((request, response) => {
    const at = requests.length
    requests.push({ method: request.method, url: request.url, headers: request.headers, at: performance.now() })
    open.add(response)
    response.on('close', () => open.delete(response))
    answer(request, response, at)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  t?.after(close)
  return { url: `http://127.0.0.1:${server.address().port}/stream`, requests, open, close }
}

/** Begins an event stream. */
export function begin(response, headers = {}) {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers })
  response.flushHeaders()
}

/** One event. */
export const event = (type, data, id) =>
  `event: ${type}\n${id === undefined ? '' : `id: ${id}\n`}data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`

/** What our own server's stream begins with. */
export const intent = (code, target, extra = {}) =>
  event('server-intent', {
    payloads: [{ id: 't', target, intentCode: code, reason: 'test' }],
    highwater: { version: 1, resumed: code !== 'xfer-full', heartbeat: 15000, ...extra },
  })
export const put = (kind, key, version, object) =>
  event('put-object', `{"kind":"${kind}","key":"${key}","version":${version},"object":${object?.raw ?? JSON.stringify(object)}}`)
/** A value that is sent as it is. */
export const raw = (text) => ({ raw: text })
export const gone = (kind, key, version) => event('delete-object', { kind, key, version })
export const transferred = (index, basis, epoch = 'e1') =>
  event('payload-transferred', { state: `${epoch}.${index}`, version: index, ...(basis === undefined ? {} : { basis: `${epoch}.${basis}` }) }, `${epoch}.${index}`)

/** A whole snapshot: `{ kind: { key: [version, value] } }`. */
export function snapshot(index, kinds, epoch = 'e1') {
  let text = intent('xfer-full', index)
  for (const [kind, items] of Object.entries(kinds)) {
    for (const [key, [version, value]] of Object.entries(items)) text += put(kind, key, version, value)
  }
  return text + transferred(index, undefined, epoch)
}

/** Waits for the next status that fits. */
export function statusOf(store, fits, limit) {
  return until(() => (fits(store.status) ? store.status : undefined), `the status (${JSON.stringify(store.status)})`, limit)
}

/** Waits that are short enough for tests. */
export const SOON = { first: 5, max: 20, jitter: 0 }
