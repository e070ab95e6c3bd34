// What happened to a store within a window that is bounded: by entries, and by bytes.

import type { ProtocolOptions } from '../protocols.js'
import type { TraceEvent } from '../trace.js'
import type { Phase } from '../types.js'

/** An event of the wire, and what it did. */
export interface EventEntry extends TraceEvent {
  readonly type: 'event'
}

/** How the store stood, when that became different. */
export interface StatusEntry {
  readonly type: 'status'
  readonly at: number
  readonly phase: Phase
  readonly connected: boolean
  readonly attempt: number
  readonly resumed: boolean | undefined
  readonly error: { readonly code: string; readonly message: string } | undefined
}

/**
 * A connection begins; or the state `moved` without an event (it was restored, fetched, taken over from
 * another tab); or it is only noted (`key`), so that the window can begin here.
 */
export interface BaseEntry {
  readonly type: 'base'
  readonly at: number
  readonly why: 'connection' | 'moved' | 'key'
  /** A checkpoint of the state. Without it, the state is what it was before. */
  readonly state: Uint8Array | undefined
  /** How the stream stands within the connection, as `session_standing` says it; below 0: at its beginning. */
  readonly standing: number
}

/** One thing that happened. */
export type Entry = EventEntry | StatusEntry | BaseEntry

/** How large a recording may become: so many entries, of so many bytes; the states that are noted among them come on top. */
export interface Limits {
  readonly entries: number
  readonly bytes: number
}

/** What is kept unless it is said otherwise. */
export const LIMITS: Limits = { entries: 20_000, bytes: 32 << 20 }

/**
 * Entries in order, the oldest of which go when there are too many. An entry is known by its number,
 * which it keeps. The window begins at a base from which the state can be worked out.
 */
export class Recording {
  readonly protocol: ProtocolOptions
  readonly url: string
  readonly limits: Limits
  #entries: Entry[] = []
  /** The number of the first entry. */
  #first = 0
  /** The numbers of the bases that the window may begin with. */
  #bases: number[] = []
  /** Of the entries; and of the states that are noted among them. */
  #bytes = 0
  #states = 0
  #dropped = 0
  /** Since the last base that has a state. */
  #since = { entries: 0, bytes: 0, state: 0 }

  constructor(url: string, protocol: ProtocolOptions = 'fdv2', limits: Limits = LIMITS) {
    this.url = url
    this.protocol = protocol
    this.limits = limits
  }

  /** The number of the first entry, and that behind the last. */
  get first(): number {
    return this.#first
  }

  get end(): number {
    return this.#first + this.#entries.length
  }

  /** About how much memory it takes. */
  get bytes(): number {
    return this.#bytes + this.#states
  }

  /** How many entries went, because there were too many. */
  get dropped(): number {
    return this.#dropped
  }

  /** The entry of this number, if it is still there. */
  at(number: number): Entry | undefined {
    return this.#entries[number - this.#first]
  }

  /** The entries from one number to before another. */
  slice(from = this.first, to = this.end): readonly Entry[] {
    return this.#entries.slice(Math.max(0, from - this.#first), Math.max(0, to - this.#first))
  }

  /** The base to work out the state from that holds after this entry. */
  baseOf(number: number): number {
    return this.#bases.filter((base) => base <= number).at(-1) ?? this.#first
  }

  /** Whether it is time for a base, so that what is before it can go one day. */
  get wantsBase(): boolean {
    const { entries, bytes, state } = this.#since
    const parts = state > LARGE ? 2 : 4
    return entries > this.limits.entries / parts || bytes > this.limits.bytes / parts
  }

  push(entry: Entry): void {
    const size = sizeOf(entry)
    if (entry.type === 'base' && (entry.state !== undefined || this.#entries.length === 0)) {
      this.#bases.push(this.end)
      this.#since = { entries: 0, bytes: 0, state: entry.state?.length ?? 0 }
    } else {
      this.#since.entries += 1
      this.#since.bytes += size
    }
    this.#entries.push(entry)
    this.#bytes += size
    this.#states += stateOf(entry)
    this.#trim()
  }

  clear(): void {
    this.#first = this.end
    this.#entries = []
    this.#bases = []
    this.#bytes = this.#states = 0
    this.#dropped = 0
    this.#since = { entries: 0, bytes: 0, state: 0 }
  }

  /** Drops the oldest up to the next base, as long as there is too much. The newest base stays. */
  #trim(): void {
    let drop = 0
    let bytes = this.#bytes
    let states = this.#states
    let bases = 0
    while (this.#bases.length - bases > 1 && (this.#entries.length - drop > this.limits.entries || bytes > this.limits.bytes)) {
      bases += 1
      const next = (this.#bases[bases] as number) - this.#first
      for (; drop < next; drop += 1) {
        bytes -= sizeOf(this.#entries[drop] as Entry)
        states -= stateOf(this.#entries[drop] as Entry)
      }
    }
    if (drop === 0) return
    this.#bases.splice(0, bases)
    this.#entries.splice(0, drop)
    this.#first += drop
    this.#dropped += drop
    this.#bytes = bytes
    this.#states = states
  }
}

/** About how much memory an entry takes, without the state that is noted in it. */
function sizeOf(entry: Entry): number {
  if (entry.type === 'event') return 160 + entry.data.length + 120 * entry.steps.length
  return 120
}

function stateOf(entry: Entry): number {
  return entry.type === 'base' ? (entry.state?.length ?? 0) : 0
}

/** A state of this size is noted less often: it takes a copy of all of it. */
const LARGE = 4 << 20
