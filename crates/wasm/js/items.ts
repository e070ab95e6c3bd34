// Reads of a state in the module's memory: nothing is parsed that nobody reads, and what was
// parsed is the same object until its version moves.

import type { Reader } from './core.js'
import { HighwaterError } from './errors.js'
import { Memory } from './module.js'
import { Shot, type ShotSource } from './shot.js'
import { type ItemName, type Version, versionOf } from './types.js'

/** A transaction as the module lists it: slots, each with what happened. */
export interface Transaction {
  readonly snapshot: boolean
  readonly changed: readonly ItemName[]
  readonly removed: readonly ItemName[]
}

/** Reads items, and keeps what it parsed for as long as somebody else does. */
export class Items implements ShotSource {
  readonly #reader: Reader
  readonly #unreadable: (error: HighwaterError) => void
  /** Kind, key, slot: of items that were read and are there. */
  readonly #slots = new Map<string, Map<string, number>>()
  readonly #names: (ItemName | undefined)[] = []
  /** Per slot, the epoch of the value that was parsed, and that value: weakly, if it can be held so. */
  readonly #seen: (number | undefined)[] = []
  readonly #values: unknown[] = []
  #epochs: number | undefined
  #shots = new Map<string, WeakRef<Shot<unknown>>>()
  #whole: WeakRef<object> | undefined

  constructor(reader: Reader, unreadable: (error: HighwaterError) => void) {
    this.#reader = reader
    this.#unreadable = unreadable
  }

  get size(): number {
    return this.#reader.len()
  }

  get version(): number {
    return this.#reader.revision()
  }

  get cursor(): string | undefined {
    return this.#reader.cursor()
  }

  get mode(): 'inactive' | 'changes' | 'full' | undefined {
    return this.#reader.mode() as 'inactive' | 'changes' | 'full' | undefined
  }

  get(kind: string, key: string): unknown {
    const slot = this.#find(kind, key)
    return slot === undefined ? undefined : this.#value(slot)
  }

  has(kind: string, key: string): boolean {
    return this.#find(kind, key) !== undefined
  }

  versionOf(kind: string, key: string): Version | undefined {
    const slot = this.#find(kind, key)
    const version = slot === undefined ? undefined : this.#reader.version(slot)
    return version === undefined ? undefined : versionOf(version)
  }

  tombstones(): (ItemName & { readonly version: Version })[] {
    const flat = this.#reader.tombstones() as unknown[]
    return Array.from({ length: flat.length / 3 }, (_, at) => {
      const [kind, key, version] = flat.slice(at * 3, at * 3 + 3) as [string, string, bigint]
      return { kind, key, version: versionOf(version) }
    })
  }

