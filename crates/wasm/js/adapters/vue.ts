// Vue: composables that give shallow refs. What they show is never made deeply reactive: the
// objects are the store's own.

import { getCurrentInstance, type MaybeRefOrGetter, onBeforeMount, onScopeDispose, type ShallowRef, shallowRef, toValue, watch } from 'vue'
import type { Row, ViewSnapshot, ViewSpec } from '../rows.js'
import type { Snapshot, Status } from '../types.js'
import { type IsEqual, itemOf, type Readable, type Reading, type Source, type Standing, statusOf, type Viewing, viewOf } from './source.js'

export type { IsEqual, Readable, Source, Standing, Viewing } from './source.js'

/** What a composable gives: to be read, and to be watched. */
export type Live<R> = Readonly<ShallowRef<R>>

/**
 * An item's value; `undefined` while there is none, and for no key. Kind and key may be refs or
 * getters.
 *
 * @example
 * const flag = useItem(store, 'flag', () => props.name)
 */
export function useItem<T extends object, K extends keyof T & string>(
  store: Readable<T>,
  kind: MaybeRefOrGetter<K>,
  key: MaybeRefOrGetter<string | undefined>,
): Live<T[K] | undefined> {
  return liveOf(
    () => [toValue(kind), toValue(key)] as const,
    ([kind, key]) => itemOf(store, kind, key),
  )
}

/**
 * All items of a kind, a view or the spec of one, or what a function makes of the whole state. Of a function's
 * results, `isEqual` may say when two are the same.
 *
 * @example
 * const flags = useView(store, 'flag')
 * const count = useView(store, ({ flag }) => flag?.size ?? 0)
 * const top = useView(store, { kind: 'flag', where: { '/on': true }, limit: 20 }) // top.value.rows
 */
export function useView<T extends object, K extends keyof T & string>(store: Readable<T>, kind: K): Live<ReadonlyMap<string, T[K]>>
export function useView<T extends object, R>(store: Readable<T>, select: (state: Snapshot<T>) => R, isEqual?: IsEqual<R>): Live<R>
export function useView<T extends object, R>(store: Readable<T>, view: Source<R>): Live<R>
export function useView<T extends object, K extends keyof T & string = keyof T & string>(
  store: Readable<T> & Viewing<T>,
  spec: ViewSpec<K>,
): Live<ViewSnapshot<Row<T, K>>>
export function useView(store: Readable<object>, view: unknown, isEqual?: IsEqual<never>): Live<unknown> {
  return liveOf(
    () => [],
    () => viewOf(store, view, isEqual as IsEqual<unknown> | undefined),
  )
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
  return liveOf(
    () => [],
    () => statusOf(store, select),
  )
}

/** Follows what is read with these names, and what is read when they are others. */
function liveOf<N extends readonly unknown[], R>(names: () => N, readingOf: (names: N) => Reading<R>): Live<R> {
  const value = shallowRef() as ShallowRef<R>
  let stop: (() => void) | undefined
  const follow = ({ read, listen }: Reading<R>): void => {
    stop?.()
    const show = (): void => void (value.value = read())
    stop = listen(show)
    show()
  }
  const start = (): void => {
    // At once, so that no key is ever shown with another one's value.
    watch(names, (names) => follow(readingOf(names)), { immediate: true, flush: 'sync' })
    onScopeDispose(() => stop?.(), true)
  }
  value.value = readingOf(names()).read()
  // A server renders once and mounts nothing: there is nothing to follow, and nobody to end it.
  if (getCurrentInstance() === null) start()
  else onBeforeMount(start)
  return value
}
