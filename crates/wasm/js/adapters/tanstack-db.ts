// TanStack DB: a kind of a store as a collection, for its live queries, joins and optimistic writes.

import type { BaseCollectionConfig, CollectionConfig, SyncConfig, UtilsRecord } from '@tanstack/db'
import type { Change, Scope, Version } from '../types.js'
import { listening, type Standing } from './source.js'

/** What a collection needs of a store. */
export interface Synced<T extends object> extends Standing {
  /** The first whole state is there. */
  readonly ready: Promise<void>
  /** The value of an item. */
  get<K extends keyof T & string>(kind: K, key: string): T[K] | undefined
  /** Whether there is such an item. */
  has(kind: keyof T & string, key: string): boolean
  /** The item's version. */
  versionOf(kind: keyof T & string, key: string): Version | undefined
  /** Keys and values of a kind. */
  entries<K extends keyof T & string>(kind: K): [string, T[K]][]
  /** Calls for each transaction. Returns what ends it. */
  subscribe(listener: (change: Change<T>) => void, scope?: Scope<T>): () => void
}

/** What a collection of ours can do besides: it tells when a write has come back. */
export interface HighwaterUtils extends UtilsRecord {
  /** Resolves when the item is there at this version or a later one. Rejects if the store stops before. */
  readonly awaitVersion: (key: string, version: Version) => Promise<void>
  /** Resolves when the item is gone. Rejects if the store stops before. */
  readonly awaitDelete: (key: string) => Promise<void>
}

/** What makes a collection of a kind; all else is as TanStack DB has it. */
export interface HighwaterCollectionConfig<T extends object, K extends keyof T & string, Row extends object>
  extends Omit<BaseCollectionConfig<Row, string, never, HighwaterUtils>, 'schema' | 'syncMode' | 'utils'> {
  /** Where the items come from. */
  readonly store: Synced<T>
  /** Which of them. */
  readonly kind: K
  /** The item's key, which must be found in the row. */
  readonly getKey: (row: Row) => string
  /** Makes a row of an item. Without it the value is the row, and must be an object. */
  readonly row?: (value: T[K], key: string) => Row
}

/** What `createCollection` takes. */
export type HighwaterCollectionOptions<Row extends object> = CollectionConfig<Row, string, never, HighwaterUtils> & {
  readonly schema?: never
  readonly utils: HighwaterUtils
}

/**
 * The options of a collection that is kept as a kind of the store is. It is ready when the store
 * is; each transaction of the store is one of the collection, and a new snapshot is what it changes.
 *
 * The handlers of writes send them to your server; the collection shows what was written until the
 * handler ends, so let it end when the store has it: see {@link HighwaterUtils}.
 *
 * @example
 * const tasks = createCollection(highwaterCollectionOptions({ store, kind: 'task', getKey: (task) => task.id }))
 */
export function highwaterCollectionOptions<T extends object, K extends keyof T & string, Row extends object = T[K] & object>(
  config: HighwaterCollectionConfig<T, K, Row>,
): HighwaterCollectionOptions<Row> {
  const { store, kind, getKey, row, ...rest } = config
  const rowOf = (value: T[K], key: string): Row => {
    const made = row === undefined ? value : row(value, key)
    if (typeof made !== 'object' || made === null) {
      throw new TypeError(`${kind}/${key} is no object: option row must make a row of it`)
    }
    const named = getKey(made as Row)
    if (named !== key) throw new TypeError(`getKey says '${named}' of ${kind}/${key}: it must be the item's own key`)
    return made as Row
  }
  return {
    ...rest,
    getKey,
    sync: { sync: (to) => keepUp(store, kind, rowOf, to), rowUpdateMode: 'full' },
    utils: {
      awaitVersion: (key, version) => until(store, kind, key, () => (store.versionOf(kind, key) ?? -Infinity) >= version),
      awaitDelete: (key) => until(store, kind, key, () => !store.has(kind, key)),
    },
  }
}

/** Brings the collection to where the store is, and keeps it there. Returns what ends that. */
function keepUp<T extends object, K extends keyof T & string, Row extends object>(
  store: Synced<T>,
  kind: K,
  rowOf: (value: T[K], key: string) => Row,
  { begin, write, commit, truncate, markReady, markError }: Parameters<SyncConfig<Row, string>['sync']>[0],
): () => void {
  const there = new Set<string>()
  const hide = (key: string): void => {
    if (there.delete(key)) write({ type: 'delete', key })
  }
  const show = (key: string, value: T[K]): void => {
    const row = rowOf(value, key)
    write({ type: there.has(key) ? 'update' : 'insert', value: row })
    there.add(key)
  }
  /** One transaction. An item that cannot be shown is not there, and stops no other; it is told of when all is done. */
  const transact = (gone: Iterable<string>, shown: Iterable<readonly [string, T[K] | undefined]>, first = false): void => {
    const failures: unknown[] = []
    begin()
    // What an earlier run left is not known to be true.
    if (first) truncate({ markReady: false })
    for (const key of gone) hide(key)
    for (const [key, value] of shown) {
      try {
        if (value === undefined) hide(key)
        else show(key, value)
      } catch (failure) {
        hide(key)
        failures.push(failure)
      }
    }
    commit()
    if (failures.length > 0) throw failures[0]
  }
  let stop: (() => void) | undefined
  let ended = false
  const start = (): void => {
    if (ended) return
    stop = listening(() =>
      store.subscribe(({ changed, removed }) => {
        transact(removed.map(({ key }) => key), changed.map(({ key }) => [key, store.get(kind, key)]))
      }, kind),
    )
    transact([], store.entries(kind), true)
    markReady()
  }
  store.ready.then(start).catch(markError)
  return () => {
    ended = true
    stop?.()
  }
}

/** Resolves when it holds of an item. */
function until<T extends object>(store: Synced<T>, kind: keyof T & string, key: string, holds: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const stops: (() => void)[] = []
    const look = (): void => {
      const stopped = store.status.phase === 'stopped'
      if (!holds() && !stopped) return
      for (const stop of stops) stop()
      if (holds()) resolve()
      else reject(store.status.error ?? new Error(`the store was closed before the write of ${kind}/${key} had come back`))
    }
    stops.push(
      listening(() => store.subscribe(look, { kind, key })),
      listening(() => store.onStatus(look)),
    )
    look()
  })
}
