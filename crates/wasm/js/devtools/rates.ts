// How much comes in each second, over the last minutes.

import type { TraceEvent } from '../trace.js'

/** One second. */
export interface Second {
  /** In seconds since 1970. */
  readonly at: number
  events: number
  bytes: number
  /** Items that became different. */
  changes: number
  /** Items that were refused. */
  refused: number
  /** How long the state had been out of date, and how many items there were, when last looked. */
  lag: number
  size: number
}

/** The last so many seconds, one after the other: those in which nothing came are there too. */
export class Rates {
  readonly #seconds: Second[] = []

  get seconds(): readonly Second[] {
    return this.#seconds
  }

  count({ at, bytes, steps }: Pick<TraceEvent, 'at' | 'bytes' | 'steps'>): void {
    const second = this.#second(at)
    second.events += 1
    second.bytes += bytes
    for (const { action } of steps) {
      if (action === 'insert' || action === 'updated' || action === 'delete') second.changes += 1
      else if (action === 'noop' || action === 'seen') second.refused += 1
    }
  }

  /** Notes how things are now. */
  sample(at: number, lag: number, size: number): void {
    Object.assign(this.#second(at), { lag, size })
  }

  #second(millis: number): Second {
    const at = Math.floor(millis / 1000)
    const last = this.#seconds.at(-1)
    // A clock that was put back does not take what is there away.
    if (last !== undefined && at <= last.at) return last
    const { lag = 0, size = 0 } = last ?? {}
    for (let next = Math.max((last?.at ?? at - 1) + 1, at - KEPT + 1); next <= at; next += 1) {
      this.#seconds.push({ at: next, events: 0, bytes: 0, changes: 0, refused: 0, lag, size })
    }
    this.#seconds.splice(0, this.#seconds.length - KEPT)
    return this.#seconds.at(-1) as Second
  }
}

/** Five minutes. */
const KEPT = 300
