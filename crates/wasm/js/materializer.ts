// Bytes or events in, state out: for streams that come by a way of the application's own.

import * as Bit from './bit.js'
import { HighwaterError } from './errors.js'
import { errorOf } from './faults.js'
import { Items } from './items.js'
import { Machine } from './machine.js'
import { needModule, write } from './module.js'
import type { Later } from './names.js'
import { check, described, numbersOf, refuse, type Table, TOMBSTONES, type TombstoneOptions } from './options.js'
import { isProtocol, type ProtocolOptions } from './protocols.js'
import { Reads, type Transacted } from './reads.js'
import { restore } from './restore.js'
import { type TraceEvent, traced } from './trace.js'
import type { AnyKinds } from './types.js'
import { isView, type View, viewing } from './view.js'

/** The choices that a materializer leaves open. */
export interface MaterializerOptions {
  /** What the stream speaks. Default: `fdv2`. */
  readonly protocol?: ProtocolOptions
  /** Whether the old state stays until a new snapshot is whole, or is emptied first (as Consul's own client does). Default: `aside`. */
  readonly refill?: 'aside' | 'empty-first'
  /** When values are checked to be JSON. Default: `read`. */
  readonly validate?: 'read' | 'ingest'
  /** How deletions are remembered. */
  readonly tombstones?: TombstoneOptions
  /** The largest event, in bytes. */
  readonly maxBytes?: number
  /** Whether to record what every event does, for {@link Materializer.takeTrace}. */
  readonly trace?: boolean
}

/** What came of bytes or of an event. */
export interface PushResult {
  /** The transactions that took effect: found out when somebody asks. */
  readonly transactions: readonly Transacted[]
  /** How many events and comments there were. */
  readonly events: number
  /** The server said that the state is its own. */
  readonly upToDate: boolean
  /** The server's word on the resume. */
  readonly resumed: boolean | undefined
  /** The connection is to be made anew. */
  readonly reconnect: boolean
  /** The server announced that it will close, and why. */
  readonly goodbye: string | undefined
  /** The state is to be fetched anew: give the answer to {@link Materializer.fetched}. */
  readonly invalidated: boolean
  /** A fault that was passed over. */
  readonly fault: HighwaterError | undefined
}

/**
 * Keeps the state of a stream whose bytes, or events, it is given. It makes no connections; say
 * {@link Materializer.connected} when a new one begins.
 *
 * @example
 * const flags = new Materializer({ protocol: 'relay' })
 * for await (const chunk of response.body) flags.push(chunk)
 * flags.get('flags', 'dark-mode')
 */
export class Materializer<T extends object = AnyKinds> extends Reads<T> {
  readonly #raw: Machine
  readonly #view: View | undefined
  protected readonly items: Items
  #unreadable: HighwaterError | undefined
  readonly #traced: boolean
  /** Where the data of events is written. */
  #data: Uint8Array = new Uint8Array(0)

