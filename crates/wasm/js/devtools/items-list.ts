// The names of all items in order, kept so while items come and go; and those among them that are
// searched for, found a little at a time.

import type { Machine } from '../machine.js'
import type { Change, ItemName } from '../types.js'
import { textOf } from './reading.js'
import { byName } from './travel.js'

/** A list of names. It is told of changes, and works only when it is asked to. */
export class ItemsList {
  readonly #machine: () => Machine | undefined
  #all: ItemName[] = []
  #found: ItemName[] = []
  #words: readonly string[] = []
  #kind: string | undefined
  /** How many of `all` were looked at since the search began. */
  #looked = 0
  readonly #kinds = new Map<string, number>()

  constructor(machine: () => Machine | undefined, names: readonly ItemName[]) {
    this.#machine = machine
    this.rebuild(names)
  }

  /** What is to be shown. */
  get names(): readonly ItemName[] {
    return this.#isOpen ? this.#all : this.#found
  }

  get size(): number {
    return this.#all.length
  }

  /** The kinds that there are, and how many items of each. */
  get kinds(): ReadonlyMap<string, number> {
    return this.#kinds
  }

  /** Whether everything was looked at. */
  get isDone(): boolean {
    return this.#isOpen || this.#looked >= this.#all.length
  }

  /** Begins anew with these names. */
  rebuild(names: readonly ItemName[]): void {
    this.#all = [...names].sort(byName)
    this.#kinds.clear()
    for (const { kind } of names) this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + 1)
    this.#begin()
  }

  /** Shows only items of this kind in whose kind, key or value all of these words are. */
  search(text: string, kind?: string): void {
    this.#words = text.toLowerCase().split(/\s+/).filter((word) => word !== '')
    this.#kind = kind
    this.#begin()
  }

  /** Takes over what a transaction did. Many at once mean less work if all names are given. */
  change({ changed, removed }: Pick<Change, 'changed' | 'removed'>): void {
    for (const name of removed) {
      const at = placeIn(this.#all, name)
      if (!isAt(this.#all, at, name)) continue
      this.#all.splice(at, 1)
      this.#count(name.kind, -1)
      if (at < this.#looked) this.#looked -= 1
      drop(this.#found, name)
    }
    for (const name of changed) {
      const at = placeIn(this.#all, name)
      const isNew = !isAt(this.#all, at, name)
      if (isNew) {
        this.#all.splice(at, 0, { kind: name.kind, key: name.key })
        this.#count(name.kind, 1)
      }
      if (this.#isOpen || at > this.#looked || (at === this.#looked && !isNew)) continue
      // Among those that were looked at.
      if (isNew) this.#looked += 1
      const place = placeIn(this.#found, name)
      const isFound = isAt(this.#found, place, name)
      const fits = this.#fits(this.#machine(), name)
      if (fits && !isFound) this.#found.splice(place, 0, { kind: name.kind, key: name.key })
      else if (!fits && isFound) this.#found.splice(place, 1)
    }
  }

  /** Searches on for so many milliseconds. Says whether it has found more. */
  work(millis: number): boolean {
    if (this.isDone) return false
    const end = performance.now() + millis
    const before = this.#found.length
    const machine = this.#machine()
    while (this.#looked < this.#all.length) {
      const name = this.#all[this.#looked] as ItemName
      if (this.#fits(machine, name)) this.#found.push(name)
      this.#looked += 1
      if (this.#looked % 64 === 0 && performance.now() >= end) break
    }
    return this.#found.length > before || this.isDone
  }

  get #isOpen(): boolean {
    return this.#words.length === 0 && this.#kind === undefined
  }

  #begin(): void {
    this.#found = []
    this.#looked = 0
  }

  #count(kind: string, more: number): void {
    const count = (this.#kinds.get(kind) ?? 0) + more
    if (count > 0) this.#kinds.set(kind, count)
    else this.#kinds.delete(kind)
  }

  #fits(machine: Machine | undefined, { kind, key }: ItemName): boolean {
    if (this.#kind !== undefined && kind !== this.#kind) return false
    const name = `${kind}/${key}`.toLowerCase()
    let value: string | undefined
    return this.#words.every((word) => {
      if (name.includes(word)) return true
      value ??= (machine === undefined ? undefined : textOf(machine, kind, key))?.toLowerCase() ?? ''
      return value.includes(word)
    })
  }
}

/** Where a name is, or would be. */
function placeIn(names: readonly ItemName[], name: ItemName): number {
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (byName(names[middle] as ItemName, name) < 0) low = middle + 1
    else high = middle
  }
  return low
}

function isAt(names: readonly ItemName[], at: number, name: ItemName): boolean {
  const there = names[at]
  return there !== undefined && byName(there, name) === 0
}

function drop(names: ItemName[], name: ItemName): void {
  const at = placeIn(names, name)
  if (isAt(names, at, name)) names.splice(at, 1)
}
