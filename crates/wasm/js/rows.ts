// Live views: the rows that are wanted, in order, kept up to date in the module.

import { HighwaterError } from './errors.js'
import type { Followed, Follower } from './followers.js'
import type { Items } from './items.js'
import { Listeners } from './listeners.js'
import type { Machine } from './machine.js'
import { Thing } from './module.js'
import { callable, described, number, refuse } from './options.js'
import type { AnyKinds } from './types.js'

/** What is looked at in an item: a JSON pointer into its value, its key, or its kind. */
export type Field = `/${string}` | '' | 'key' | 'kind'
/** What a field can be held against. */
export type Scalar = string | number | boolean | null

/** What is asked of one field; all of it must hold. */
export interface Test {
  readonly eq?: Scalar
  readonly ne?: Scalar
  readonly lt?: Scalar
  readonly lte?: Scalar
  readonly gt?: Scalar
  readonly gte?: Scalar
  readonly in?: readonly Scalar[]
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
  readonly ''?: Scalar | Test
  readonly key?: Scalar | Test
  readonly kind?: Scalar | Test
  readonly and?: readonly Condition[]
  readonly or?: readonly Condition[]
  readonly not?: Condition
}

/** Which items a view lists, in which order, and which part of them. */
export interface ViewSpec<K extends string = string> {
  /** Only items of this kind. */
  readonly kind?: K
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
  readonly count: number
}

/** What a view lists at one moment. */
export interface ViewSnapshot<R = Row> {
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
  readonly #text: string
  readonly #group: string | undefined
  readonly #store: Followed
  readonly #follower: Follower
  readonly #listeners = new Listeners<Edits<Row<T, K>>>()
  #live: { readonly thing: Thing; readonly machine: Machine; readonly items: Items } | undefined
  #error: HighwaterError | undefined
  #closed = false
  /** What `show` asked for before the module was there. */
  #window: [offset: number, limit: number] | undefined
  /** Rows by slot, each with the epoch of its value. */
  #known = new Map<number, readonly [epoch: number, row: Row<T, K>]>()
  /** How many rows there were when listeners were last told. */
  #count = 0
  #rows: readonly Row<T, K>[] | undefined
  #groups: readonly Group[] | undefined
  #whole: ViewSnapshot<Row<T, K>> | undefined

  /** It lists what the store holds: what rows need has been loaded. Rejects if the spec is none. */
  readonly ready: Promise<void>
  #settle: (error?: HighwaterError) => void = () => {}

