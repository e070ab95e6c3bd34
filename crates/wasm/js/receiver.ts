// The rule of versions alone, for messages that come by a way of the application's own.

import { HighwaterError } from './errors.js'
import { needModule, Thing } from './module.js'
import { described } from './options.js'
import { type Version, versionOf } from './types.js'

/** What a message did. */
export type ReceiverAction = 'insert' | 'updated' | 'delete' | 'noop'

/** What is known of an id. */
export interface ReceiverEntry<T> {
  /** Which item. */
  readonly id: string
  /** The newest version that is known of it. */
  readonly version: Version
  /** Whether it is known to be gone. */
  readonly tombstone: boolean
  /** The item; nothing of one that is gone. */
  readonly item: T | undefined
}

/**
 * Makes a reliable sequence of actions out of messages that repeat, come late or out of order: a
 * version that is not greater than the known one changes nothing, also not after a deletion.
 *
 * @example
 * const receiver = new MessageReceiver<string>()
 * receiver.delete('xyz', 2)          // 'noop': nothing to delete, but noted
 * receiver.upsert('xyz', 'late', 1)  // 'noop': older than the deletion
 * receiver.upsert('xyz', 'new', 3)   // 'insert'
 */
export class MessageReceiver<T = unknown> {
  readonly #raw: Thing
  /** Of the ids whose item is there. */
  readonly #items = new Map<string, T>()

  constructor() {
    const module = needModule('MessageReceiver')
    this.#raw = new Thing(module, module.receiver_new(), module.receiver_free)
  }

  /** The item is there at this version. */
  upsert(id: string, item: T, version: Version): ReceiverAction {
    const action = this.#take(Take.Upsert, text('upsert', 'id', id), versioned('upsert', version))
    if (action !== 'noop') this.#items.set(id, item)
    return action
  }

  /** The item is gone since this version, which is remembered in any case. */
  delete(id: string, version: Version): ReceiverAction {
    return this.#drop(Take.Delete, text('delete', 'id', id), versioned('delete', version))
  }

  /** Forgets all about the id, its version included. */
  forget(id: string): ReceiverAction {
    return this.#drop(Take.Forget, text('forget', 'id', id), 0n)
  }

  /**
   * Forgets the ids for which `gone` is true, and returns those that were there, sorted. It is
   * asked once about every known id, deleted ones included; if it throws, nothing is forgotten.
   */
  purge(gone: (id: string) => boolean): string[] {
    return this.#purge('purge', gone, true)
  }

  /** Forgets the ids for which `keep` is false; otherwise as {@link MessageReceiver.purge}. */
  retain(keep: (id: string) => boolean): string[] {
    return this.#purge('retain', keep, false)
  }

  /** The item, if it is there. */
  get(id: string): T | undefined {
    return this.#items.get(text('get', 'id', id))
  }

  /** All that is known, deletions included. */
  entries(): ReceiverEntry<T>[] {
    const flat = this.#raw.module.jsonOf(this.#raw.module.receiver_entries(this.#raw.handle))
    const entries: ReceiverEntry<T>[] = []
    for (let at = 0; at < flat.length; at += 3) {
      const [id, version, tombstone] = flat.slice(at, at + 3) as [string, number | string, number]
      entries.push({ id, version: versionOf(version), tombstone: tombstone === 1, item: this.#items.get(id) })
    }
    return entries
  }

  /** Frees its memory in the module. */
  [Symbol.dispose](): void {
    this.#raw.free()
  }

  #purge(method: string, ask: (id: string) => boolean, wanted: boolean): string[] {
    if (typeof ask !== 'function') wrong(method, 'a function', ask)
    // All are asked before anything is done: a predicate may throw, or use the receiver itself.
    const gone = this.entries().filter(({ id }) => Boolean(ask(id)) === wanted)
    return gone.flatMap(({ id }) => (this.#drop(Take.Forget, id, 0n) === 'delete' ? [id] : [])).sort(byCodePoint)
  }

  #drop(what: Take, id: string, version: bigint): ReceiverAction {
    const action = this.#take(what, id, version)
    if (action === 'delete') this.#items.delete(id)
    return action
  }

  #take(what: Take, id: string, version: bigint): ReceiverAction {
    this.#raw.module.say([id])
    return ACTIONS[this.#raw.module.receiver_take(this.#raw.handle, what, version)] ?? 'noop'
  }
}

const enum Take {
  Upsert,
  Delete,
  Forget,
}

const ACTIONS: readonly ReceiverAction[] = ['insert', 'updated', 'delete', 'noop']

/** As UTF-8 sorts: a string's own order has surrogates in the wrong place. */
function byCodePoint(a: string, b: string): number {
  const [left, right] = [[...a], [...b]]
  const at = left.findIndex((char, index) => char !== right[index])
  return at < 0 ? left.length - right.length : (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? -1)
}

function versioned(method: string, version: unknown): bigint {
  if (typeof version === 'bigint') {
    if (BigInt.asIntN(64, version) !== version) wrong(method, 'a version of at most 64 bits', version)
    return version
  }
  if (!Number.isInteger(version)) wrong(method, 'a whole number or a bigint as version', version)
  if (!Number.isSafeInteger(version)) {
    throw new HighwaterError('bad-option', `${method}: version ${String(version)} is beyond what a number holds exactly; give a bigint`)
  }
  return BigInt(version as number)
}

function text(method: string, name: string, value: unknown): string {
  if (typeof value !== 'string') wrong(method, `a string as ${name}`, value)
  return value
}

function wrong(method: string, wanted: string, value: unknown): never {
  throw new HighwaterError('bad-option', `${method} needs ${wanted}, not ${described(value)}`)
}
