// A second session that is told what was recorded, and so comes to the same state.

import * as Bit from '../bit.js'
import * as Input from '../input.js'
import { Machine } from '../machine.js'
import type { HighwaterError } from '../errors.js'
import { needModule } from '../module.js'
import { numbersOf } from '../options.js'
import type { ProtocolOptions } from '../protocols.js'
import { restore } from '../restore.js'
import { partsOf } from '../status.js'
import { type TraceStep, traced } from '../trace.js'
import type { ItemName, Version } from '../types.js'
import { Names } from '../names.js'
import { textOf, versionIn } from './reading.js'
import type { BaseEntry, Entry, EventEntry } from './recording.js'

/** An item as it stood: its version, and its value as JSON. */
export interface Held extends ItemName {
  readonly version: Version
  readonly text: string
}

/** A state that is worked out from entries. Its time is its own: it waits for nothing. */
export class Replica {
  readonly #protocol: ProtocolOptions
  #machine: Machine
  #names: Names
  #connection = 0
  #now = 0
  #wake = 0
  /** The session waits for what the poll address answers: it is among the events as one of type `poll`. */
  #polls = false

  readonly #traces: boolean

  /** `traces` is for {@link Replica.steps}. */
  constructor(protocol: ProtocolOptions, traces = false) {
    this.#protocol = protocol
    this.#traces = traces
    ;[this.#machine, this.#names] = this.#made()
  }

  get size(): number {
    return this.#machine.module.size(this.#machine.handle)
  }

  /** Whether it is in a connection, as the store was then: not after a fault, before the next one. */
  get isConnected(): boolean {
    return this.#connection !== 0
  }

  /** Where the stream stands. */
  get cursor(): string | undefined {
    return this.#machine.position()[0] ?? undefined
  }

  /** The session's machine, to be looked at. */
  get machine(): Machine {
    return this.#machine
  }

  /** Every item, by kind and key. */
  *items(): Generator<Held> {
    for (const { kind, key } of this.names()) yield this.item(kind, key) as Held
  }

  names(): ItemName[] {
    const { module, handle } = this.#machine
    module.say([undefined])
    return this.#names.all(module.numbersOf(module.slots(handle)).slice())
  }

  item(kind: string, key: string): Held | undefined {
    const version = versionIn(this.#machine, kind, key)
    return version === undefined ? undefined : { kind, key, version, text: textOf(this.#machine, kind, key) ?? '' }
  }

  /** Takes in one entry. */
  take(entry: Entry): void {
    if (entry.type === 'event') this.#event(entry)
    else if (entry.type === 'base' && (entry.why !== 'key' || this.#connection === 0)) this.#base(entry)
  }

  /** What was wrong with the last event, if something was. */
  get fault(): HighwaterError | undefined {
    return partsOf(this.#machine).error
  }

  /** What the last event did. */
  steps(): readonly TraceStep[] {
    return traced(this.#machine, 0).at(-1)?.steps ?? []
  }

  [Symbol.dispose](): void {
    this.#machine.free()
  }

  #event({ event, data, id }: EventEntry): void {
    const { module, handle } = this.#machine
    if (this.#connection === 0) return
    if (this.#polls && event === POLL) {
      this.#polls = false
      this.#took(module.session_fetched(handle, this.#now, this.#connection, 200, module.give(new TextEncoder().encode(data))))
    } else this.#input(Input.Event, this.#connection, data, event, id)
  }

  #base({ state, standing }: BaseEntry): void {
    if (state === undefined) return this.#connect()
    this.#machine.free()
    this.#connection = 0
    ;[this.#machine, this.#names] = this.#made()
    if (standing < 0) {
      const [, fault] = restore(this.#machine, this.#now, state)
      if (fault !== undefined) throw fault
    }
    this.#connect()
    const { module, handle } = this.#machine
    if (standing < 0) return
    this.#took(module.session_join(handle, this.#now, this.#connection, standing, module.give(state)))
  }

  /** Makes the next connection, however long one would have to wait for it. */
  #connect(): void {
    if (this.#connection !== 0) {
      const id = this.#connection
      this.#connection = 0
      this.#input(Input.Ended, id)
    } else if (this.#wake === 0) this.#input(Input.Start, 0)
    // A session that has stopped for good asks for none.
    for (let tries = 0; this.#connection === 0 && tries < 3; tries += 1) {
      this.#now = Math.max(this.#now, this.#wake)
      this.#input(Input.Wake, 0)
    }
    if (this.#connection === 0) return
    this.#took(this.#machine.opened(this.#now, this.#connection, 200, 'text/event-stream'))
  }

  #input(what: number, connection: number, ...texts: string[]): void {
    this.#took(this.#machine.input(this.#now, what, connection, 0, ...texts))
  }

  #took(bits: number): void {
    if ((bits & Bit.Gone) !== 0) this.#names.drop(this.#names.packed())
    if ((bits & Bit.Effects) === 0) return
    for (const [type, number] of this.#machine.effects()) {
      if (type === 'connect') this.#connection = number
      else if (type === 'disconnect' && number === this.#connection) this.#connection = 0
      else if (type === 'wake') this.#wake = number
      else if (type === 'fetch') this.#polls = true
    }
  }

  #made(): [Machine, Names] {
    this.#wake = 0
    this.#polls = false
    // What the state is does not depend on chance, nor on how long one waits.
    const machine = new Machine(needModule('devtools'), this.#protocol, numbersOf({ idle: false }, 1))
    if (this.#traces) machine.trace(true)
    return [machine, new Names(machine)]
  }
}

/** As what the answer of a poll address is traced. */
export const POLL = 'poll'
