// What follows a store's state: live views, and views of the application's own.

import type { HighwaterError } from './errors.js'
import type { Items } from './items.js'
import type { Machine } from './machine.js'
import type { Transacted } from './reads.js'

/** Something that follows the state. */
export interface Follower {
  /** Whether it wants to know of the transactions. */
  readonly hears: boolean
  /** Whether it needs the module with everything. */
  readonly whole: boolean
  /** The module is there. Throws what is wrong with what it was given. */
  start(machine: Machine, items: Items): void
  /** The state has moved: after each input that committed anything, before listeners are told. */
  follow(transactions: () => readonly Transacted[]): void
  /** The module is of no use any more. */
  stop(): void
}

/** The store that is followed. */
export interface Followed {
  /** Has the follower started, at once or when the module is there. */
  begin(follower: Follower): void
  /** Has listeners told in their turn; `failed` hears of those that throw. */
  tell(call: (failed: (error: unknown) => void) => void): void
  /** Their turn has come, unless somebody is being told just now. */
  flush(): void
  /** Hears of what went wrong. */
  fail(error: HighwaterError): void
  /** Whether somebody listens, for whom the follower must be there. */
  hold(follower: Follower, on: boolean): void
}

/** All that follow one store. They are held for as long as somebody else holds them, or listens. */
export class Followers {
  readonly #all = new Set<WeakRef<Follower>>()
  readonly #held = new Set<Follower>()

  /** Whether any of them wants to know of the transactions. */
  get hear(): boolean {
    let hear = false
    this.each(({ hears }) => (hear ||= hears))
    return hear
  }

  add(follower: Follower): void {
    this.#all.add(new WeakRef(follower))
  }

  hold(follower: Follower, on: boolean): void {
    if (on) this.#held.add(follower)
    else this.#held.delete(follower)
  }

  each(then: (follower: Follower) => void): void {
    for (const one of this.#all) {
      const follower = one.deref()
      if (follower === undefined) this.#all.delete(one)
      else then(follower)
    }
  }
}
