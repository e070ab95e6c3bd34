// A Shape of @electric-sql/client: the log in responses of 10 MB until it is up to date, then live
// over server-sent events.

import { Shape, ShapeStream } from '@electric-sql/client'
import { Feed, hop } from '../source.mjs'
import { electric } from '../wires.mjs'

export const name = 'electric'
export const wire = 'electric'
export const beside = 'connect'

let count = 0

export async function open() {
  const abort = new AbortController()
  const live = new Feed()
  let responses
  let bodies
  let meter
  const headers = (offset, last) => ({
    'content-type': 'application/json',
    'electric-handle': 'bench-1',
    'electric-offset': offset,
    'electric-schema': electric.schema,
    'electric-cursor': '1',
    ...(last ? { 'electric-up-to-date': '' } : {}),
  })
  const fetchClient = async (url) => {
    const query = new URL(url).searchParams
    if (query.get('live') === 'true') return live.response({ ...headers('0_99', true), 'content-type': 'text/event-stream' })
    const at = query.get('offset') === '-1' ? 0 : Number(query.get('offset').split('_')[1])
    const body = new Feed()
    void body.send(responses[at], meter, { ends: true })
    bodies += 1
    return body.response(headers(`0_${at + 1}`, at + 1 === responses.length))
  }
  // The client remembers addresses for a minute, and behaves otherwise on the second visit.
  const stream = new ShapeStream({
    url: `http://bench.invalid/v1/shape/${Date.now()}-${(count += 1)}`,
    params: { table: 'items' },
    liveSse: true,
    liveRequestTimeoutMs: false,
    fetchClient,
    signal: abort.signal,
  })
  let shape
  /** Changes seen by those who listen to the stream: the shape first, then we. */
  let seen = 0
  let wanted = Infinity
  let reached = () => {}
  const listeners = new Map()
  return {
    /** `data`: the responses, each as chunks, and how many items there are. */
    async snapshot({ chunks, items }, measured) {
      meter = measured
      responses = chunks
      bodies = 0
      const done = new Promise((resolve) => (reached = resolve))
      wanted = items
      shape = new Shape(stream)
      stream.subscribe((messages) => {
        for (const { headers, value } of messages) {
          if (headers.operation === undefined) continue
          seen += 1
          if (listeners.size > 0) listeners.get(value.id)?.()
        }
        if (seen >= wanted) {
          meter.end()
          reached()
        }
      }, reached)
      await done
      if (seen < items) throw new Error(`electric: ${seen} of ${items} items came: ${stream.error}`)
      await live.drained
    },
    async patches({ chunks, patches }, measured) {
      meter = measured
      const done = new Promise((resolve) => (reached = resolve))
      wanted = seen + patches
      await live.send(chunks, measured)
      await done
    },
    /** Until what is on its way has arrived. */
    settle: hop,
    get: (key) => shape.currentValue.get(`"public"."items"/"${key}"`),
    all: () => shape.currentValue.values(),
    get size() {
      return shape.currentValue.size
    },
    listen: (key, listener) => listeners.set(key, listener),
    close() {
      abort.abort()
      stream.unsubscribeAll()
    },
  }
}
