// A collection of @tanstack/db, filled by a sync of the shape that its documents show: parse, then
// begin, write, commit. Its versions are the adapter's own affair, as in `plain`. One commit a
// chunk: one a transaction would take longer.

import { createCollection } from '@tanstack/db'
import { createParser } from 'eventsource-parser'
import { feed } from '../source.mjs'

export const name = 'tanstack-db'
export const wire = 'fdv2'
export const beside = 'push'
export const strings = true

let count = 0

export async function open() {
  const versions = new Map()
  let sync
  const collection = createCollection({
    id: `items-${(count += 1)}`,
    getKey: ({ id }) => id,
    startSync: true,
    sync: { rowUpdateMode: 'full', sync: (tools) => void (sync = tools) },
  })
  let inSnapshot = false
  let inTransaction = false
  const begin = () => {
    if (!inTransaction) sync.begin()
    inTransaction = true
  }
  const commit = () => {
    if (inTransaction) sync.commit()
    inTransaction = false
  }
  const set = (key, version, value) => {
    const known = versions.get(key)
    if (known !== undefined && version <= Math.abs(known)) return
    const there = known > 0
    versions.set(key, value === undefined ? -version : version)
    begin()
    if (value !== undefined) sync.write({ type: there ? 'update' : 'insert', value })
    else if (there) sync.write({ type: 'delete', key })
  }
  const event = (type, data) => {
    switch (type) {
      case 'put-object': {
        const { key, version, object } = JSON.parse(data)
        set(key, version, object)
        break
      }
      case 'delete-object': {
        const { key, version } = JSON.parse(data)
        set(key, version, undefined)
        break
      }
      case 'server-intent':
        inSnapshot = JSON.parse(data).payloads[0].intentCode === 'xfer-full'
        break
      case 'payload-transferred':
        if (!inSnapshot) break
        inSnapshot = false
        commit()
        sync.markReady()
    }
  }
  const decoder = new TextDecoder()
  const parser = createParser({ onEvent: ({ event: type, data }) => event(type, data) })
  const take = (chunk) => {
    parser.feed(decoder.decode(chunk, { stream: true }))
    if (!inSnapshot) commit()
  }
  const listeners = new Map()
  let subscription
  return {
    snapshot: (chunks, meter) => feed(chunks, take, meter),
    patches: (chunks, meter) => feed(chunks, take, meter),
    event: ({ type, data }) => event(type, data),
    /** After a chunk's worth of events. */
    flush: () => inSnapshot || commit(),
    get: (key) => collection.get(key),
    all: () => collection.values(),
    get size() {
      return collection.size
    },
    // One subscription that asks who wants to hear: ten thousand of its own would each see every change.
    listen(key, listener) {
      const told = (changes) => {
        for (const { key: changed } of changes) listeners.get(changed)?.()
      }
      // With the state before any listener is there: of what it has not sent it tells no deletion.
      subscription ??= collection.subscribeChanges(told, { includeInitialState: true })
      listeners.set(key, listener)
    },
    close() {
      subscription?.unsubscribe()
      return collection.cleanup()
    },
  }
}
