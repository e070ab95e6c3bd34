// The words of the API.

import type { HighwaterError } from './errors.js'

/** What a store may hold: by kind, the type of its values. */
export type Kinds = Record<string, unknown>

/** A store of which no more is known. */
export interface AnyKinds {
  [kind: string]: unknown
}

/** A version: a number as long as that is exact, and a bigint beyond. */
export type Version = number | bigint

/** Which item. */
export interface ItemName<K extends string = string> {
  /** What sort of thing it is. */
  readonly kind: K
  /** What tells it from others of its kind. */
  readonly key: string
}

/** One committed transaction, as far as a listener asked for it. */
export interface Change<T extends object = AnyKinds> {
  /** What is new or has another value. */
  readonly changed: readonly ItemName<keyof T & string>[]
  /** What is gone. */
  readonly removed: readonly ItemName<keyof T & string>[]
  /** Whether the transaction was a whole new state. Only what differs is listed all the same. */
  readonly snapshot: boolean
  /** The store's version: that of the state that is read now. */
  readonly version: number
  /** Where the stream stands. */
  readonly cursor: string | undefined
}

/**
 * What a listener wants to hear of: one kind, or of it one key, some keys, or keys with a prefix.
 * However many others listen, a change costs what it concerns.
 */
export type Scope<T extends object = AnyKinds> =
  | (keyof T & string)
  | {
      readonly kind: keyof T & string
      readonly key?: string
      readonly keys?: Iterable<string>
      readonly prefix?: string
    }

/**
 * What the store is about.
 *
 * - `connecting`: there is no state yet, and no connection
 * - `syncing`: there is a connection, and its first state is on the way
 * - `live`: the state is the server's
 * - `stale`: the state is an earlier one of the server's; a newer one is being fetched
 * - `paused`: the application paused the store
 * - `offline`: there is no network
 * - `stopped`: it is over: closed, or met with a fault that cannot heal (see `error`)
 */
export type Phase = 'connecting' | 'syncing' | 'live' | 'stale' | 'paused' | 'offline' | 'stopped'

/** How a store stands at one moment. Never changed: a new one takes its place. */
export interface Status {
  /** What the store is about. */
  readonly phase: Phase
  /** Whether a connection is open. */
  readonly connected: boolean
  /** Where the stream was last whole. */
  readonly cursor: string | undefined
  /** Moves with every transaction that changed anything. */
  readonly version: number
  /** How many connections were tried since the store was last live; 0 while it is. */
  readonly attempt: number
  /** How many failures the next wait is for. */
  readonly failures: number
  /** For how many milliseconds the state may have been out of date; 0 while live. */
  readonly lag: number
  /** Whether the last connection went on where the stream was left, or began anew. */
  readonly resumed: boolean | undefined
  /** When the next connection will be tried, in milliseconds since 1970. */
  readonly retryAt: number | undefined
  /** The last fault; gone with the next update. */
  readonly error: HighwaterError | undefined
  /** How much of an unfinished transfer is there: items, and the position that it leads to. */
  readonly progress: { readonly received: number; readonly target: number | undefined } | undefined
}

/** A state at one moment. It never changes; values are parsed when they are read. */
export type Snapshot<T extends object = AnyKinds> = {
  readonly [K in keyof T & string]?: ReadonlyMap<string, T[K]>
}

/** The reads of a store, over one kind. */
export interface Collection<V> {
  /** Which kind. */
  readonly kind: string
  /** How many items there are. */
  readonly size: number
  /** The value; the same object until the item's version moves. */
  get(key: string): V | undefined
  /** Whether there is such an item. */
  has(key: string): boolean
  /** The item's version, exact. */
  versionOf(key: string): Version | undefined
  /** All keys. */
  keys(): string[]
  /** All values. */
  values(): V[]
  /** Keys and values. */
  entries(): [string, V][]
  /** All items at this moment; the same reference until one of the kind changes. */
  snapshot(): ReadonlyMap<string, V>
  /** As the store's, for this kind alone. */
  subscribe(listener: (change: Change) => void): () => void
  [Symbol.iterator](): Iterator<[string, V]>
}

/** A version as the module writes it: as text where a number is not exact. */
export function versionOf(version: string | number | bigint): Version {
  if (typeof version === 'number') return version
  const number = Number(version)
  return Number.isSafeInteger(number) ? number : BigInt(version)
}
