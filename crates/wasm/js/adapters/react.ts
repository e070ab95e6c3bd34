// React: hooks over useSyncExternalStore, so that no two components ever show different moments.

import { useMemo, useSyncExternalStore } from 'react'
import type { Row, ViewSnapshot, ViewSpec } from '../rows.js'
import type { Snapshot, Status } from '../types.js'
import { type IsEqual, isSpec, itemOf, type Readable, selecting, type Source, sourceOf, type Standing, statusOf, type Viewing, viewOf } from './source.js'

export type { IsEqual, Readable, Source, Standing, Viewing } from './source.js'

/**
 * An item's value; `undefined` while there is none, and for no key. The component renders again
 * when this item changes, and for no other.
 *
 * @example
 * const flag = useItem(store, 'flag', 'dark-mode')
 */
export function useItem<T extends object, K extends keyof T & string>(
  store: Readable<T>,
  kind: K,
  key: string | undefined,
): T[K] | undefined {
  const { read, listen } = useMemo(() => itemOf(store, kind, key), [store, kind, key])
  const first = (): T[K] | undefined =>
    key === undefined ? undefined : hydrated(states, store, () => store.snapshot())[kind]?.get(key)
  return useSyncExternalStore(listen, read, onServer ? read : first)
}

/**
 * All items of a kind, a view or the spec of one, or what a function makes of the whole state. The component renders
 * again when that is another; of a function's results, `isEqual` may say when two are the same.
 *
 * @example
 * const flags = useView(store, 'flag')
 * const count = useView(store, ({ flag }) => flag?.size ?? 0)
 * const { rows } = useView(store, { kind: 'flag', where: { '/on': true }, limit: 20 })
 */
export function useView<T extends object, K extends keyof T & string>(store: Readable<T>, kind: K): ReadonlyMap<string, T[K]>
export function useView<T extends object, R>(store: Readable<T>, select: (state: Snapshot<T>) => R, isEqual?: IsEqual<R>): R
export function useView<T extends object, R>(store: Readable<T>, view: Source<R>): R
export function useView<T extends object, K extends keyof T & string = keyof T & string>(
  store: Readable<T> & Viewing<T>,
  spec: ViewSpec<K>,
): ViewSnapshot<Row<T, K>>
export function useView(store: Readable<object>, view: unknown, isEqual?: IsEqual<never>): unknown {
  // A spec that says the same is the same, and has one view.
  const name = isSpec(view) ? JSON.stringify(view) : view
  const source = useMemo(() => sourceOf(store, view), [store, name])
  const equal = isEqual as IsEqual<unknown> | undefined
  // A function may be another one each time: to listen anew for that would be waste.
  const { listen } = useMemo(() => viewOf(store, source), [store, source])
  const [read, first] = useMemo(() => {
    const state = (): unknown => source.snapshot()
    return [selecting(state, view, equal), selecting(() => hydrated(states, source, state), view, equal)]
  }, [source, name, equal])
  return useSyncExternalStore(listen, read, first)
}

/**
 * How the store stands, or what a function takes of that: the component renders again when that is
 * another.
 *
 * @example
 * const phase = useStatus(store, (status) => status.phase)
 */
export function useStatus(store: Standing): Status
export function useStatus<R>(store: Standing, select: (status: Status) => R): R
export function useStatus(store: Standing, select?: unknown): unknown {
  const { listen } = useMemo(() => statusOf(store), [store])
  const [read, first] = useMemo(
    () => [selecting(() => store.status, select), selecting(() => hydrated(statuses, store, () => store.status), select)],
    [store, select],
  )
  return useSyncExternalStore(listen, read, first)
}

/**
 * What a page shows while it takes over the server's: the state at the beginning of that, however
 * long it takes and whatever comes meanwhile. On the server, the state as it is.
 */
function hydrated<R>(firsts: WeakMap<object, unknown>, of: object, read: () => R): R {
  if (onServer) return read()
  if (!firsts.has(of)) firsts.set(of, read())
  return firsts.get(of) as R
}

const onServer = typeof document === 'undefined'
const states = new WeakMap<object, unknown>()
const statuses = new WeakMap<object, unknown>()
