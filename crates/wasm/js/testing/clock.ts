// A clock that stands still until the test moves it on.

import { turn } from './connections.js'

/** The platform's time in a test's hands. */
export interface FakeClock {
  /** Milliseconds, as `performance.now()` gives them. */
  readonly now: number
  /** Moves it on, and runs every timer that comes due, in order, with all that follows from each. */
  advance(millis: number): Promise<void>
  /** Gives the platform its own clock back. Timers that were set meanwhile never go off. */
  restore(): void
  [Symbol.dispose](): void
}

interface Timer {
  readonly at: number
  readonly call: () => void
}

/**
 * Takes the clock over: `setTimeout`, `clearTimeout`, `performance.now` and `Date.now`, from the
 * moment at which it is. Call it before `connect`, so that no timer is the platform's.
 *
 * @example
 * using clock = fakeClock()
 * source.cut()
 * await clock.advance(1000)
 */
export function fakeClock(): FakeClock {
  if (taken) throw new Error('the clock is a fake one already: restore that first')
  taken = true
  const { setTimeout, clearTimeout } = globalThis
  const date = Date.now
  const own = Object.getOwnPropertyDescriptor(performance, 'now')
  const offset = Date.now() - performance.now()
  const timers = new Map<number, Timer>()
  let now = performance.now()
  let last = 0

  const set = (call: (...given: unknown[]) => void, millis = 0, ...given: unknown[]): number => {
    // As the platform has it: what is no time at all is none.
    timers.set(--last, { at: now + (millis > 0 ? millis : 0), call: () => call(...given) })
    return last
  }
  // Ours are below 0: what was set before is the platform's, and cleared there.
  const clear = (timer: Parameters<typeof clearTimeout>[0]): void => {
    if (!timers.delete(timer as number)) clearTimeout(timer)
  }
  Object.assign(globalThis, { setTimeout: set, clearTimeout: clear })
  Object.defineProperty(performance, 'now', { value: () => now, configurable: true, writable: true })
  Date.now = () => Math.round(now + offset)

  const advance = async (millis: number): Promise<void> => {
    const end = now + millis
    await turn()
    for (;;) {
      const [next] = [...timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)
      if (next === undefined) break
      const [timer, { at, call }] = next
      timers.delete(timer)
      now = Math.max(now, at)
      call()
      await turn()
    }
    now = end
    await turn()
  }
  const restore = (): void => {
    if (!taken) return
    taken = false
    Object.assign(globalThis, { setTimeout, clearTimeout })
    if (own === undefined) Reflect.deleteProperty(performance, 'now')
    else Object.defineProperty(performance, 'now', own)
    Date.now = date
  }
  return {
    get now() {
      return now
    },
    advance,
    restore,
    [Symbol.dispose]: restore,
  }
}

let taken = false
