// The best lazy JavaScript that we know how to write for this wire: the text of a chunk is searched
// for the places of key, version and value, only newer versions enter, and a value is a place in a
// chunk's text, not even cut out until somebody reads it. Anything that does not look as expected
// goes a slower way.

import { feed } from '../source.mjs'

export const name = 'expert-lazy'
export const wire = 'fdv2'
export const beside = 'push'
export const strings = true

export async function open() {
  const state = new LazyItems()
  const take = streamOf(state)
  return {
    snapshot: (chunks, meter) => feed(chunks, take, meter),
    patches: (chunks, meter) => feed(chunks, take, meter),
    event: ({ type, data }) => state.event(type, data),
    get: (key) => state.get(key),
    all: () => state.all(),
    get size() {
      return state.size
    },
    listen: (key, listener) => state.listen(key, listener),
    close() {},
  }
}

/** Cuts a stream into events, each handed over as a place in a text. */
function streamOf(state) {
  const decoder = new TextDecoder()
  let open = false
  let rest = ''
  return (chunk) => {
    // With `stream: true` the decoder is several times slower in Node: only where a character may be cut.
    const cut = chunk[chunk.length - 1] >= 0x80
    const text = open || cut ? decoder.decode(chunk, { stream: true }) : decoder.decode(chunk)
    open = cut
    let at = 0
    if (rest !== '') {
      // The event that was begun, without copying the whole chunk.
      let end = text.indexOf('\n\n')
      if (rest.charCodeAt(rest.length - 1) === LF && text.charCodeAt(0) === LF) end = -1
      else if (end === -1) {
        rest += text
        return
      }
      at = end + 2
      state.block(rest + text.slice(0, at), 0)
    }
    at = state.blocks(text, at)
    rest = text.slice(at)
  }
}

class LazyItems {
  #items = new Map()
  #next
  #listeners
  id = ''

  /** Takes whole events, and answers where the rest begins. */
  blocks(text, at) {
    for (;;) {
      const next = this.block(text, at)
      if (next === -1) return at
      at = next
    }
  }

  /** Takes one event, and answers where it ends; -1 if it is not whole. */
  block(text, at) {
    if (text.startsWith(PUT, at)) {
      const key = at + PUT.length
      const quote = text.indexOf('"', key)
      if (quote === -1) return -1
      let place = quote + VERSION.length
      let version = 0
      let digit = text.charCodeAt(place)
      while (digit >= 48 && digit <= 57) {
        version = version * 10 + digit - 48
        place += 1
        digit = text.charCodeAt(place)
      }
      const value = place + OBJECT.length
      const end = text.indexOf('\n', value)
      if (end === -1 || end + 1 >= text.length) return -1
      if (text.charCodeAt(end + 1) === LF && digit === COMMA) {
        this.#put(text.slice(key, quote), version, text, value, end - 1)
        return end + 2
      }
    } else if (text.startsWith(TRANSFERRED, at)) {
      const line = at + TRANSFERRED.length
      const end = text.indexOf('\n\n', line)
      if (end === -1) return -1
      this.id = text.slice(line, text.indexOf('\n', line))
      this.#transferred()
      return end + 2
    }
    const end = text.indexOf('\n\n', at)
    if (end === -1) return -1
    this.#slowly(text.slice(at, end))
    return end + 2
  }

  /** An event of which type and data are known. */
  event(type, data) {
    if (type === 'put-object' && data.startsWith(PUT_DATA)) {
      const quote = data.indexOf('"', PUT_DATA.length)
      let place = quote + VERSION.length
      let version = 0
      let digit = data.charCodeAt(place)
      while (digit >= 48 && digit <= 57) {
        version = version * 10 + digit - 48
        place += 1
        digit = data.charCodeAt(place)
      }
      this.#put(data.slice(PUT_DATA.length, quote), version, data, place + OBJECT.length, data.length - 1)
    } else if (type === 'payload-transferred') {
      this.#transferred()
    } else if (type === 'put-object') {
      const { key, version, object } = JSON.parse(data)
      this.#set(key, version, JSON.stringify(object))
    } else if (type === 'delete-object') {
      const { key, version } = JSON.parse(data)
      this.#set(key, version, undefined)
    } else if (type === 'server-intent') {
      if (JSON.parse(data).payloads[0].intentCode === 'xfer-full') this.#next = new Map()
    }
  }

  get(key) {
    const item = this.#items.get(key)
    return item === undefined ? undefined : valueOf(item)
  }

  *all() {
    for (const item of this.#items.values()) {
      const value = valueOf(item)
      if (value !== undefined) yield value
    }
  }

  get size() {
    let size = 0
    for (const { text } of this.#items.values()) if (text !== undefined) size += 1
    return size
  }

  listen(key, listener) {
    this.#listeners ??= new Map()
    const listeners = this.#listeners.get(key)
    if (listeners === undefined) this.#listeners.set(key, new Set([listener]))
    else listeners.add(listener)
  }

  /** Keeps the value's place in the text: to slice it now is 10 % slower, and keeps the whole text alive as well. */
  #put(key, version, text, from, to) {
    const items = this.#next ?? this.#items
    const known = items.get(key)
    if (known === undefined) items.set(key, { version, text, from, to, value: undefined })
    else if (version > known.version) {
      known.version = version
      known.text = text
      known.from = from
      known.to = to
      known.value = undefined
    } else return
    if (this.#listeners !== undefined) this.#listeners.get(key)?.forEach((listener) => listener())
  }

  #set(key, version, text) {
    const items = this.#next ?? this.#items
    const known = items.get(key)
    if (known !== undefined && version <= known.version) return
    items.set(key, { version, text, from: 0, to: text?.length ?? 0, value: undefined })
    this.#listeners?.get(key)?.forEach((listener) => listener())
  }

  #transferred() {
    if (this.#next === undefined) return
    this.#items = this.#next
    this.#next = undefined
  }

  #slowly(block) {
    let type = 'message'
    const data = []
    for (const line of block.split(/\r\n|\n|\r/)) {
      const colon = line.indexOf(':')
      const field = colon === -1 ? line : line.slice(0, colon)
      const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
      if (field === 'event') type = value
      else if (field === 'data') data.push(value)
      else if (field === 'id') this.id = value
    }
    if (data.length > 0) this.event(type, data.join('\n'))
  }
}

function valueOf(item) {
  if (item.value === undefined && item.text !== undefined) item.value = JSON.parse(item.text.slice(item.from, item.to))
  return item.value
}

const PUT_DATA = '{"kind":"item","key":"'
const PUT = `event: put-object\ndata: ${PUT_DATA}`
const VERSION = '","version":'
const OBJECT = ',"object":'
const TRANSFERRED = 'event: payload-transferred\nid: '
const LF = 10
const COMMA = 44
