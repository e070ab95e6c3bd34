// The reads of a store, over one kind.

import type { Store } from './store.js'
import type { Collection } from './types.js'

/** A collection of a store; `shot` gives all items of the kind at this moment. */
export function collectionOf(store: Store, kind: string, shot: () => ReadonlyMap<string, unknown> | undefined): Collection<unknown> {
  return {
    kind,
    get size() {
      return store.keys(kind).length
    },
    get: (key) => store.get(kind, key),
    has: (key) => store.has(kind, key),
    versionOf: (key) => store.versionOf(kind, key),
    keys: () => store.keys(kind),
    values: () => store.entries(kind).map(([, value]) => value),
    entries: () => store.entries(kind),
    snapshot: () => shot() ?? EMPTY,
    subscribe: (listener) => store.subscribe(listener, kind),
    [Symbol.iterator]: () => store.entries(kind)[Symbol.iterator](),
  }
}

const EMPTY: ReadonlyMap<string, never> = new Map<string, never>()
