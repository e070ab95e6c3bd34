// Ours, through what the package exports: a Materializer that is given chunks or events, for peers
// that are libraries of functions; a store of `connect` that is given a fetch, for clients.

import { Feed, feed } from '../source.mjs'

export const wire = 'fdv2'

/** `highwater`: the package's module. */
export const push = ({ Materializer }) => ({
  name: 'ours, pushed',
  wire,
  async open() {
    const materializer = new Materializer()
    const take = (chunk) => materializer.push(chunk)
    return {
      snapshot: (chunks, meter) => feed(chunks, take, meter),
      patches: (chunks, meter) => feed(chunks, take, meter),
      event: (event) => materializer.pushEvent(event),
      get: (key) => materializer.get('item', key),
      *all() {
        for (const [, value] of materializer.entries('item')) yield value
      },
      get size() {
        return materializer.size
      },
      close: () => materializer[Symbol.dispose](),
    }
  },
})

export const connected = ({ connect }) => ({
  name: 'ours, connected',
  wire,
  async open() {
    const source = new Feed()
    const store = connect('http://bench.invalid/stream', { fetch: async () => source.response(), idle: false })
    await source.drained
    return {
      snapshot: (chunks, meter) => source.send(chunks, meter),
      patches: (chunks, meter) => source.send(chunks, meter),
      get: (key) => store.get('item', key),
      *all() {
        for (const [, value] of store.entries('item')) yield value
      },
      get size() {
        return store.size
      },
      listen: (key, listener) => store.subscribe(listener, { kind: 'item', key }),
      close: () => store.close(),
    }
  },
})