  /** @internal Use {@link Store.view}. */
  constructor(spec: ViewSpec<K>, store: Followed) {
    this.#text = textOf(spec)
    this.#group = spec.group?.replace(/^-/, '')
    this.#store = store
    this.ready = new Promise((resolve, reject) => (this.#settle = (error) => (error === undefined ? resolve() : reject(error))))
    // Who does not wait for it need not catch it.
    this.ready.catch(() => {})
    this.#follower = {
      hears: false,
      everything: true,
      start: (machine, items) => this.#start(machine, items),
      follow: () => this.#follow(),
      stop: () => this.#stop(),
    }
    store.begin(this.#follower)
  }

  /** Why there are no rows: the spec, which could not be read before the module was there. */
  get error(): HighwaterError | undefined {
    return this.#error
  }

  /** The listed rows: the same array until it is another list, the same objects until their values are others. */
  get rows(): readonly Row<T, K>[] {
    return (this.#rows ??= this.#list())
  }

  /** How many rows there are, listed or not. */
  get count(): number {
    return this.#live === undefined ? (this.#whole?.count ?? 0) : this.#live.thing.module.query_count(this.#live.thing.handle)
  }

  /** The groups, in order. */
  get groups(): readonly Group[] {
    return (this.#groups ??= this.#grouped())
  }

  /** All of it at this moment: the same object until some of it is different. */
  snapshot(): ViewSnapshot<Row<T, K>> {
    return (this.#whole ??= Object.freeze({ rows: this.rows, count: this.count, groups: this.groups }))
  }

  /**
   * Calls a listener whenever the rows, their count or the groups are others, with how the list
   * became another. Returns what ends it.
   *
   * @example
   * view.subscribe(() => render(view.rows))
   */
  subscribe(listener: (edits: Edits<Row<T, K>>) => void): () => void {
    callable('listener', listener ?? null)
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
    number('offset', offset ?? null, 0, NO_LIMIT)
    number('limit', limit, 0, NO_LIMIT)
    if (this.#live === undefined) this.#window = [offset, limit]
    else {
      const { thing, items } = this.#live
      this.#edited(thing.module.query_show(thing.handle, offset, limit), thing, items)
      this.#store.flush()
    }
  }

  /** Ends it, and frees its memory. What it last listed stays. A view that nobody has any more ends by itself. */
  close(): void {
    if (this.#closed) return
    if (this.#live !== undefined) this.snapshot()
    this.#closed = true
    this.#listeners.clear()
    this.#store.hold(this.#follower, false)
    const live = this.#live
    this.#live = undefined
    this.#settle()
    live?.thing.free()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #start(machine: Machine, items: Items): void {
    if (this.#closed) return
    const text = new TextEncoder().encode(this.#text)
    const { module } = machine
    const handle = module.query_new(machine.handle, module.give(text))
    if (handle === 0) {
      const [[, words, , , at = 0]] = module.jsonOf(module.numberAt(0)) as [[string, string, string, null, number]]
      const near = new TextDecoder().decode(text.subarray(at, at + 32))
      this.#error = new HighwaterError('bad-query', `the view's spec is wrong at ${near === '' ? 'its end' : near}: ${words}`, { at })
      this.#settle(this.#error)
      throw this.#error
    }
    this.#settle()
    this.#live = { thing: new Thing(module, handle, module.query_free), machine, items }
    this.#rows = this.#groups = this.#whole = undefined
    this.#count = this.count
    if (this.#window !== undefined) module.query_show(handle, ...this.#window)
    if (this.#listeners.size === 0 || this.count === 0) return
    const inserted = this.rows.map((row, at) => ({ at, from: undefined, row }))
    this.#store.tell((failed) => this.#listeners.tell({ removed: [], inserted, updated: [] }, failed))
  }

  #follow(): void {
    const live = this.#live
    if (live === undefined) return
    const { thing, machine, items } = live
    this.#edited(thing.module.query_update(thing.handle, machine.handle), thing, items)
  }

  /** What was read last stays. */
  #stop(): void {
    this.#live = undefined
    this.#settle()
  }

  #edited(count: number, { module }: Thing, items: Items): void {
    const [recounted = 0, removed = 0, inserted = 0, updated = 0, ...places] = module.numbersOf(count)
    const edited = places.length > 0
    // Rows may have moved where nobody looks.
    const before = this.#count
    this.#count = this.count
    if (!edited && (recounted === 0 || (this.#group === undefined && this.#count === before))) return
    this.#whole = undefined
    if (recounted === 1) this.#groups = undefined
    if (edited) this.#rows = undefined
    if (this.#listeners.size === 0) return
    const came = Array.from({ length: inserted }, (_, at) => places.slice(removed + at * 3, removed + at * 3 + 3)) as [number, number, number][]
    const stayed = places.slice(removed + inserted * 3)
    const rows = this.#rowsOf(came.map(([, slot]) => slot), items)
    const all = updated === 0 ? [] : this.rows
    const edits: Edits<Row<T, K>> = {
      removed: places.slice(0, removed),
      inserted: came.map(([at, , from], index) => ({ at, from: from === NO_LIMIT ? undefined : from, row: rows[index] as Row<T, K> })),
      updated: stayed.map((at) => ({ at, row: all[at] as Row<T, K> })),
    }
    this.#store.tell((failed) => this.#listeners.tell(edits, failed))
  }

  #list(): readonly Row<T, K>[] {
    if (this.#live === undefined) return NOTHING as readonly Row<T, K>[]
    const { thing, items } = this.#live
    const slots = Array.from(thing.module.numbersOf(thing.module.query_rows(thing.handle)))
    const rows = this.#rowsOf(slots, items)
    // What is not listed any more is not to be kept.
    if (this.#known.size > slots.length) {
      const known = this.#known
      this.#known = new Map(slots.map((slot) => [slot, known.get(slot) as readonly [number, Row<T, K>]]))
    }
    return Object.freeze(rows)
  }

  #rowsOf(slots: readonly number[], items: Items): Row<T, K>[] {
    const wanted = slots.filter((slot) => this.#known.get(slot)?.[0] !== items.epoch(slot))
    const names = items.namesOf(wanted)
    items.values(wanted).forEach((value, at) => {
      const slot = wanted[at] as number
      const row = Object.freeze({ ...names[at], value }) as Row<T, K>
      this.#known.set(slot, [items.epoch(slot), row])
    })
    return slots.map((slot) => (this.#known.get(slot) as readonly [number, Row<T, K>])[1])
  }

  #grouped(): readonly Group[] {
    if (this.#live === undefined || this.#group === undefined) return NOTHING
    const { thing, machine, items } = this.#live
    const flat = thing.module.jsonOf(thing.module.query_groups(thing.handle, machine.handle)) as (number | string | null)[]
    const groups: Group[] = []
    for (let at = 0; at < flat.length; at += 4) {
      const [slot, start, count, text] = flat.slice(at, at + 4) as [number, number, number, string | null]
      const name = this.#group === 'key' || this.#group === 'kind' ? items.namesOf([slot])[0]?.[this.#group] : undefined
      groups.push(Object.freeze({ value: text === null ? name : parsed(text), start, count }))
    }
    return Object.freeze(groups)
  }
}

/** Writes a spec as the module reads it: what JSON would leave out or change is a mistake. */
function textOf(spec: unknown): string {
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec)) refuse(`a view needs a spec: an object, not ${described(spec)}`)
  return JSON.stringify(spec, function (this: unknown, name, value: unknown) {
    const odd = typeof value === 'number' ? !Number.isFinite(value) : Array.isArray(this) ? value === undefined : false
    if (odd || typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint') {
      throw new HighwaterError('bad-query', `the view's spec is wrong at ${name}: it cannot be ${described(value)}`)
    }
    return value
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const NO_LIMIT = 2 ** 32 - 1
const NOTHING: readonly never[] = Object.freeze([])
