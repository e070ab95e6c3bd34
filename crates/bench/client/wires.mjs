// What happens, as each peer's own server would write it.

import { fieldsOf, keyOf, valueOf } from './world.mjs'

export const CHUNK = 16 << 10

/** Text in chunks of 16 KiB, each with a buffer of its own, as a socket or a fetch body hands them over. */
export function* chunks(texts) {
  let text = ''
  let rest = new Uint8Array(0)
  const cut = function* (all) {
    let bytes = encoder.encode(text)
    text = ''
    if (rest.length > 0) {
      const joined = new Uint8Array(rest.length + bytes.length)
      joined.set(rest)
      joined.set(bytes, rest.length)
      bytes = joined
    }
    let at = 0
    for (; at + CHUNK <= bytes.length; at += CHUNK) yield bytes.slice(at, at + CHUNK)
    rest = bytes.slice(at)
    if (all && rest.length > 0) yield rest
  }
  for (const piece of texts) {
    text += piece
    if (text.length >= 16 * CHUNK) yield* cut(false)
  }
  yield* cut(true)
}

/** Events, those together that a chunk's bytes would bring. */
export function* groups(events) {
  let group = []
  let size = 0
  for (const event of events) {
    group.push(event)
    size += event.data.length + event.type.length + 16
    if (size >= CHUNK) {
      yield group
      group = []
      size = 0
    }
  }
  if (group.length > 0) yield group
}

/** Our own server's wire, and that of all peers that have none of their own: FDv2 in server-sent events. */
export const fdv2 = {
  *snapshot(items) {
    yield { type: 'server-intent', data: `{"payloads":[{"id":"bench","target":1,"intentCode":"xfer-full","reason":"payload-missing"}],"highwater":{"version":1,"resumed":false,"heartbeat":15000}}` }
    for (let item = 0; item < items; item += 1) yield put(item, 1)
    yield { type: 'payload-transferred', id: 'e1.1', data: '{"state":"e1.1","version":1}' }
  },
  *patches(transactions) {
    for (const { index, patches } of transactions) {
      for (const [item, version] of patches) yield version > 0 ? put(item, version) : gone(item, -version)
      yield { type: 'payload-transferred', id: `e1.${index}`, data: `{"state":"e1.${index}","version":${index},"basis":"e1.${index - 1}"}` }
    }
  },
}

const put = (item, version) => ({
  type: 'put-object',
  data: `{"kind":"item","key":"${keyOf(item)}","version":${version},"object":${valueOf(item, version)}}`,
})
const gone = (item, version) => ({ type: 'delete-object', data: `{"kind":"item","key":"${keyOf(item)}","version":${version}}` })

/** Events as the text of a stream. */
export function* sse(events) {
  for (const { type, id, data } of events) {
    yield id === undefined ? `event: ${type}\ndata: ${data}\n\n` : `event: ${type}\nid: ${id}\ndata: ${data}\n\n`
  }
}

/** LaunchDarkly's client-side stream: one put, then patch and delete, in the fewest members that its SDK reads. */
export const launchdarkly = {
  *snapshot(items) {
    let data = ''
    for (let item = 0; item < items; item += 1) {
      data += `${item === 0 ? '{' : ','}"${keyOf(item)}":{"version":1,"value":${valueOf(item, 1)}}`
    }
    yield { type: 'put', data: `${data}}` }
  },
  *patches(transactions) {
    for (const { patches } of transactions) {
      for (const [item, version] of patches) {
        yield version > 0
          ? { type: 'patch', data: `{"key":"${keyOf(item)}","version":${version},"value":${valueOf(item, version)}}` }
          : { type: 'delete', data: `{"key":"${keyOf(item)}","version":${-version}}` }
      }
    }
  },
}

/**
 * Electric's shape log: JSON arrays of at most 10 MB until the client is up to date, then live
 * messages, one an event. Columns are text, as Postgres writes them; the schema says what they are.
 */
export const electric = {
  schema: JSON.stringify({
    id: { type: 'text', pk_position: 0 }, name: { type: 'text' }, sku: { type: 'text' }, price: { type: 'float8' },
    stock: { type: 'int4' }, active: { type: 'bool' }, rating: { type: 'float8' }, tags: { type: 'jsonb' },
    supplier: { type: 'jsonb' }, updatedAt: { type: 'text' }, note: { type: 'text' },
  }),
  /** The texts of the responses. */
  *snapshot(items) {
    let text = '['
    for (let item = 0; item < items; item += 1) {
      text += `${text.length > 1 ? ',' : ''}${message('insert', item, 1)}`
      if (text.length > LOG_CHUNK && item + 1 < items) {
        yield `${text}]`
        text = '['
      }
    }
    yield `${text}${text.length > 1 ? ',' : ''}${UP_TO_DATE}]`
  },
  /** An up-to-date after as many messages as a chunk holds: until it comes, the client shows nothing. */
  *patches(transactions) {
    let since = 0
    for (const { patches } of transactions) {
      for (const [item, version] of patches) {
        yield `data: ${version > 0 ? message('update', item, version) : message('delete', item, -version)}\n\n`
        since += 1
      }
      if (since < 40) continue
      since = 0
      yield `data: ${UP_TO_DATE}\n\n`
    }
    yield `data: ${UP_TO_DATE}\n\n`
  },
}

const LOG_CHUNK = 10e6
const UP_TO_DATE = '{"headers":{"control":"up-to-date","global_last_seen_lsn":"1"}}'

function message(operation, item, version) {
  const key = `"key":"\\"public\\".\\"items\\"/\\"${keyOf(item)}\\""`
  if (operation === 'delete') return `{${key},"value":{"id":"${keyOf(item)}"},"headers":{"operation":"delete"}}`
  const columns = Object.entries(fieldsOf(item, version)).map(([name, text]) => `"${name}":${JSON.stringify(String(text))}`)
  return `{${key},"value":{${columns.join(',')}},"headers":{"operation":"${operation}"}}`
}

const encoder = new TextEncoder()
