// Live views: the rows that are wanted, in order, kept up to date in the module (listing.ts).

import { HighwaterError } from './errors.js'
import type { Followed, Follower } from './followers.js'
import type { Items } from './items.js'
import type { Listing } from './listing.js'
import { Listeners } from './listeners.js'
import type { Machine } from './machine.js'
import { isObject, must } from './options.js'
import type { AnyKinds } from './types.js'

/** What is looked at in an item: a JSON pointer into its value, its key, or its kind. */
export type Field = `/${string}` | '' | 'key' | 'kind'
/** What a field can be held against. */
export type Scalar = string | number | boolean | null

/** What is asked of one field; all of it must hold. */
export interface Test {
  /** Equal to this. */
  readonly eq?: Scalar
  /** Not equal to this, or missing. */
  readonly ne?: Scalar
  /** Less than this. */
  readonly lt?: Scalar
  /** At most this. */
  readonly lte?: Scalar
  /** More than this. */
  readonly gt?: Scalar
  /** At least this. */
  readonly gte?: Scalar
  /** Equal to one of these. */
  readonly in?: readonly Scalar[]
  /** Whether there is anything at all. */
  readonly exists?: boolean
  /** What a text begins with. */
  readonly prefix?: string
  /** A part of a text, or an element of an array. */
  readonly contains?: Scalar
}

/**
 * What must hold of an item: of each field that it is equal to something, or passes a test; all
 * members together.
 *
 * @example
 * const open: Condition = { '/done': false, '/votes': { gte: 5 }, or: [{ '/owner': 'me' }, { key: { prefix: 'team-' } }] }
 */
export interface Condition {
  readonly [pointer: `/${string}`]: Scalar | Test
  /** The whole value. */
  readonly ''?: Scalar | Test
  /** The item's key. */
  readonly key?: Scalar | Test
  /** The item's kind. */
  readonly kind?: Scalar | Test
  /** All of these hold. */
  readonly and?: readonly Condition[]
  /** One of these holds. */
  readonly or?: readonly Condition[]
  /** This does not hold. */
  readonly not?: Condition
}

/** Which items a view lists, in which order, and which part of them. */
export interface ViewSpec<K extends string = string> {
  /** Only items of this kind. */
  readonly kind?: K
  /** Only items that this holds for. */
  readonly where?: Condition
  /** Fields to sort by, the first one first; with `-` before it, in falling order. Equal ones are sorted by key. */
  readonly sort?: readonly (Field | `-${Field}`)[]
  /** A field to sort by before all others: equal ones are together, and are counted. */
  readonly group?: Field | `-${Field}`
  /** How many rows are left out at the beginning. */
  readonly offset?: number
  /** How many rows are listed at most; 0 lists none, and counts all the same. */
  readonly limit?: number
}

/** A listed item: the same object until its value changes. */
export type Row<T extends object = AnyKinds, K extends keyof T & string = keyof T & string> = {
  readonly [P in K]: {
    readonly kind: P
    readonly key: string
    /** `undefined` if it cannot be read. */
    readonly value: T[P] | undefined
  }
}[K]

/** Rows that are equal in what a view groups by. */
export interface Group {
  /** What they have there; `undefined` if it is missing. */
  readonly value: unknown
  /** The place of the first among all rows, listed or not. */
  readonly start: number
  /** How many there are, listed or not. */
  readonly count: number
}

/** What a view lists at one moment. */
export interface ViewSnapshot<R = Row> {
  /** What is listed, in order. */
  readonly rows: readonly R[]
  /** How many there are, listed or not. */
  readonly count: number
  /** In order; empty without a `group`. */
  readonly groups: readonly Group[]
}

/**
 * How a list became another. Take out what is `removed`, put in what is `inserted`, then replace
 * what is `updated`.
 */
export interface Edits<R = Row> {
  /** Places in the list as it was, ascending. Rows that move are taken out too. */
  readonly removed: readonly number[]
  /** Places in the list as it is, ascending; and of a row that was there, where it was. */
  readonly inserted: readonly { readonly at: number; readonly from: number | undefined; readonly row: R }[]
  /** Places in the list as it is, in no order. */
  readonly updated: readonly { readonly at: number; readonly row: R }[]
}

/**
 * The rows of a {@link ViewSpec}, kept up to date: a transaction costs what it changes, whatever is
 * listed. Made by {@link Store.view}. Nothing is parsed before the rows are read.
 */
