// What the adapters have in common. Of the package they take types alone: any door's store will do.

import type { LiveView, ViewSpec } from '../rows.js'
import type { Scope, Snapshot, Status } from '../types.js'

/** A state to be read, and who says that it moved: a view, a collection, a whole store. */
export interface Source<R> {
  /** Calls the listener whenever the state has moved. Returns what ends it. */
  subscribe(listener: () => void): () => void
  /** The state: the same reference until it moves. */
  snapshot(): R
}

/** Who says how it stands: a store. */
export interface Standing {
  /** How it stands. */
  readonly status: Status
  /** Calls whenever that has changed. Returns what ends it. */
  onStatus(listener: () => void): () => void
}

/** What an adapter needs of a store. */
export interface Readable<T extends object> extends Source<Snapshot<T>>, Standing {
  /** The value of an item; the same object until its version moves. */
  get<K extends keyof T & string>(kind: K, key: string): T[K] | undefined
  /** The same reads over one kind. */
  collection<K extends keyof T & string>(kind: K): Source<ReadonlyMap<string, T[K]>>
  /** Calls for each transaction. Returns what ends it. */
  subscribe(listener: () => void, scope?: Scope<T>): () => void
}

/** What makes views of specs: a store. */
export interface Viewing<T extends object> {
  /** Lists items, and keeps the list up to date. */
  view<K extends keyof T & string>(spec: ViewSpec<K>): LiveView<T, K>
}

/** Whether what is read now is as good as what was read before. */
export type IsEqual<R> = (before: R, now: R) => boolean

/** Something to read and to listen to. */
export interface Reading<R> {
  readonly read: () => R
  readonly listen: (moved: () => void) => () => void
}

/** One item. Without a key there is none. */
export function itemOf<T extends object, K extends keyof T & string>(
  store: Readable<T>,
  kind: K,
  key: string | undefined,
): Reading<T[K] | undefined> {
  return {
    read: () => (key === undefined ? undefined : store.get(kind, key)),
    listen: (moved) => (key === undefined ? nothing : listening(() => store.subscribe(moved, { kind, key }))),
  }
}

/** Where a kind, a view, a spec of one or a selection of a store is read. */
export function sourceOf<T extends object>(store: Readable<T>, view: unknown): Source<unknown> {
  if (typeof view === 'string') return store.collection(view as keyof T & string)
  if (typeof view === 'function') return store
  return isSpec(view) ? (store as unknown as Viewing<T>).view(view) : (view as Source<unknown>)
}

/** Whether it says what a view is to list, and is none. */
export function isSpec(view: unknown): view is ViewSpec<never> {
  return typeof view === 'object' && view !== null && !('subscribe' in view)
}

/** A kind, a view, a spec of one or a selection of a store. */
export function viewOf<T extends object>(store: Readable<T>, view: unknown, isEqual?: IsEqual<unknown>): Reading<unknown> {
  const source = sourceOf(store, view)
  return {
    read: selecting(() => source.snapshot(), view, isEqual),
    listen: (moved) => listening(() => source.subscribe(moved)),
  }
}

/** How a store stands, or what a function takes of that. */
export function statusOf(store: Standing, select?: unknown): Reading<unknown> {
  return {
    read: selecting(() => store.status, select),
    listen: (moved) => listening(() => store.onStatus(moved)),
  }
}

/** Selects again only when there is something else to select from; without a function, everything. */
export function selecting<S>(read: () => S, select: unknown, isEqual: IsEqual<unknown> = Object.is): () => unknown {
  if (typeof select !== 'function') return read
  let state: S | undefined
  let selected: unknown
  return () => {
    const now = read()
    if (now !== state) {
      const next: unknown = select(now)
      if (state === undefined || !isEqual(selected, next)) selected = next
      state = now
    }
    return selected
  }
}

/** A store that was closed refuses listeners, and never moves again: no reason for a component to fail. */
export function listening(subscribe: () => () => void): () => void {
  try {
    return subscribe()
  } catch (error) {
    if ((error as { code?: unknown }).code === 'closed') return nothing
    throw error
  }
}

const nothing = (): void => {}
