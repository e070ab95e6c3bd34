// Names of slots, and transactions that name what they changed when somebody asks.

import { decoder, type Thing } from './module.js'
import type { Transacted } from './reads.js'
import type { ItemName } from './types.js'

/** What was deleted between two moments; the deletions after them are in `next`. */
interface Layer {
  /** By slot, made when it is first asked for. */
  gone: (() => ReadonlyMap<number, ItemName>) | undefined
  next: Layer | undefined
}

/** Reads out names of slots. */
type Named = (then: (slot: number, kind: string, key: string) => void) => void

/**
 * What an input changed, as the module says it: for each transaction a header, how many changes
 * times two, plus one if it was a snapshot; and its changes, slot times four, plus what became of
 * the item.
 */
export type Packed = ArrayLike<number>

/** Makes the transactions of an input, once; those that changed nothing only if `all` are wanted. */
export type Later = (all: boolean) => readonly Transacted[]

/**
 * The names of slots, each read when it is first wanted. A slot may be another item's later: what
 * was deleted is kept in layers, which nothing holds but the transactions that came before.
 */
export class Names {
  readonly #raw: Thing
  /** By slot: its key, once it is known; and its kind. */
  readonly #keys: (string | undefined)[] = []
  readonly #kindOf: (string | undefined)[] = []
  /** By slot: its name as it is handed out, the same object for as long as the item is there. */
  readonly #names: (ItemName | undefined)[] = []
  /** By number. */
  readonly #kinds: string[] = []
  /** Slots that were asked for, by kind and key. */
  readonly #slots = new Map<string, Map<string, number>>()
  /** The kind that was last asked for, and its slots. */
  #kind: string | undefined
  #ofKind = new Map<string, number>()
  #last: Layer = { gone: undefined, next: undefined }
  /** A transaction may ask for names that are gone by then. */
  #lent = false

  constructor(raw: Thing) {
    this.#raw = raw
  }

