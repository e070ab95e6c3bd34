// What a careful user writes: eventsource-parser, JSON.parse, and a Map that only newer versions enter.

import { createParser } from 'eventsource-parser'
import { feed } from '../source.mjs'

export const name = 'plain'
export const wire = 'fdv2'
export const beside = 'push'
export const strings = true

export async function open() {
  const state = new Items()
  const decoder = new TextDecoder()
  const parser = createParser({ onEvent: ({ event, data }) => state.take(event, data) })
  const take = (chunk) => parser.feed(decoder.decode(chunk, { stream: true }))
  return {
    snapshot: (chunks, meter) => feed(chunks, take, meter),
    patches: (chunks, meter) => feed(chunks, take, meter),
    event: ({ type, data }) => state.take(type, data),
    get: (key) => state.get(key),
    *all() {
      for (const { value } of state.items.values()) if (value !== undefined) yield value
    },
    get size() {
      return state.size
    },
    listen: (key, listener) => state.listen(key, listener),
    close() {},
  }
}

/** Items by key, each with its version; a deleted one stays, without a value. */
export class Items {
  items = new Map()
  #next
  #listeners = new Map()

  take(event, data) {
    switch (event) {
      case 'put-object': {
        const { key, version, object } = JSON.parse(data)
        this.#set(key, version, object)
        break
      }
      case 'delete-object': {
        const { key, version } = JSON.parse(data)
        this.#set(key, version, undefined)
        break
      }
      case 'server-intent':
        // A whole state is built aside.
        if (JSON.parse(data).payloads[0].intentCode === 'xfer-full') this.#next = new Map()
        break
      case 'payload-transferred':
        if (this.#next !== undefined) {
          this.items = this.#next
          this.#next = undefined
        }
    }
  }

  get(key) {
    return this.items.get(key)?.value
  }

  get size() {
    let size = 0
    for (const { value } of this.items.values()) if (value !== undefined) size += 1
    return size
  }

  listen(key, listener) {
    const listeners = this.#listeners.get(key)
    if (listeners === undefined) this.#listeners.set(key, new Set([listener]))
    else listeners.add(listener)
  }

  #set(key, version, value) {
    const items = this.#next ?? this.items
    const known = items.get(key)
    if (known === undefined) items.set(key, { version, value })
    else if (version > known.version) {
      known.version = version
      known.value = value
    } else return
    if (this.#listeners.size > 0) this.#listeners.get(key)?.forEach((listener) => listener())
  }
}