export class LiveView<T extends object = AnyKinds, K extends keyof T & string = keyof T & string> {
  readonly #spec: ViewSpec<K>
  readonly #store: Followed
  readonly #follower: Follower
  readonly #listeners = new Listeners<Edits<Row<T, K>>>()
  #listing: Listing<Row<T, K>> | undefined
  #error: HighwaterError | undefined
  #closed = false
  /** What `show` asked for before the module was there. */
  #window: [offset: number, limit: number] | undefined

  /** It lists what the store holds: what rows need has been loaded. Rejects if the spec is none. */
  readonly ready: Promise<void>
  #settle: (error?: HighwaterError) => void = () => {}

  /** @internal Use {@link Store.view}. */
  constructor(spec: ViewSpec<K>, store: Followed) {
    isObject('a view needs a spec, which', spec)
    this.#spec = spec
    this.#store = store
    this.ready = new Promise((resolve, reject) => (this.#settle = (error) => (error === undefined ? resolve() : reject(error))))
    // Who does not wait for it need not catch it.
    this.ready.catch(() => {})
    this.#follower = {
      hears: false,
      whole: true,
      start: (machine, items) => this.#start(machine, items),
      follow: () => this.#tell(this.#listing?.follow()),
      stop: () => {
        this.#listing?.stop()
        this.#settle()
      },
    }
    store.begin(this.#follower)
  }

  /** Why there are no rows: the spec, which could not be read before the module was there. */
  get error(): HighwaterError | undefined {
    return this.#error
  }

  /** The listed rows: the same array until it is another list, the same objects until their values are others. */
  get rows(): readonly Row<T, K>[] {
    return this.#listing?.rows ?? NOTHING.rows
  }

  /** How many rows there are, listed or not. */
  get count(): number {
    return this.#listing?.count ?? 0
  }

  /** The groups, in order. */
  get groups(): readonly Group[] {
    return this.#listing?.groups ?? NOTHING.groups
  }

  /** All of it at this moment: the same object until some of it is different. */
  snapshot(): ViewSnapshot<Row<T, K>> {
    return this.#listing?.snapshot() ?? NOTHING
  }

  /**
   * Calls a listener whenever the rows, their count or the groups are others, with how the list
   * became another. Returns what ends it.
   *
   * @example
   * view.subscribe(() => render(view.rows))
   */
  subscribe(listener: (edits: Edits<Row<T, K>>) => void): () => void {
    must('listener', listener, 'a function')
    if (this.#closed) throw new HighwaterError('closed', 'subscribe: the view was closed')
    const remove = this.#listeners.add(listener)
    this.#store.hold(this.#follower, true)
    return () => {
      remove()
      if (this.#listeners.size === 0) this.#store.hold(this.#follower, false)
    }
  }

  /**
   * Lists another part of the rows.
   *
   * @example
   * view.show(view.rows.length, 20)  // the next page
   */
  show(offset: number, limit: number = NO_LIMIT): void {
    must('offset', offset, '0..4294967295')
    must('limit', limit, '0..4294967295')
    if (this.#listing === undefined) this.#window = [offset, limit]
    else {
      this.#tell(this.#listing.show(offset, limit))
      this.#store.flush()
    }
  }

  /** Ends it, and frees its memory. What it last listed stays. A view that nobody has any more ends by itself. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#listeners.clear()
    this.#store.hold(this.#follower, false)
    this.#settle()
    this.#listing?.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #start(machine: Machine, items: Items): void {
    if (this.#closed) return
    const listing = machine.module.more.list<Row<T, K>>(machine, items, this.#spec, this.#window)
    if (listing instanceof HighwaterError) {
      this.#error = listing
      this.#settle(listing)
      throw listing
    }
    this.#listing = listing
    this.#settle()
    this.#tell(listing.made())
  }

  /** The list became another: how, is worked out if somebody listens. */
  #tell(edits: (() => Edits<Row<T, K>>) | undefined): void {
    if (edits === undefined || this.#listeners.size === 0) return
    const told = edits()
    this.#store.tell((failed) => this.#listeners.tell(told, failed))
  }
}

const NO_LIMIT = 2 ** 32 - 1
const NOTHING: ViewSnapshot<never> = Object.freeze({ rows: Object.freeze([]), count: 0, groups: Object.freeze([]) })
