// The changes of a store, one after the other, for those who take them when they can.

import type { Change, ItemName } from './types.js'

/** Begins to listen; returns what ends that. */
type Begin<T extends object> = (push: (change: Change<T>) => void, end: (error?: Error) => void) => () => void

/**
 * Changes as they come. As many transactions wait as {@link WAITING} says; what comes after them is
 * put together into one, in which every item is named once: so a consumer that is slower than the
 * stream holds up nothing, and loses nothing but the steps between.
 */
export class Iteration<T extends object> implements AsyncIterableIterator<Change<T>> {
  readonly #stop: () => void
  readonly #queue: Change<T>[] = []
  /** What came when the queue was full: what it named, and whether that is gone. */
  readonly #rest = new Map<string, readonly [name: ItemName<keyof T & string>, gone: boolean]>()
  #last: Change<T> | undefined
  #snapshot = false
  #wanted: { resolve(result: IteratorResult<Change<T>, undefined>): void; reject(error: Error): void }[] = []
  #ended = false
  #error: Error | undefined

  constructor(begin: Begin<T>) {
    let ended = false
    const stop = begin(
      (change) => this.#push(change),
      (error) => {
        ended = true
        this.#end(error)
      },
    )
    this.#stop = stop
    if (ended) stop()
  }

  next(): Promise<IteratorResult<Change<T>, undefined>> {
    const value = this.#queue.shift() ?? this.#together()
    if (value !== undefined) return Promise.resolve({ value, done: false })
    const error = this.#error
    this.#error = undefined
    if (error !== undefined) return Promise.reject(error)
    if (this.#ended) return Promise.resolve(END)
    return new Promise((resolve, reject) => this.#wanted.push({ resolve, reject }))
  }

  return(): Promise<IteratorResult<Change<T>, undefined>> {
    this.#queue.length = 0
    this.#last = undefined
    this.#end()
    return Promise.resolve(END)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #push(change: Change<T>): void {
    const wanted = this.#wanted.shift()
    if (wanted !== undefined) wanted.resolve({ value: change, done: false })
    else if (this.#last === undefined && this.#queue.length < WAITING) this.#queue.push(change)
    else {
      this.#last = change
      this.#snapshot ||= change.snapshot
      this.#note(change.changed, false)
      this.#note(change.removed, true)
    }
  }

  #note(names: Change<T>['changed'], gone: boolean): void {
    for (const name of names) this.#rest.set(`${name.kind.length} ${name.kind}${name.key}`, [name, gone])
  }

  #together(): Change<T> | undefined {
    if (this.#last === undefined) return undefined
    const { version, cursor } = this.#last
    const all = [...this.#rest.values()]
    const [changed, removed] = [false, true].map((which) => all.filter(([, gone]) => gone === which).map(([name]) => name))
    const change = { changed, removed, snapshot: this.#snapshot, version, cursor } as Change<T>
    this.#last = undefined
    this.#snapshot = false
    this.#rest.clear()
    return change
  }

  #end(error?: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.#stop?.()
    const [first, ...rest] = this.#wanted.splice(0)
    if (error === undefined || first === undefined) {
      this.#error = error
      first?.resolve(END)
    } else first.reject(error)
    for (const { resolve } of rest) resolve(END)
  }
}

const WAITING = 64
const END: IteratorReturnResult<undefined> = { value: undefined, done: true }
