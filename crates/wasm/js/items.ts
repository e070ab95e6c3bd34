// Reads of a state in the module's memory: nothing is parsed that nobody reads, and what was
// parsed is the same object until its version moves.

import { HighwaterError } from './errors.js'
import { Bit, type Machine } from './machine.js'
import { Names } from './names.js'
import type { Transacted } from './reads.js'
import { Shot, type ShotSource } from './shot.js'
import { type ItemName, type Version, versionOf } from './types.js'

/** Reads items, and keeps what it parsed for as long as somebody else does. */
export class Items implements ShotSource {
  readonly #raw: Machine
  readonly #names: Names
  readonly #unreadable: (error: HighwaterError) => void
  /** Per slot, the epoch of the value that was parsed, and that value: weakly, if it can be held so. */
  readonly #seen: (number | undefined)[] = []
  readonly #values: unknown[] = []
  /** Where the epochs are, as long as nothing is taken in. */
  #epochs = 0
  #shots = new Map<string, WeakRef<Shot<unknown>>>()
  #whole: WeakRef<object> | undefined

  constructor(raw: Machine, unreadable: (error: HighwaterError) => void) {
    this.#raw = raw
    this.#names = new Names(raw)
    this.#unreadable = unreadable
  }

  get size(): number {
    return this.#raw.module.size(this.#raw.handle)
  }

  get version(): number {
    return this.#raw.module.revision(this.#raw.handle)
  }

  get cursor(): string | undefined {
    return this.#raw.position()[0] ?? undefined
  }

  get mode(): 'inactive' | 'changes' | 'full' | undefined {
    return (this.#raw.position()[1] ?? undefined) as 'inactive' | 'changes' | 'full' | undefined
  }

  get(kind: string, key: string): unknown {
    const slot = this.#names.find(kind, key)
    return slot === undefined ? undefined : this.#value(slot)
  }

  has(kind: string, key: string): boolean {
    return this.#names.find(kind, key) !== undefined
  }

  versionOf(kind: string, key: string): Version | undefined {
    const slot = this.#names.find(kind, key)
    return slot === undefined ? undefined : versionOf(this.#raw.module.version(this.#raw.handle, slot))
  }

  tombstones(): (ItemName & { readonly version: Version })[] {
    const flat = this.#raw.module.jsonOf(this.#raw.module.tombstones(this.#raw.handle))
    return Array.from({ length: flat.length / 3 }, (_, at) => {
      const [kind, key, version] = flat.slice(at * 3, at * 3 + 3) as [string, string, string | number]
      return { kind, key, version: versionOf(version) }
    })
  }

  names(kind?: string): ItemName[] {
    return this.#names.all(this.#slots(kind))
  }

  /** Items that can be read. */
  entries(kind: string): [string, unknown][] {
    const slots = this.#slots(kind)
    const names = this.#names.all(slots)
    const values = slots.map((slot) => this.#held(slot, this.#epoch(slot)))
    const bare = slots.flatMap((_, at) => (values[at] === undefined ? [at] : []))
    this.texts(bare.map((at) => slots[at] as number), (text, index) => {
      const at = bare[index] as number
      const slot = slots[at] as number
      values[at] = text === undefined ? (this.#value(slot) ?? UNREADABLE) : this.#parse(slot, this.#epoch(slot), text)
    })
    return names.flatMap(({ key }, at) => (values[at] === UNREADABLE ? [] : [[key, values[at]] as [string, unknown]]))
  }

  /** All items of one kind at this moment. */
  shot(kind: string): Shot<unknown> {
    const last = this.#shots.get(kind)?.deref()
    const { version } = this
    if (last?.version === version) return last
    const slots = this.#slots(kind)
    const cells = this.#names.all(slots).map(({ key }, at) => {
      const slot = slots[at] as number
      const epoch = this.#epoch(slot)
      return last?.reuse(key, slot, epoch) ?? { key, slot, epoch, from: undefined, value: this.#held(slot, epoch) }
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

  /** What the last input changed, in order, as far as it is wanted. Call it after each. */
  took(bits: number, wanted: 'nothing' | 'changes' | 'all'): Transacted[] {
    this.#epochs = 0
    const any = wanted !== 'nothing' && (bits & Bit.Commits) !== 0
    const transactions = any ? this.#names.transactions(wanted === 'all') : []
    if ((bits & Bit.Gone) !== 0) for (const slot of this.#names.drop()) this.#seen[slot] = this.#values[slot] = undefined
    return transactions
  }

  /** The texts of values, `undefined` for one that has none. They are decoded some hundreds at a time. */
  texts(slots: readonly number[], then: (text: string | undefined, index: number) => void): void {
    for (let start = 0; start < slots.length; start += BATCH) {
      const count = this.#raw.module.giveWords(slots.slice(start, start + BATCH))
      const text = this.#raw.module.textOf(this.#raw.module.values(this.#raw.handle, count))
      let at = 0
      this.#raw.module.numbersOf(count).slice().forEach((length, index) => {
        then(length === NO_TEXT ? undefined : text.slice(at, (at += length)), start + index)
      })
    }
  }

  /** For a shot: the value, if it is still the one of this epoch. */
  current(slot: number, epoch: number): unknown {
    return this.#epoch(slot) === epoch ? this.#value(slot) : undefined
  }

  #slots(kind: string | undefined): number[] {
    this.#raw.module.say([kind])
    return Array.from(this.#raw.module.numbersOf(this.#raw.module.slots(this.#raw.handle)))
  }

  #epoch(slot: number): number {
    this.#epochs ||= this.#raw.module.epochs(this.#raw.handle) >>> 2
    return this.#raw.module.words()[this.#epochs + slot] ?? 0
  }

  /** The value of this epoch, if somebody still holds it. */
  #held(slot: number, epoch: number): unknown {
    if (this.#seen[slot] !== epoch) return undefined
    const held = this.#values[slot]
    return held instanceof WeakRef ? (held.deref() as unknown) : held
  }

  #value(slot: number): unknown {
    const epoch = this.#epoch(slot)
    let held = this.#held(slot, epoch)
    if (held === undefined) {
      if (this.#raw.module.value(this.#raw.handle, slot) === 0) return undefined
      const [pointer = 0, length = 0] = this.#raw.module.numbersOf(2)
      held = this.#parse(slot, epoch, this.#raw.module.decode(pointer, length))
    }
    return held === UNREADABLE ? undefined : held
  }

  #parse(slot: number, epoch: number, text: string): unknown {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      value = UNREADABLE
      this.#unreadable(this.#fault(slot, error))
    }
    this.#seen[slot] = epoch
    this.#values[slot] = typeof value === 'object' && value !== null ? new WeakRef(value) : value
    return value
  }

  #fault(slot: number, error: unknown): HighwaterError {
    const { kind, key } = this.#names.of(slot)
    const { cursor } = this
    const message = `the value of ${kind}/${key} is not JSON: ${(error as Error).message}`
    return new HighwaterError('bad-value', message, { kind, key, cause: error, ...(cursor === undefined ? {} : { cursor }) })
  }
}

const UNREADABLE = Symbol('unreadable')
const BATCH = 512
const NO_TEXT = 2 ** 32 - 1
