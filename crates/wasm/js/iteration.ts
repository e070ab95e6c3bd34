// The changes of a store, one after the other, for those who take them when they can.

import type { Change, ItemName } from './types.js'

/** Begins to listen; returns what ends that. */
type Begin<T extends object> = (push: (change: Change<T>) => void, end: (error?: Error) => void) => () => void

/**
 * Changes as they come. As many transactions wait as {@link WAITING} says; what comes after them is
 * put together into one, in which every item is named once: so a consumer that is slower than the
 * stream holds up nothing, and loses nothing but the steps between.
 */
export function iterate<T extends object>(begin: Begin<T>): AsyncIterableIterator<Change<T>, undefined> {
  type Name = ItemName<keyof T & string>
  const queue: Change<T>[] = []
  /** What came when the queue was full: what it named, and whether that is gone. */
  const rest = new Map<string, readonly [name: Name, gone: boolean]>()
  let last: Change<T> | undefined
  let snapshot = false
  let ended = false
  let error: Error | undefined
  let wake = (): void => {}

  const note = (names: readonly Name[], gone: boolean): void => {
    for (const name of names) rest.set(`${name.kind.length} ${name.kind}${name.key}`, [name, gone])
  }
  const push = (change: Change<T>): void => {
    if (last === undefined && queue.length < WAITING) queue.push(change)
    else {
      last = change
      snapshot ||= change.snapshot
      note(change.changed, false)
      note(change.removed, true)
    }
    wake()
  }
  const together = (): Change<T> | undefined => {
    if (last === undefined) return undefined
    const named = (gone: boolean): Name[] => [...rest.values()].filter((one) => one[1] === gone).map(([name]) => name)
    const change = { ...last, changed: named(false), removed: named(true), snapshot }
    last = undefined
    snapshot = false
    rest.clear()
    return change
  }
  const end = (why?: Error): void => {
    ended = true
    error = why
    wake()
  }
  const stop = begin(push, end)

  const changes = (async function* (): AsyncGenerator<Change<T>, undefined> {
    try {
      for (;;) {
        const change = queue.shift() ?? together()
        if (change !== undefined) yield change
        else if (error !== undefined) throw error
        else if (ended) return
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      stop()
    }
  })()
  return {
    next: () => changes.next(),
    return: () => {
      // Also if nobody has begun, or somebody waits.
      stop()
      queue.length = 0
      last = undefined
      end()
      return changes.return(undefined)
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

const WAITING = 64
