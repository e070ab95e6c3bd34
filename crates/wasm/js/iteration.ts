// The changes of a store, one after the other, for those who take them when they can.

import type { Store } from './store.js'
import type { Change, ItemName, Status } from './types.js'

/**
 * Changes as they come, `early` ones first: `hear` says who is to be told of them, and `stop` ends that. As
 * many transactions wait as {@link WAITING} says; what comes after them is put together into one, in which
 * every item is named once: so a consumer that is slower than the stream holds up nothing, and loses
 * nothing but the steps between.
 */
export function iterate<T extends object>(
  store: Pick<Store<T>, 'status' | 'onStatus'>,
  early: readonly Change<T>[],
  stop: () => void,
  hear: (push: (change: Change<T>) => void) => void,
): Pick<AsyncGenerator<Change<T>, undefined>, 'next'> & { return(): Promise<IteratorResult<Change<T>, undefined>> } {
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
    stop()
    ignore()
    wake()
  }
  const look = ({ phase, error }: Status): void => {
    if (phase === 'stopped') end(error)
  }
  let ignore = (): void => {}
  early.forEach(push)
  hear(push)
  look(store.status)
  if (!ended) ignore = store.onStatus(look)

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
      end()
    }
  })()
  return {
    next: () => changes.next(),
    return() {
      // Also if nobody has begun, or somebody waits.
      queue.length = 0
      last = undefined
      end()
      return changes.return(undefined)
    },
  }
}

const WAITING = 64