  names(kind?: string): ItemName[] {
    return Array.from(this.#reader.slots(kind), (slot) => this.#name(slot))
  }

  /** Items that can be read. */
  entries(kind: string): [string, unknown][] {
    const entries: [string, unknown][] = []
    for (const slot of this.#reader.slots(kind)) {
      const value = this.#value(slot)
      if (value !== undefined) entries.push([this.#name(slot).key, value])
    }
    return entries
  }

  /** All items of one kind at this moment. */
  shot(kind: string): Shot<unknown> {
    const last = this.#shots.get(kind)?.deref()
    const version = this.version
    if (last?.version === version) return last
    const cells = Array.from(this.#reader.slots(kind), (slot) => {
      const { key } = this.#name(slot)
      const epoch = this.#epoch(slot)
      return last?.reuse(key, slot, epoch) ?? { key, slot, epoch, raw: undefined, value: this.#held(slot, epoch) }
    })
    if (last?.holds(cells)) {
      last.version = version
      return last
    }
    const shot = new Shot<unknown>(this, version, cells)
    this.#shots.set(kind, new WeakRef(shot))
    return shot
  }

  /** All items at this moment, by kind. */
  snapshot(): object {
    const last = this.#whole?.deref()
    const whole: Record<string, unknown> = Object.create(null) as Record<string, unknown>
    const kinds = new Set(this.names().map(({ kind }) => kind))
    for (const kind of kinds) whole[kind] = this.shot(kind)
    if (last !== undefined && Object.keys(last).length === kinds.size) {
      const before = last as Record<string, unknown>
      if ([...kinds].every((kind) => before[kind] === whole[kind])) return last
    }
    this.#whole = new WeakRef(Object.freeze(whole))
    return whole
  }

  /** What the last input changed, in order, if anybody wants to hear it. Call it after each. */
  took(wanted: boolean): Transaction[] {
    this.#epochs = undefined
    const packed = this.#reader.changes()
    const transactions: Transaction[] = []
    const gone: number[] = []
    for (let at = 0; at < packed.length; ) {
      const header = packed[at++] ?? 0
      const end = at + (header >>> 1)
      const changed = new Map<number, ItemName>()
      const removed = new Map<number, ItemName>()
      for (; at < end; at++) {
        const change = packed[at] ?? 0
        const slot = change >>> 2
        const deleted = (change & 3) === 2
        if (deleted) gone.push(slot)
        if (!wanted) continue
        const name = this.#name(slot)
        if (deleted) {
          changed.delete(slot)
          removed.set(slot, name)
        } else {
          removed.delete(slot)
          changed.set(slot, name)
        }
      }
      if (wanted) {
        transactions.push({ snapshot: (header & 1) === 1, changed: [...changed.values()], removed: [...removed.values()] })
      }
    }
    // The slot may be another item's soon.
    for (const slot of gone) this.#drop(slot)
    return transactions
  }

  /** For a shot: the bytes of values, copied together. */
  copy(slots: readonly number[]): Uint8Array[] {
    const places = slots.map((slot) => [this.#reader.valuePtr(slot), this.#reader.valueLen(slot)] as const)
    const all = new Uint8Array(places.reduce((sum, [, length]) => sum + length, 0))
    let at = 0
    return places.map(([pointer, length]) => {
      const raw = all.subarray(at, (at += length))
      raw.set(Memory.view(pointer, length))
      return raw
    })
  }

  /** For a shot: the value, if it is still the one of this epoch. */
  current(slot: number, epoch: number): unknown {
    return this.#epoch(slot) === epoch ? this.#value(slot) : undefined
  }

  #find(kind: string, key: string): number | undefined {
    if (typeof kind !== 'string' || typeof key !== 'string') return undefined
    let known = this.#slots.get(kind)?.get(key)
    if (known === undefined) {
      known = this.#reader.find(kind, key)
      if (known !== undefined) this.#note(known, { kind, key })
    }
    return known
  }

  #name(slot: number): ItemName {
    return this.#names[slot] ?? this.#note(slot, { kind: this.#reader.kind(slot), key: this.#reader.key(slot) })
  }

  #note(slot: number, name: ItemName): ItemName {
    this.#names[slot] = Object.freeze(name)
    let keys = this.#slots.get(name.kind)
    if (keys === undefined) this.#slots.set(name.kind, (keys = new Map()))
    keys.set(name.key, slot)
    return name
  }

  #drop(slot: number): void {
    const name = this.#names[slot]
    this.#names[slot] = this.#seen[slot] = this.#values[slot] = undefined
    if (name !== undefined && this.#slots.get(name.kind)?.get(name.key) === slot) {
      this.#slots.get(name.kind)?.delete(name.key)
    }
  }

  #epoch(slot: number): number {
    this.#epochs ??= this.#reader.epochsPtr()
    return Memory.word(this.#epochs, slot)
  }

  /** The value of this epoch, if somebody still holds it. */
  #held(slot: number, epoch: number): unknown {
    if (this.#seen[slot] !== epoch) return undefined
    const held = this.#values[slot]
    return held instanceof WeakRef ? (held.deref() as unknown) : held
  }

  #value(slot: number): unknown {
    const epoch = this.#epoch(slot)
    const held = this.#held(slot, epoch)
    if (held === UNREADABLE) return undefined
    if (held !== undefined) return held
    const pointer = this.#reader.valuePtr(slot)
    if (pointer === 0) return undefined
    const text = Memory.text(pointer, this.#reader.valueLen(slot))
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      value = UNREADABLE
      this.#unreadable(this.#fault(slot, error))
    }
    this.#seen[slot] = epoch
    this.#values[slot] = typeof value === 'object' && value !== null ? new WeakRef(value) : value
    return value === UNREADABLE ? undefined : value
  }

  #fault(slot: number, error: unknown): HighwaterError {
    const { kind, key } = this.#name(slot)
    const { cursor } = this
    const message = `the value of ${kind}/${key} is not JSON: ${(error as Error).message}`
    return new HighwaterError('bad-value', message, { kind, key, cause: error, ...(cursor === undefined ? {} : { cursor }) })
  }
}

const UNREADABLE = Symbol('unreadable')
