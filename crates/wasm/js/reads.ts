// The reads that everything with a state has in common.

import type { Items } from './items.js'
import { type AnyKinds, type ItemName, type Snapshot, type Version, versionOf } from './types.js'

/** What changed in one transaction. */
export interface Transacted {
  /** Whether it was a whole new state. */
  readonly snapshot: boolean
  /** What is new or has another value. */
  readonly changed: readonly ItemName[]
  /** What is gone. */
  readonly removed: readonly ItemName[]
  /** Those of `changed` that were not there before. */
  readonly inserted: readonly ItemName[]
}

/** Reads of a state. */
export abstract class Reads<T extends object = AnyKinds> {
  /** @internal */
  protected abstract readonly items: Items

  /** Moves with every transaction that changed anything. */
  get version(): number {
    return this.items.version
  }

  /** How many items there are. */
  get size(): number {
    return this.items.size
  }

  /** Where the stream was last whole. */
  get cursor(): string | undefined {
    return this.items.cursor
  }

  /** Where an FDv2 stream stands; `undefined` for other protocols. */
  get mode(): 'inactive' | 'changes' | 'full' | undefined {
    return (this.items.raw.position()[1] ?? undefined) as 'inactive' | 'changes' | 'full' | undefined
  }

  /** The value of an item: the same object until its version moves. */
  get<K extends keyof T & string>(kind: K, key: string): T[K] | undefined {
    return this.items.get(kind, key) as T[K] | undefined
  }

  /** Whether there is such an item. */
  has(kind: keyof T & string, key: string): boolean {
    return this.items.has(kind, key)
  }

  /** The item's version, exact. */
  versionOf(kind: keyof T & string, key: string): Version | undefined {
    return this.items.versionOf(kind, key)
  }

  /** All items, by kind and key; or those of one kind. */
  keys(kind?: keyof T & string): ItemName[] {
    return this.items.names(kind)
  }

  /** The deletions that are remembered, so that no late message brings an item back. */
  tombstones(): (ItemName & { readonly version: Version })[] {
    const { module, handle } = this.items.raw
    const flat = module.jsonOf(module.tombstones(handle))
    return Array.from({ length: flat.length / 3 }, (_, at) => {
      const [kind, key, version] = flat.slice(at * 3, at * 3 + 3) as [string, string, string | number]
      return { kind, key, version: versionOf(version) }
    })
  }

  /** Keys and values of a kind. */
  entries<K extends keyof T & string>(kind: K): [string, T[K]][] {
    return this.items.entries(kind) as [string, T[K]][]
  }

  /** The whole state at this moment. */
  snapshot(): Snapshot<T> {
    return this.items.snapshot() as Snapshot<T>
  }
}
