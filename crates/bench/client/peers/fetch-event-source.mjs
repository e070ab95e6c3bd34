// @microsoft/fetch-event-source, and the same Map as `plain`.

import { fetchEventSource } from '@microsoft/fetch-event-source'
import { Feed } from '../source.mjs'
import { Items } from './plain.mjs'

export const name = 'fetch-event-source'
export const wire = 'fdv2'
export const beside = 'connect'

export async function open() {
  // It calls window.setTimeout and document.removeEventListener, also where there is no page.
  globalThis.window ??= globalThis
  globalThis.document ??= { removeEventListener() {} }
  const state = new Items()
  const feed = new Feed()
  const abort = new AbortController()
  const ended = fetchEventSource('http://bench.invalid/stream', {
    fetch: async () => feed.response(),
    signal: abort.signal,
    openWhenHidden: true,
    onmessage: ({ event, data }) => state.take(event, data),
    onerror(error) {
      throw error
    },
  })
  await Promise.race([feed.drained, ended])
  return {
    snapshot: (chunks, meter) => feed.send(chunks, meter),
    patches: (chunks, meter) => feed.send(chunks, meter),
    get: (key) => state.get(key),
    *all() {
      for (const { value } of state.items.values()) if (value !== undefined) yield value
    },
    get size() {
      return state.size
    },
    listen: (key, listener) => state.listen(key, listener),
    close: () => abort.abort(),
  }
}
