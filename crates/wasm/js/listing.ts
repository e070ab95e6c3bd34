// A live view's list, as it is in the module with everything.

import { HighwaterError } from './errors.js'
import type { Items } from './items.js'
import type { Machine } from './machine.js'
import { Thing } from './module.js'
import { described } from './options.js'
import type { Edits, Group, ViewSnapshot, ViewSpec } from './rows.js'

/** How a list became another, worked out when somebody wants to know. */
type Made<R> = () => Edits<R>

/** A part of the rows. */
type Window = readonly [offset: number, limit: number]

/** Lists what a spec asks for, as text; or says what is wrong with it. */
export function list<R>(machine: Machine, items: Items, spec: ViewSpec, window?: Window): Listing<R> | HighwaterError {
  const written = textOf(spec)
  if (written instanceof HighwaterError) return written
  const text = new TextEncoder().encode(written)
  const { module } = machine
  const handle = module.query_new(machine.handle, module.give(text))
  if (handle !== 0) {
    const listing = new Listing<R>(new Thing(module, handle, module.query_free), machine, items, spec.group?.replace(/^-/, ''))
    if (window !== undefined) listing.show(...window)
    return listing
  }
  const [[, words, , , at = 0]] = module.jsonOf(module.numberAt(0)) as [[string, string, string, null, number]]
  const near = new TextDecoder().decode(text.subarray(at, at + 32))
  return new HighwaterError('bad-query', `the view's spec is wrong at ${near === '' ? 'its end' : near}: ${words}`, { at })
}

/** Writes a spec as the module reads it: what JSON would leave out or change is a mistake. */
function textOf(spec: ViewSpec): string | HighwaterError {
  let wrong: HighwaterError | undefined
  const text = JSON.stringify(spec, function (this: unknown, name, value: unknown) {
    const odd = typeof value === 'number' ? !Number.isFinite(value) : Array.isArray(this) ? value === undefined : false
    if (odd || typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint') {
      wrong ??= new HighwaterError('bad-query', `the view's spec is wrong at ${name}: it cannot be ${described(value)}`)
      return null
    }
    return value
  })
  return wrong ?? text
}

/** The rows, made when they are asked for: the same objects as long as they are the same. */
export class Listing<R> {
  readonly #machine: Machine
  readonly #items: Items
  readonly #group: string | undefined
  /** Not there: nothing moves any more. */
  #thing: Thing | undefined
  /** Rows by slot, each with the epoch of its value. */
  #known = new Map<number, readonly [epoch: number, row: R]>()
  /** How many rows there were when somebody was last told. */
  #count: number
  #rows: readonly R[] | undefined
  #groups: readonly Group[] | undefined
  #whole: ViewSnapshot<R> | undefined

  constructor(thing: Thing, machine: Machine, items: Items, group: string | undefined) {
    this.#thing = thing
    this.#machine = machine
    this.#items = items
    this.#group = group
    this.#count = this.count
  }

  get rows(): readonly R[] {
    return (this.#rows ??= this.#list())
  }

  get count(): number {
    return this.#thing === undefined ? this.#count : this.#thing.module.query_count(this.#thing.handle)
  }

  get groups(): readonly Group[] {
    return (this.#groups ??= this.#grouped())
  }

  snapshot(): ViewSnapshot<R> {
    return (this.#whole ??= Object.freeze({ rows: this.rows, count: this.count, groups: this.groups }))
  }

  /** How an empty list became this one. */
  made(): Made<R> | undefined {
    if (this.count === 0) return undefined
    return () => ({ removed: [], inserted: this.rows.map((row, at) => ({ at, from: undefined, row })), updated: [] })
  }

  /** The state has moved. */
  follow(): Made<R> | undefined {
    const thing = this.#thing
    return thing && this.#edited(thing.module.query_update(thing.handle, this.#machine.handle), thing)
  }

  show(offset: number, limit: number): Made<R> | undefined {
    const thing = this.#thing
    return thing && this.#edited(thing.module.query_show(thing.handle, offset, limit), thing)
  }

  /** The module is of no use any more: what was read last stays. */
  stop(): void {
    this.#thing = undefined
  }

  close(): void {
    if (this.#thing === undefined) return
    this.#count = this.snapshot().count
    this.#thing.free()
    this.#thing = undefined
  }

  #edited(count: number, { module }: Thing): Made<R> | undefined {
    const [recounted = 0, removed = 0, inserted = 0, updated = 0, ...places] = module.numbersOf(count)
    const edited = places.length > 0
    // Rows may have moved where nobody looks.
    const before = this.#count
    this.#count = this.count
    if (!edited && (recounted === 0 || (this.#group === undefined && this.#count === before))) return undefined
    this.#whole = undefined
    if (recounted === 1) this.#groups = undefined
    if (edited) this.#rows = undefined
    return () => {
      const came = Array.from({ length: inserted }, (_, at) => places.slice(removed + at * 3, removed + at * 3 + 3)) as [number, number, number][]
      const rows = this.#rowsOf(came.map(([, slot]) => slot))
      const all = updated === 0 ? [] : this.rows
      return {
        removed: places.slice(0, removed),
        inserted: came.map(([at, , from], index) => ({ at, from: from === NOWHERE ? undefined : from, row: rows[index] as R })),
        updated: places.slice(removed + inserted * 3).map((at) => ({ at, row: all[at] as R })),
      }
    }
  }

  #list(): readonly R[] {
    if (this.#thing === undefined) return Object.freeze([])
    const { module, handle } = this.#thing
    const slots = Array.from(module.numbersOf(module.query_rows(handle)))
    const rows = this.#rowsOf(slots)
    // What is not listed any more is not to be kept.
    if (this.#known.size > slots.length) {
      const known = this.#known
      this.#known = new Map(slots.map((slot) => [slot, known.get(slot) as readonly [number, R]]))
    }
    return Object.freeze(rows)
  }

  #rowsOf(slots: readonly number[]): R[] {
    const items = this.#items
    const wanted = slots.filter((slot) => this.#known.get(slot)?.[0] !== items.epoch(slot))
    const names = items.namesOf(wanted)
    items.values(wanted).forEach((value, at) => {
      const slot = wanted[at] as number
      const row = Object.freeze({ ...names[at], value }) as R
      this.#known.set(slot, [items.epoch(slot), row])
    })
    return slots.map((slot) => (this.#known.get(slot) as readonly [number, R])[1])
  }

  #grouped(): readonly Group[] {
    if (this.#thing === undefined || this.#group === undefined) return Object.freeze([])
    const { module, handle } = this.#thing
    const flat = module.jsonOf(module.query_groups(handle, this.#machine.handle)) as (number | string | null)[]
    const groups: Group[] = []
    for (let at = 0; at < flat.length; at += 4) {
      const [slot, start, count, text] = flat.slice(at, at + 4) as [number, number, number, string | null]
      const name = this.#group === 'key' || this.#group === 'kind' ? this.#items.namesOf([slot])[0]?.[this.#group] : undefined
      groups.push(Object.freeze({ value: text === null ? name : parsed(text), start, count }))
    }
    return Object.freeze(groups)
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const NOWHERE = 2 ** 32 - 1