  constructor(options: MaterializerOptions = {}, view?: View) {
    super()
    check('options', options, OPTIONS, 'option ')
    const { protocol, refill, trace } = options as MaterializerOptions
    isProtocol(protocol)
    isView(view)
    const numbers = numbersOf(options as MaterializerOptions, undefined, refill === 'empty-first')
    this.#view = view
    this.#raw = new Machine(needModule('Materializer'), protocol, numbers, view !== undefined)
    this.items = new Items(this.#raw, (error) => (this.#unreadable = error))
    this.#traced = trace === true
    if (this.#traced) this.#raw.trace(true)
  }

  /** The last event id of the stream; empty if there is none. */
  get lastEventId(): string {
    return this.#raw.position()[2]
  }

  /** The last value that was read and is not JSON. */
  get unreadable(): HighwaterError | undefined {
    return this.#unreadable
  }

  /**
   * Reads the next bytes, cut anywhere. Throws a {@link HighwaterError} at bytes that are at
   * fault; what was committed before holds, and the rest of the connection is not to be read.
   */
  push(bytes: Uint8Array): PushResult {
    if (!(bytes instanceof Uint8Array)) refuse(`push needs a Uint8Array, not ${described(bytes)}`)
    return this.#take(Push.Bytes, this.#raw.module.give(bytes))
  }

  /** Reads one event, as an `EventSource` hands it over; otherwise as {@link Materializer.push}. */
  pushEvent(event: { readonly type?: string; readonly data: string; readonly id?: string }): PushResult {
    if (typeof event !== 'object' || event === null || typeof event.data !== 'string') {
      refuse(`pushEvent needs an object with data as a string, not ${described(event)}`)
    }
    const { data } = event
    const type = event.type ?? 'message'
    const id = event.id ?? ''
    const { module } = this.#raw
    const at = module.input(12 + 3 * (data.length + type.length + id.length))
    const all = module.bytes()
    // Made anew, this would take as long as what it is for.
    if (this.#data.byteOffset !== at + 4) this.#data = all.subarray(at + 4)
    const end = write(all, write(all, at, data, this.#data), type)
    if (id !== '') write(all, end, id)
    // An item waits for the end of its transaction, and it is then that the time counts, which takes long to find out.
    return this.#take(Push.Event, id === '' ? 2 : 3, type === 'put-object' && !this.#traced ? 0 : Date.now())
  }

  /** Reads the answer to a fetch that {@link PushResult.invalidated} asked for. */
  fetched(body: Uint8Array): PushResult {
    if (!(body instanceof Uint8Array)) refuse(`fetched needs a Uint8Array, not ${described(body)}`)
    return this.#take(Push.Fetched, this.#raw.module.give(body))
  }

  /** A new connection begins: what the old one left unfinished is dropped. */
  connected(options: { readonly lines?: boolean } = {}): void {
    this.#raw.module.connected(this.#raw.handle, options.lines === undefined ? 0 : options.lines ? 2 : 1)
  }

  /** Drops the position: the next connection is to ask for everything. */
  reset(): void {
    viewing(this.#raw, this.#view, () => this.#raw.module.connected(this.#raw.handle, 3))
    this.items.took(Bit.Commits | Bit.Gone, false)
  }

  /** The state and the position as bytes: what {@link Materializer.restore} takes up again, here or elsewhere. */
  checkpoint(): Uint8Array {
    return this.#raw.checkpoint()
  }

  /** Takes up a checkpoint as a snapshot. Throws a {@link HighwaterError} at bytes that are none of this protocol: then nothing has changed. */
  restore(checkpoint: Uint8Array): void {
    if (!(checkpoint instanceof Uint8Array)) refuse(`restore needs a Uint8Array, not ${described(checkpoint)}`)
    let fault: HighwaterError | undefined
    const take = (): number => {
      const [bits, wrong] = restore(this.#raw, Date.now(), checkpoint)
      fault = wrong
      return bits
    }
    this.items.took(this.#view === undefined ? take() : viewing(this.#raw, this.#view, take), false)
    if (fault !== undefined) throw fault
  }

  /** What every event did since this was last called. */
  takeTrace(): TraceEvent[] {
    return traced(this.#raw, 0)
  }

  /** Frees its memory in the module. */
  [Symbol.dispose](): void {
    this.#raw.free()
  }

  #take(what: Push, size: number, now = Date.now()): PushResult {
    const { module, handle } = this.#raw
    let thrown: unknown
    const bits =
      this.#view === undefined
        ? module.push(handle, now, what, size)
        : viewing(this.#raw, this.#view, () => module.push(handle, now, what, size), (error) => (thrown = error))
    const events = what === Push.Bytes ? module.numberAt(0) : 1
    const signals = (bits & Bit.Told) === 0 ? undefined : (module.jsonOf(module.numberAt(1)) as SignalParts)
    const transactions = this.items.took(bits, true)
    if (signals === undefined) return transactions === undefined && events === 1 ? TAKEN : new Pushed(events, transactions)
    const fault = signals[5]
    let error = fault === null ? undefined : errorOf(fault, this.cursor)
    if (error?.code === 'view') error = new HighwaterError('view', error.message, { cause: thrown, ...cursorOf(this.cursor) })
    if ((bits & Bit.Fault) !== 0 && error !== undefined) throw error
    return new Pushed(events, transactions, signals, error)
  }
}

type SignalParts = [number, number | null, number, string | null, number, unknown]

/** What came of a push. Most have nothing to tell but how many events there were. */
class Pushed implements PushResult {
  readonly events: number
  readonly fault: HighwaterError | undefined
  readonly #transactions: Later | undefined
  readonly #signals: SignalParts | undefined

  constructor(events: number, transactions?: Later, signals?: SignalParts, fault?: HighwaterError) {
    this.events = events
    this.fault = fault
    this.#transactions = transactions
    this.#signals = signals
  }

  get transactions(): readonly Transacted[] {
    return this.#transactions?.(true) ?? []
  }

  get upToDate(): boolean {
    return this.#signals?.[0] === 1
  }

  get resumed(): boolean | undefined {
    const resumed = this.#signals?.[1] ?? undefined
    return resumed === undefined ? undefined : resumed === 1
  }

  get reconnect(): boolean {
    return this.#signals?.[2] === 1
  }

  get goodbye(): string | undefined {
    return this.#signals?.[3] ?? undefined
  }

  get invalidated(): boolean {
    return this.#signals?.[4] === 1
  }
}

/** What comes of most events: they are taken in, and that is that. */
const TAKEN = new Pushed(1)

const enum Push {
  Bytes,
  Event,
  Fetched,
}

function cursorOf(cursor: string | undefined): { cursor?: string } {
  return cursor === undefined ? {} : { cursor }
}

/** What each option must be. */
export const OPTIONS: Readonly<Record<keyof MaterializerOptions, string | Table>> = {
  protocol: '*',
  refill: "'aside'|'empty-first'",
  validate: "'read'|'ingest'",
  tombstones: TOMBSTONES,
  maxBytes: '1..2147483647',
  trace: '*',
}
