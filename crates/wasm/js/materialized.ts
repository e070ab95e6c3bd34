// A view of the application's own, over a store.

import { HighwaterError, wordsOf } from './errors.js'
import type { Followed, Follower } from './followers.js'
import type { Items } from './items.js'
import { Listeners } from './listeners.js'
import { described, must, refuse } from './options.js'
import type { Transacted } from './reads.js'
import type { AnyKinds, ItemName, Version } from './types.js'

/** What became of one item of a store. */
export type StoreViewChange<T extends object = AnyKinds> = {
  readonly [K in keyof T & string]: {
    readonly action: 'insert' | 'updated' | 'delete'
    readonly kind: K
    readonly key: string
    /** `undefined` of a deletion. */
    readonly version: Version | undefined
    /** Parsed when it is read; `undefined` of a deletion, and of what cannot be read. */
    readonly value: T[K] | undefined
  }
}[keyof T & string]

/**
 * Folds what happens to a store's items into a shape of the application's own.
 *
 * @example
 * const votes: StoreView<{ task: Task }, number> & { byKey: Map<string, number> } = {
 *   byKey: new Map<string, number>(),
 *   update(changes) {
 *     for (const { key, value } of changes) value ? this.byKey.set(key, value.votes) : this.byKey.delete(key)
 *   },
 *   result() { return [...this.byKey.values()].reduce((sum, votes) => sum + votes, 0) },
 *   reset() { this.byKey.clear() },
 * }
 */
export interface StoreView<T extends object, R> {
  /**
   * Takes in what is different, from one committed state to a later one: each item once. If it
   * throws, the view is reset, and given everything anew after the next transaction.
   */
  update(changes: readonly StoreViewChange<T>[], cursor: string | undefined): void
  /** What it has made of everything up to this cursor. */
  result(cursor: string | undefined): R
  /** Forgets everything. */
  reset(): void
}

/** What a view of the application's own makes of a store. Made by {@link Store.materialize}. */
export class Materialized<R> {
  readonly #view: StoreView<never, R>
  readonly #store: Followed
  readonly #follower: Follower
  readonly #listeners = new Listeners<void>()
  #items: Items | undefined
  #cursor: string | undefined
  #error: HighwaterError | undefined
  #closed = false
  /** The view is to be given everything. */
  #owed = true
  /** How many times in a row it threw, and how many transactions are let pass before the next try. */
  #failures = 0
  #wait = 0
  #stale = true
  #result: R | undefined

  /** @internal Use {@link Store.materialize}. */
  constructor(view: StoreView<never, R>, store: Followed) {
    for (const method of ['update', 'result', 'reset'] as const) {
      if (typeof (view as Partial<typeof view> | null | undefined)?.[method] !== 'function') {
        refuse(`a view needs the methods update, result and reset; ${method} is missing of ${described(view)}`)
      }
    }
    this.#view = view
    this.#store = store
    this.#follower = {
      hears: true,
      whole: false,
      start: (_, items) => {
        this.#items = this.#closed ? undefined : items
        if (items.size > 0) this.#follow(NONE)
      },
      follow: (transactions) => this.#follow(transactions),
      stop: () => (this.#items = undefined),
    }
    // It may be all that is wanted that the view is told.
    store.hold(this.#follower, true)
    store.begin(this.#follower)
  }

  /** What the view threw, until it has taken everything in again. */
  get error(): HighwaterError | undefined {
    return this.#error
  }

  /** The view's result: the same until something is different. After a fault, the last one there was. */
  snapshot(): R | undefined {
    if (this.#stale) {
      this.#stale = false
      this.#try(() => (this.#result = this.#view.result(this.#cursor)))
    }
    return this.#result
  }

  /** Calls a listener whenever the view has taken something in. Returns what ends it. */
  subscribe(listener: () => void): () => void {
    must('listener', listener, 'a function')
    if (this.#closed) throw new HighwaterError('closed', 'subscribe: the view was closed')
    return this.#listeners.add(listener)
  }

  /** The view is told no more. Its last result stays. */
  close(): void {
    this.#closed = true
    this.#items = undefined
    this.#listeners.clear()
    this.#store.hold(this.#follower, false)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #follow(transactions: () => readonly Transacted[]): void {
    const items = this.#items
    const owed = this.#owed
    if (items === undefined || (owed && this.#wait-- > 0)) return
    const changes = owed
      ? items.names().map((name) => changeOf(items, name, 'insert'))
      : [...netOf(transactions())].map(([name, action]) => changeOf(items, name, action))
    if (!owed && changes.length === 0) return
    const { cursor } = items
    if (!this.#try(() => this.#view.update(changes as never, cursor))) return
    this.#cursor = cursor
    this.#owed = false
    this.#failures = 0
    this.#error = undefined
    this.#stale = true
    if (this.#listeners.size > 0) this.#store.tell((failed) => this.#listeners.tell(undefined, failed))
  }

  #try(call: () => void): boolean {
    try {
      call()
      return true
    } catch (cause) {
      // One that always throws is not to be given everything each time.
      this.#wait = 2 ** Math.min(this.#failures++, 10) - 1
      this.#owed = true
      this.#error = new HighwaterError('view', `the view threw: ${wordsOf(cause)}`, { cause })
      this.#store.fail(this.#error)
      try {
        this.#view.reset()
      } catch (error) {
        this.#store.fail(new HighwaterError('view', `the view could not be reset: ${wordsOf(error)}`, { cause: error }))
      }
      return false
    }
  }
}

/** What several transactions come to, item by item. */
function netOf(transactions: readonly Transacted[]): Map<ItemName, StoreViewChange['action']> {
  const net = new Map<ItemName, StoreViewChange['action']>()
  for (const { changed, removed, inserted } of transactions) {
    const fresh = new Set(inserted)
    for (const name of changed) {
      const before = net.get(name)
      net.set(name, before === 'insert' || (before === undefined && fresh.has(name)) ? 'insert' : 'updated')
    }
    for (const name of removed) {
      if (net.get(name) === 'insert') net.delete(name)
      else net.set(name, 'delete')
    }
  }
  return net
}

function changeOf(items: Items, { kind, key }: ItemName, action: StoreViewChange['action']): StoreViewChange {
  const is = action !== 'delete'
  return {
    action,
    kind,
    key,
    get version() {
      return is ? items.versionOf(kind, key) : undefined
    },
    get value() {
      return is ? items.get(kind, key) : undefined
    },
  }
}

const NONE = (): readonly Transacted[] => []
