// Svelte: values that are a store (`$value`) and for runes (`value.current`) at once.

import { createSubscriber } from 'svelte/reactivity'
import type { Row, ViewSnapshot, ViewSpec } from '../rows.js'
import type { Snapshot, Status } from '../types.js'
import { type IsEqual, itemOf, type Readable, type Reading, type Source, type Standing, statusOf, type Viewing, viewOf } from './source.js'

export type { IsEqual, Readable, Source, Standing, Viewing } from './source.js'

/** A value that moves. */
export interface Live<R> {
  /** The value now. Where it is read in an effect or a template, that runs again when it is another. */
  readonly current: R
  /** The contract of Svelte's stores: called at once, and whenever the value is another. */
  subscribe(run: (value: R) => void): () => void
}

/**
 * An item's value; `undefined` while there is none, and for no key. For a key that changes, derive
 * it: `const flag = $derived(useItem(store, 'flag', key))`.
 *
 * @example
 * const flag = useItem(store, 'flag', 'dark-mode') // $flag?.on, or flag.current?.on
 */
export function useItem<T extends object, K extends keyof T & string>(
  store: Readable<T>,
  kind: K,
  key: string | undefined,
): Live<T[K] | undefined> {
  return liveOf(itemOf(store, kind, key))
}

/**
 * All items of a kind, a view or the spec of one, or what a function makes of the whole state. Of a function's
 * results, `isEqual` may say when two are the same.
 *
 * @example
 * const flags = useView(store, 'flag')
 * const count = useView(store, ({ flag }) => flag?.size ?? 0)
 * const top = useView(store, { kind: 'flag', where: { '/on': true }, limit: 20 }) // $top.rows, or top.current.rows
 */
export function useView<T extends object, K extends keyof T & string>(store: Readable<T>, kind: K): Live<ReadonlyMap<string, T[K]>>
export function useView<T extends object, R>(store: Readable<T>, select: (state: Snapshot<T>) => R, isEqual?: IsEqual<R>): Live<R>
export function useView<T extends object, R>(store: Readable<T>, view: Source<R>): Live<R>
export function useView<T extends object, K extends keyof T & string = keyof T & string>(
  store: Readable<T> & Viewing<T>,
  spec: ViewSpec<K>,
): Live<ViewSnapshot<Row<T, K>>>
export function useView(store: Readable<object>, view: unknown, isEqual?: IsEqual<never>): Live<unknown> {
  return liveOf(viewOf(store, view, isEqual as IsEqual<unknown> | undefined))
}

/**
 * How the store stands, or what a function takes of that.
 *
 * @example
 * const phase = useStatus(store, (status) => status.phase)
 */
export function useStatus(store: Standing): Live<Status>
export function useStatus<R>(store: Standing, select: (status: Status) => R): Live<R>
export function useStatus(store: Standing, select?: unknown): Live<unknown> {
  return liveOf(statusOf(store, select))
}

function liveOf<R>({ read, listen }: Reading<R>): Live<R> {
  const subscribe = (run: (value: R) => void): (() => void) => {
    let last = read()
    run(last)
    return listen(() => {
      const now = read()
      if (Object.is(last, now)) return
      last = now
      run(now)
    })
  }
  const track = createSubscriber((moved) => {
    let first = true
    return subscribe(() => (first ? (first = false) : moved()))
  })
  return {
    get current() {
      track()
      return read()
    },
    subscribe,
  }
}
