// Solid: accessors that move whatever reads them, when what they give is another.

import { type Accessor, createEffect, createMemo, createSignal, onCleanup } from 'solid-js'
import type { Row, ViewSnapshot, ViewSpec } from '../rows.js'
import type { Snapshot, Status } from '../types.js'
import { type IsEqual, itemOf, type Readable, type Reading, type Source, type Standing, statusOf, type Viewing, viewOf } from './source.js'

export type { IsEqual, Readable, Source, Standing, Viewing } from './source.js'

/**
 * An item's value; `undefined` while there is none, and for no key. The key may be an accessor.
 *
 * @example
 * const flag = useItem(store, 'flag', () => props.name)
 */
export function useItem<T extends object, K extends keyof T & string>(
  store: Readable<T>,
  kind: K,
  key: string | undefined | Accessor<string | undefined>,
): Accessor<T[K] | undefined> {
  return liveOf(createMemo(() => itemOf(store, kind, typeof key === 'function' ? key() : key)))
}

/**
 * All items of a kind, a view or the spec of one, or what a function makes of the whole state. Of a function's
 * results, `isEqual` may say when two are the same.
 *
 * @example
 * const flags = useView(store, 'flag')
 * const count = useView(store, ({ flag }) => flag?.size ?? 0)
 * const top = useView(store, { kind: 'flag', where: { '/on': true }, limit: 20 }) // top().rows
 */
export function useView<T extends object, K extends keyof T & string>(store: Readable<T>, kind: K): Accessor<ReadonlyMap<string, T[K]>>
export function useView<T extends object, R>(store: Readable<T>, select: (state: Snapshot<T>) => R, isEqual?: IsEqual<R>): Accessor<R>
export function useView<T extends object, R>(store: Readable<T>, view: Source<R>): Accessor<R>
export function useView<T extends object, K extends keyof T & string = keyof T & string>(
  store: Readable<T> & Viewing<T>,
  spec: ViewSpec<K>,
): Accessor<ViewSnapshot<Row<T, K>>>
export function useView(store: Readable<object>, view: unknown, isEqual?: IsEqual<never>): Accessor<unknown> {
  const reading = viewOf(store, view, isEqual as IsEqual<unknown> | undefined)
  return liveOf(() => reading)
}

/**
 * How the store stands, or what a function takes of that.
 *
 * @example
 * const phase = useStatus(store, (status) => status.phase)
 */
export function useStatus(store: Standing): Accessor<Status>
export function useStatus<R>(store: Standing, select: (status: Status) => R): Accessor<R>
export function useStatus(store: Standing, select?: unknown): Accessor<unknown> {
  const reading = statusOf(store, select)
  return liveOf(() => reading)
}

function liveOf<R>(reading: Accessor<Reading<R>>): Accessor<R> {
  const [heard, hear] = createSignal(undefined, { equals: false })
  const value = createMemo(() => {
    heard()
    return reading().read()
  })
  // Effects do not run on a server, which renders once and ends nothing.
  createEffect(() => {
    onCleanup(reading().listen(() => hear()))
    // What moved since the memo read it; if nothing did, nothing follows.
    hear()
  })
  return value
}
