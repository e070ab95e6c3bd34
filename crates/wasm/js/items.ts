// Reads of a state in the module's memory: nothing is parsed that nobody reads, and what was
// parsed is the same object until its version moves.

import * as Bit from './bit.js'
import { HighwaterError } from './errors.js'
import type { Machine } from './machine.js'
import { type Later, Names, put } from './names.js'
import type { Judge } from './schema.js'
import { Shot, type ShotSource, UNREADABLE } from './shot.js'
import { type ItemName, type Version, versionOf } from './types.js'

/**
 * Reads items, and keeps what it parsed for as long as somebody else does: each value is held by a
 * `WeakRef`, but for some that were parsed lately. (To make one costs a third of what parsing does,
 * and many values are read again, or replaced, before anybody could collect them.)
 */
export class Items implements ShotSource {
  /** Whose state it is. */
  readonly raw: Machine
  readonly #names: Names
  readonly #unreadable: (error: HighwaterError) => void
  readonly #judge: Judge | undefined
  /** Per slot, the epoch of the value that was parsed, and that value, or a `WeakRef` of it. */
  readonly #seen: (number | undefined)[] = []
  readonly #values: unknown[] = []
  /** Slots whose values were parsed lately, in order; those before `#aged` are held weakly by now. */
  #young: number[] = []
  #aged = 0
  /** The epochs, as long as nothing is taken in. */
  #epochs: Uint32Array | undefined
  #shots = new Map<string, WeakRef<Shot<unknown>>>()
  #whole: WeakRef<object> | undefined

  constructor(raw: Machine, unreadable: (error: HighwaterError) => void, judge?: Judge) {
    this.raw = raw
    this.#judge = judge
    this.#names = new Names(raw)
    this.#unreadable = unreadable
  }

  get size(): number {
    return this.raw.module.size(this.raw.handle)
  }

  get version(): number {
    return this.raw.module.revision(this.raw.handle)
  }

  get cursor(): string | undefined {
    return this.raw.position()[0] ?? undefined
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
    return slot === undefined ? undefined : versionOf(this.raw.module.version(this.raw.handle, slot))
  }

  names(kind?: string): ItemName[] {
    return this.#names.all(this.#slots(kind))
  }

  keys(kind: string): string[] {
    return this.#names.keys(this.#slots(kind))
  }

  /** Items that can be read. */
  entries(kind: string): [string, unknown][] {
    const slots = this.#slots(kind)
    const keys = this.#names.keys(slots)
    const values = this.values(slots)
    const entries: [string, unknown][] = []
    for (let at = 0; at < values.length; at++) {
      if (values[at] !== undefined) entries.push([keys[at] as string, values[at]])
    }
    return entries
  }

  namesOf(slots: ArrayLike<number>): ItemName[] {
    return this.#names.all(slots)
  }

