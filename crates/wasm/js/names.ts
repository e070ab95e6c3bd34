// Names of slots, and transactions that name what they changed when somebody asks.

import type { Thing } from './module.js'
import type { Transacted } from './reads.js'
import type { ItemName } from './types.js'

/** What was deleted between two moments, by slot; the deletions after them are in `next`. */
interface Layer {
  gone: ReadonlyMap<number, ItemName> | undefined
  next: Layer | undefined
}

/**
 * The names of slots, each read when it is first wanted. A slot may be another item's later: what
 * was deleted is kept in layers, which nothing holds but the transactions that came before.
 */
export class Names {
  readonly #raw: Thing
  readonly #names: (ItemName | undefined)[] = []
  readonly #slots = new Map<string, Map<string, number>>()
  #last: Layer = { gone: undefined, next: undefined }
  /** A transaction may ask for names that are gone by then. */
  #lent = false

  constructor(raw: Thing) {
    this.#raw = raw
  }

  /** The slot of an item that is there. */
  find(kind: string, key: string): number | undefined {
    // Whoever is told of a transaction has what it was told: there is nothing to read here meanwhile.
    if (typeof kind !== 'string' || typeof key !== 'string' || this.#raw.isBusy) return undefined
    const known = this.#slots.get(kind)?.get(key)
    if (known !== undefined) return known
    this.#raw.module.say([kind, key])
    const slot = this.#raw.module.find(this.#raw.handle)
    if (slot < 0) return undefined
    this.#note(slot, { kind, key })
    return slot
  }

  /** The name of one slot. */
  of(slot: number): ItemName {
    return this.#names[slot] ?? (this.all([slot])[0] as ItemName)
  }

  /** The names of slots, in one crossing. */
  all(slots: ArrayLike<number>): ItemName[] {
    const unknown = Array.from(slots).filter((slot) => this.#names[slot] === undefined)
    if (unknown.length > 0) {
      const count = this.#raw.module.giveWords(unknown)
      const flat = this.#raw.module.jsonOf(this.#raw.module.names(this.#raw.handle, count)) as string[]
      unknown.forEach((slot, at) => this.#note(slot, { kind: flat[at * 2] ?? '', key: flat[at * 2 + 1] ?? '' }))
    }
    return Array.from(slots, (slot) => this.#names[slot] as ItemName)
  }

  /** The transactions of the last input, those that changed nothing only if `all` are wanted. */
  transactions(all: boolean): Transacted[] {
    const packed = this.#raw.module.numbersOf(this.#raw.module.changes(this.#raw.handle)).slice()
    const transactions: Transacted[] = []
    for (let at = 0; at < packed.length; ) {
      const header = packed[at++] ?? 0
      const end = at + (header >>> 1)
      const changes = packed.subarray(at, end)
      if (all || changes.length > 0) transactions.push(transactionOf(this, this.#last, (header & 1) === 1, changes))
      at = end
    }
    this.#lent = true
    return transactions
  }

  /** Items were deleted by the last input: their slots may be others' soon. Answers with them. */
  drop(): number[] {
    const packed = this.#raw.module.numbersOf(this.#raw.module.changes(this.#raw.handle)).slice()
    const gone: number[] = []
    for (let at = 0; at < packed.length; ) {
      for (const end = at + ((packed[at++] ?? 0) >>> 1) + 1; at < end; at++) {
        const change = packed[at] ?? 0
        if ((change & 3) === DELETED) gone.push(change >>> 2)
      }
    }
    const names = this.#lent ? this.all(gone) : gone.map((slot) => this.#names[slot])
    if (this.#lent) {
      const next: Layer = { gone: undefined, next: undefined }
      this.#last.gone = new Map(gone.map((slot, at) => [slot, names[at] as ItemName]))
      this.#last.next = next
      this.#last = next
    }
    gone.forEach((slot, at) => {
      this.#names[slot] = undefined
      const name = names[at]
      const keys = name === undefined ? undefined : this.#slots.get(name.kind)
      if (name !== undefined && keys?.get(name.key) === slot) keys.delete(name.key)
    })
    return gone
  }

  /** The names that slots had when a transaction came. */
  at(layer: Layer, slots: readonly number[]): ItemName[] {
    const past = slots.map((slot) => {
      for (let at: Layer | undefined = layer; at !== undefined; at = at.next) {
        const name = at.gone?.get(slot)
        if (name !== undefined) return name
      }
      return undefined
    })
    const now = this.all(slots.filter((_, at) => past[at] === undefined))
    let next = 0
    return past.map((name) => name ?? (now[next++] as ItemName))
  }

  #note(slot: number, name: ItemName): void {
    this.#names[slot] = Object.freeze(name)
    let keys = this.#slots.get(name.kind)
    if (keys === undefined) this.#slots.set(name.kind, (keys = new Map()))
    keys.set(name.key, slot)
  }
}

/** A transaction that took effect. Its items are named when somebody asks. */
function transactionOf(names: Names, layer: Layer, snapshot: boolean, packed: Uint32Array): Transacted {
  let found: { changed: ItemName[]; removed: ItemName[] } | undefined
  const find = (): { changed: ItemName[]; removed: ItemName[] } => {
    const last = new Map<number, boolean>()
    for (const change of packed) {
      const slot = change >>> 2
      // What comes last decides, and says where in the list it stands.
      last.delete(slot)
      last.set(slot, (change & 3) === DELETED)
    }
    const slots = [...last.keys()]
    const all = names.at(layer, slots)
    const of = (removed: boolean): ItemName[] => all.filter((_, at) => last.get(slots[at] as number) === removed)
    return { changed: of(false), removed: of(true) }
  }
  return {
    snapshot,
    get changed() {
      return (found ??= find()).changed
    },
    get removed() {
      return (found ??= find()).removed
    },
  }
}

const DELETED = 2