  /** The slot of an item that is there. */
  find(kind: string, key: string): number | undefined {
    if (kind !== this.#kind) {
      if (typeof kind !== 'string') return undefined
      this.#kind = kind
      this.#ofKind = this.#slotsOf(kind)
    }
    // Whoever is told of a transaction has what it was told: there is nothing to read here meanwhile.
    if (this.#raw.isBusy) return undefined
    const known = this.#ofKind.get(key)
    if (known !== undefined) return known
    if (typeof key !== 'string') return undefined
    const { module } = this.#raw
    module.say([kind, key])
    const slot = module.find(this.#raw.handle)
    if (slot < 0) return undefined
    put(this.#keys, slot, key)
    put(this.#kindOf, slot, kind)
    this.#ofKind.set(key, slot)
    return slot
  }

  /** The name of a slot. */
  of(slot: number): ItemName {
    this.#learn([slot])
    return this.#name(slot)
  }

  /** The names of slots. */
  all(slots: ArrayLike<number>): ItemName[] {
    this.#learn(slots)
    return Array.from(slots, (slot) => this.#name(slot))
  }

  /** The keys of slots. */
  keys(slots: ArrayLike<number>): string[] {
    this.#learn(slots)
    const keys = new Array<string>(slots.length)
    for (let at = 0; at < slots.length; at++) keys[at] = this.#keys[slots[at] as number] as string
    return keys
  }

  /** What the last input changed. */
  packed(): Packed {
    const { module } = this.#raw
    const count = module.changes(this.#raw.handle)
    const start = module.numbers() >>> 2
    const all = module.words()
    if (count > 1000) return all.slice(start, start + count)
    // A short list is copied sooner than a buffer for it is made.
    const packed = new Array<number>(count)
    for (let at = 0; at < count; at++) packed[at] = all[start + at] as number
    return packed
  }

  /** The transactions of the last input, made when they are asked for. */
  later(packed: Packed): Later {
    this.#lent = true
    const layer = this.#last
    let made: Transacted[] | undefined
    return (all) => (made ??= this.#transactions(packed, all, layer))
  }

  /** Items were deleted by an input: their slots may be others' soon. Answers with them. */
  drop(packed: Packed): number[] {
    const gone: number[] = []
    for (let at = 0; at < packed.length; ) {
      for (const end = at + ((packed[at++] as number) >>> 1) + 1; at < end; at++) {
        const change = packed[at] as number
        if ((change & 3) === DELETED) gone.push(change >>> 2)
      }
    }
    if (this.#lent) {
      // Hardly ever does anybody ask.
      const named = this.#ask(gone)
      let names: Map<number, ItemName> | undefined
      this.#last.gone = () => {
        if (names === undefined) {
          const made = (names = new Map<number, ItemName>())
          named((slot, kind, key) => made.set(slot, nameOf(kind, key)))
        }
        return names
      }
      this.#last = this.#last.next = { gone: undefined, next: undefined }
    }
    for (const slot of gone) {
      const key = this.#keys[slot]
      if (key === undefined) continue
      this.#keys[slot] = this.#names[slot] = undefined
      const slots = this.#slotsOf(this.#kindOf[slot] as string)
      if (slots.get(key) === slot) slots.delete(key)
    }
    return gone
  }

  /** The names that slots had when a transaction came. */
  at(layer: Layer, slots: readonly number[]): ItemName[] {
    const past = slots.map((slot) => {
      for (let at: Layer | undefined = layer; at !== undefined; at = at.next) {
        const name = at.gone?.().get(slot)
        if (name !== undefined) return name
      }
      return undefined
    })
    const now = this.all(slots.filter((_, at) => past[at] === undefined))
    let next = 0
    return past.map((name) => name ?? (now[next++] as ItemName))
  }

  #transactions(packed: Packed, all: boolean, layer: Layer): Transacted[] {
    const transactions: Transacted[] = []
    for (let at = 0; at < packed.length; ) {
      const header = packed[at++] as number
      const end = at + (header >>> 1)
      if (all || end > at) transactions.push(transactionOf(this, layer, (header & 1) === 1, packed, at, end))
      at = end
    }
    return transactions
  }

  #name(slot: number): ItemName {
    let name = this.#names[slot]
    if (name === undefined) {
      name = nameOf(this.#kindOf[slot] as string, this.#keys[slot] as string)
      put(this.#names, slot, name)
    }
    return name
  }

  /** Sees to it that the keys of these slots are known. */
  #learn(slots: ArrayLike<number>): void {
    const unknown: number[] = []
    for (let at = 0; at < slots.length; at++) {
      const slot = slots[at] as number
      if (this.#keys[slot] === undefined) unknown.push(slot)
    }
    this.#ask(unknown)((slot, kind, key) => {
      put(this.#kindOf, slot, kind)
      put(this.#keys, slot, key)
    })
  }

  /** Asks for the names of slots, which are to be read out now or later. */
  #ask(slots: readonly number[]): Named {
    const { module } = this.#raw
    const parts: { slots: readonly number[]; keys: Uint8Array; numbers: Uint32Array }[] = []
    // A key may be kept as a part of the text that it came in: let that not be all of it.
    for (let start = 0; start < slots.length; start += BATCH) {
      const part = slots.slice(start, start + BATCH)
      const length = module.names(this.#raw.handle, module.giveWords(part))
      const at = module.text()
      const keys = module.bytes().slice(at, at + length)
      const numbers = module.numbersOf(part.length * 2).slice()
      for (let at = 0; at < numbers.length; at += 2) this.#kinds[numbers[at] as number] ??= module.textOf(module.kind(this.#raw.handle, numbers[at] as number))
      parts.push({ slots: part, keys, numbers })
    }
    return (then) => {
      for (const { slots, keys, numbers } of parts) {
        const text = decoder.decode(keys)
        let start = 0
        slots.forEach((slot, at) => {
          const end = start + (numbers[at * 2 + 1] as number)
          then(slot, this.#kinds[numbers[at * 2] as number] as string, text.slice(start, end))
          start = end
        })
      }
    }
  }

  #slotsOf(kind: string): Map<string, number> {
    let keys = this.#slots.get(kind)
    if (keys === undefined) this.#slots.set(kind, (keys = new Map()))
    return keys
  }
}

function nameOf(kind: string, key: string): ItemName {
  return Object.freeze({ kind, key })
}

/** Writes to a list by slot, which then has no gaps: those with gaps are slow to read. */
export function put<T>(list: (T | undefined)[], slot: number, value: T): void {
  while (list.length < slot) list.push(undefined)
  list[slot] = value
}

/** A transaction that took effect: the changes from one place to another. Its items are named when somebody asks. */
function transactionOf(names: Names, layer: Layer, snapshot: boolean, packed: Packed, start: number, end: number): Transacted {
  type Found = Record<'changed' | 'removed' | 'inserted', ItemName[]>
  let found: Found | undefined
  const find = (): Found => {
    /** By slot, the first change and the last. */
    const ends = new Map<number, readonly [first: number, last: number]>()
    for (let place = start; place < end; place++) {
      const change = packed[place] as number
      const slot = change >>> 2
      const [first] = ends.get(slot) ?? [change & 3]
      // What comes last decides, and says where in the list it stands.
      ends.delete(slot)
      ends.set(slot, [first, change & 3])
    }
    const all = names.at(layer, [...ends.keys()])
    const made: Found = { changed: [], removed: [], inserted: [] }
    let at = 0
    for (const [first, last] of ends.values()) {
      const name = all[at++] as ItemName
      made[last === DELETED ? 'removed' : 'changed'].push(name)
      if (first === INSERTED && last !== DELETED) made.inserted.push(name)
    }
    return made
  }
  return {
    snapshot,
    get changed() {
      return (found ??= find()).changed
    },
    get removed() {
      return (found ??= find()).removed
    },
    get inserted() {
      return (found ??= find()).inserted
    },
  }
}

const INSERTED = 0
const DELETED = 2
const BATCH = 512
