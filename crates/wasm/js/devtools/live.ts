// A store as the panel sees it: in the same page, or somewhere else and told of by messages.

import type { Machine } from '../machine.js'
import type { ItemName, Status } from '../types.js'
import type { Conditions } from './faults.js'
import type { Second } from './rates.js'

/** What became different, by name. */
export interface Names {
  readonly changed: readonly ItemName[]
  readonly removed: readonly ItemName[]
}

/** A store under observation. */
export interface Live {
  readonly status: Status
  /** How many items there are. */
  readonly size: number
  /** Whose memory has the items; nothing but reads goes there. */
  readonly machine: Machine | undefined
  /** How much came, second by second. */
  readonly seconds: readonly Second[]
  /** Whether what happens is recorded. */
  readonly isRecording: boolean
  readonly faults: Breakable
  /** The names of all items. */
  names(): readonly ItemName[]
  /** Ends the recording, or goes on; what happened meanwhile is one step. */
  record(on: boolean): void
  /** Forgets what was recorded, and goes on from the state as it is. */
  clear(): void
  reconnect(): void
  pause(): void
  resume(): void
  /** Calls with what a transaction changed; without, everything may be another. Returns what ends it. */
  onChange(listener: (names?: Names) => void): () => void
  /** Calls whenever more was recorded. Returns what ends it. */
  onMore(listener: () => void): () => void
  /** Lets go of the store, and leaves it as it was found. */
  close(): void
}

/** A wire that can be broken. */
export interface Breakable {
  /** Whether the connection at hand goes through the panel: it does not if it was made before. */
  readonly isTapped: boolean
  /** Whether a connection can: the platform's own event source makes its own. */
  readonly isPossible: boolean
  conditions: Conditions
  /** What was asked for and has not happened yet, in words. */
  readonly pending: readonly string[]
  /** Breaks the connection. */
  cut(): void
  /** Sends each of the next transactions twice. */
  duplicate(count: number): void
  /** Sends the next two transactions the other way around. */
  reorder(): void
  /** Sends the last transactions once more, as a server does that has forgotten. Answers with how many. */
  replay(count: number): number | Promise<number>
  /** Breaks the connection, and answers the next attempts with a status. */
  refuse(status: number, count: number): void
  /** Nothing is to be broken any more. */
  heal(): void
  onChange(listener: () => void): () => void
}
