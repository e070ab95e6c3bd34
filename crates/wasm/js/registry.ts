// The stores of a page, for who looks at them from outside: highwater/devtools.

import type { Edge } from './edge.js'
import type { Items } from './items.js'
import type { Machine } from './machine.js'
import type { Options } from './options.js'
import type { Store } from './store.js'

/** What whoever looks from outside relies on, this file and what it names: raised when that becomes different. */
export const LEVEL = 1

/** A store, and what is behind it. Its options are its own: another `fetch` in them is called from then on. */
export interface Announced {
  /** {@link LEVEL}, of the package that the store is of. */
  readonly level: number
  readonly store: Store
  readonly url: string
  readonly options: Options
  /** What there is once the module is there. */
  readonly running: () => { readonly machine: Machine; readonly edge: Edge; readonly items: Items } | undefined
  /** As what it is listed. */
  self?: WeakRef<Announced>
}

/** Packages that were bundled twice have one list. */
const STORES = Symbol.for('highwater.stores')
const realm = globalThis as { [STORES]?: Set<WeakRef<Announced>> }

/** Adds a store; nothing in the list holds it. */
export function announce(announced: Announced): void {
  announced.self = new WeakRef(announced)
  registry().add(announced.self)
}

/** Takes a store out again. */
export function withdraw({ self }: Announced): void {
  if (self !== undefined) registry().delete(self)
}

/** All of them: one list, for as long as there is the page. */
export function registry(): Set<WeakRef<Announced>> {
  return (realm[STORES] ??= new Set())
}