  /** Values, `undefined` where one cannot be read. */
  values(slots: ArrayLike<number>): unknown[] {
    const values = new Array<unknown>(slots.length)
    /** Where in the list values are that have to be parsed; and their slots. */
    const bare: number[] = []
    const unread: number[] = []
    const put = (at: number, value: unknown): void => void (values[at] = value === UNREADABLE ? undefined : value)
    for (let at = 0; at < slots.length; at++) {
      const slot = slots[at] as number
      const held = this.#held(slot, this.epoch(slot))
      if (held !== undefined) put(at, held)
      else {
        bare.push(at)
        unread.push(slot)
      }
    }
    this.texts(unread, (text, index) => {
      const slot = unread[index] as number
      put(bare[index] as number, text === undefined ? this.#value(slot) : this.#parse(slot, this.epoch(slot), text))
    })
    return values
  }

  /** All items of one kind at this moment. */
  shot(kind: string): Shot<unknown> {
    const last = this.#shots.get(kind)?.deref()
    const { version } = this
    if (last?.version === version) return last
    const slots = this.#slots(kind)
    const cells = this.#names.keys(slots).map((key, at) => {
      const slot = slots[at] as number
      const epoch = this.epoch(slot)
      return last?.reuse(key, slot, epoch) ?? { key, slot, epoch, from: undefined, value: this.#held(slot, epoch) }
    })
    if (last?.holds(cells)) {
      last.version = version
      return last
    }
    const shot = new Shot<unknown>(this, kind, version, cells)
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

  /** Something was taken in: call it after each input. Answers with the transactions, if they are wanted. */
  took(bits: number, wanted: boolean): Later | undefined {
    this.#epochs = undefined
    if (this.#young.length > LATELY) this.#age()
    if ((bits & (wanted ? Bit.Commits : Bit.Gone)) === 0) return undefined
    const packed = this.#names.packed()
    const later = wanted ? this.#names.later(packed) : undefined
    if ((bits & Bit.Gone) !== 0) for (const slot of this.#names.drop(packed)) if (slot < this.#seen.length) this.#seen[slot] = this.#values[slot] = undefined
    return later
  }

  /** The texts of values, `undefined` for one that has none. They are decoded some hundreds at a time. */
  texts(slots: readonly number[], then: (text: string | undefined, index: number) => void): void {
    for (let start = 0; start < slots.length; start += BATCH) {
      const { module } = this.raw
      const count = module.giveWords(slots.slice(start, start + BATCH))
      const text = module.textOf(module.values(this.raw.handle, count))
      let at = 0
      module.numbersOf(count).slice().forEach((length, index) => {
        then(length === NO_TEXT ? undefined : text.slice(at, (at += length)), start + index)
      })
    }
  }

  /** For a shot: the value, if it is still the one of this epoch. */
  current(slot: number, epoch: number): unknown {
    return this.epoch(slot) === epoch ? this.#value(slot) : undefined
  }

  /** For a shot: what was the value at another time. Throws if it cannot be read. */
  past(kind: string, key: string, text: string): unknown {
    const value = JSON.parse(text) as unknown
    return this.#judge === undefined ? value : this.#judge(kind, key, value)
  }

  #slots(kind: string | undefined): Uint32Array {
    const { module } = this.raw
    module.say([kind])
    return module.numbersOf(module.slots(this.raw.handle)).slice()
  }

  /** Moves exactly when a value of the slot's is replaced or goes. */
  epoch(slot: number): number {
    // A memory that has grown since leaves nothing in the view.
    return this.#epochs?.[slot] ?? (this.#epochs = this.#allEpochs())[slot] ?? 0
  }

  #allEpochs(): Uint32Array {
    const { module } = this.raw
    return module.words().subarray(module.epochs(this.raw.handle) >>> 2)
  }

  /** The value of this epoch, if somebody still holds it. */
  #held(slot: number, epoch: number): unknown {
    if (this.#seen[slot] !== epoch) return undefined
    const held = this.#values[slot]
    return held instanceof WeakRef ? (held.deref() as unknown) : held
  }

  #value(slot: number): unknown {
    const epoch = this.epoch(slot)
    let held = this.#held(slot, epoch)
    if (held === undefined) {
      const { module, handle } = this.raw
      const pointer = module.value(handle, slot)
      if (pointer === 0) return undefined
      held = this.#parse(slot, epoch, module.decode(pointer, module.length(handle, slot)))
    }
    return held === UNREADABLE ? undefined : held
  }

  /** Values that were not parsed lately are held weakly from now on, some at a time. */
  #age(): void {
    const young = this.#young
    const end = Math.min(young.length - LATELY, this.#aged + LATELY / 32 + (young.length >> 6))
    for (; this.#aged < end; this.#aged++) {
      const slot = young[this.#aged] as number
      const value = this.#values[slot]
      if (typeof value === 'object' && value !== null && !(value instanceof WeakRef)) this.#values[slot] = new WeakRef(value)
    }
    if (this.#aged >= LATELY) {
      this.#young = young.slice(this.#aged)
      this.#aged = 0
    }
  }

  #parse(slot: number, epoch: number, text: string): unknown {
    let value: unknown
    try {
      value = JSON.parse(text)
      if (this.#judge !== undefined) {
        const { kind, key } = this.#names.of(slot)
        value = this.#judge(kind, key, value)
      }
    } catch (error) {
      value = UNREADABLE
      this.#unreadable(error instanceof HighwaterError ? error : this.#fault(slot, error))
    }
    put(this.#seen, slot, epoch)
    put(this.#values, slot, value)
    if (typeof value === 'object') this.#young.push(slot)
    return value
  }

  #fault(slot: number, error: unknown): HighwaterError {
    const { kind, key } = this.#names.of(slot)
    const { cursor } = this
    const message = `the value of ${kind}/${key} is not JSON: ${(error as Error).message}`
    return new HighwaterError('bad-value', message, { kind, key, cause: error, ...(cursor === undefined ? {} : { cursor }) })
  }
}

const BATCH = 512
/** So many values are held as they are. */
const LATELY = 2048
const NO_TEXT = 2 ** 32 - 1
