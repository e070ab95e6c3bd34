// Who wants to hear of what, and that one who throws stops nobody else.

import type { Transacted } from './reads.js'
import { check, described, must, refuse } from './options.js'
import type { Change, ItemName, Scope } from './types.js'

/** Reports what is nobody else's to hear. */
export function report(onError: ((error: unknown) => void) | undefined, error: unknown): void {
  try {
    if (onError !== undefined) onError(error)
    else if (typeof reportError === 'function') reportError(error)
    else console.error(error)
  } catch (thrown) {
    console.error(thrown)
  }
}

/** A set of listeners that may come and go at any time. */
export class Listeners<A> {
  readonly #all = new Set<{ readonly listener: (argument: A) => void }>()

  get size(): number {
    return this.#all.size
  }

  /** Adds a listener; each addition counts by itself. Returns what takes it away. */
  add(listener: (argument: A) => void): () => void {
    const entry = { listener }
    this.#all.add(entry)
    return () => void this.#all.delete(entry)
  }

  /** Tells all that are there now and still there when it is their turn. */
  tell(argument: A, failed: (error: unknown) => void): void {
    for (const entry of [...this.#all]) {
      if (!this.#all.has(entry)) continue
      try {
        entry.listener(argument)
      } catch (error) {
        failed(error)
      }
    }
  }

  clear(): void {
    this.#all.clear()
  }
}

/** Where a scope looks: keys of a kind, or what keys begin with. Not there: everywhere. */
export interface Places {
  readonly kind: string
  /** How long `texts` are, as beginnings of keys; -1: they are whole keys. */
  readonly length: number
  readonly texts: ReadonlySet<string>
}

interface Entry<T extends object> {
  readonly order: number
  readonly listener: (change: Change<T>) => void
  gone: boolean
}

/** A transaction, or what of it concerns somebody. */
type Named = Omit<Transacted, 'inserted'>

type Texts<T extends object> = Map<string, Set<Entry<T>>>

/**
 * Who wants to hear of which changes. They are found by kind and key, and by kind and the beginning
 * of the key: a change costs what it concerns, however many others listen.
 */
export class Subscriptions<T extends object> {
  readonly #all = new Set<Entry<T>>()
  /** By kind, by the length of what is compared, by that. */
  readonly #scoped = new Map<string, Map<number, Texts<T>>>()
  #order = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Adds a listener; each addition counts by itself. Returns what takes it away. */
  add(listener: (change: Change<T>) => void, places?: Places): () => void {
    const entry: Entry<T> = { order: this.#order++, listener, gone: false }
    this.#size++
    const wanted = places?.texts ?? []
    // What is compared stays known when nobody wants it any more: there are only so many kinds and lengths.
    const texts = places && inner(inner(this.#scoped, places.kind, newMap<number, Texts<T>>), places.length, newMap<string, Set<Entry<T>>>)
    if (texts === undefined) this.#all.add(entry)
    else for (const text of wanted) inner(texts, text, newSet<Entry<T>>).add(entry)
    return () => {
      if (entry.gone) return
      entry.gone = true
      this.#size--
      this.#all.delete(entry)
      for (const text of wanted) {
        const there = texts?.get(text)
        there?.delete(entry)
        if (there?.size === 0) texts?.delete(text)
      }
    }
  }

  /** Tells those who are there now, still there when it is their turn, and concerned. */
  tell(transaction: Transacted, version: number, cursor: string | undefined, failed: (error: unknown) => void): void {
    const told = new Map<Entry<T>, Named>()
    for (const entry of this.#all) told.set(entry, transaction)
    if (this.#scoped.size > 0) {
      this.#sort(transaction, 'changed', told)
      this.#sort(transaction, 'removed', told)
    }
    let whole: Change<T> | undefined
    for (const [entry, part] of [...told].sort(([a], [b]) => a.order - b.order)) {
      if (entry.gone) continue
      try {
        entry.listener(part === transaction ? (whole ??= changeOf(part, version, cursor)) : changeOf(part, version, cursor))
      } catch (error) {
        failed(error)
      }
    }
  }

  #sort(transaction: Transacted, which: 'changed' | 'removed', told: Map<Entry<T>, Named>): void {
    for (const name of transaction[which]) {
      for (const [length, texts] of this.#scoped.get(name.kind) ?? []) {
        for (const entry of texts.get(length < 0 ? name.key : name.key.slice(0, length)) ?? []) {
          const part = inner(told, entry, () => ({ snapshot: transaction.snapshot, changed: [], removed: [] }))
          ;(part[which] as ItemName[]).push(name)
        }
      }
    }
  }

}

/** Reads a scope. */
export function placesOf<T extends object>(scope: Scope<T> | undefined): Places | undefined {
  if (scope === undefined) return undefined
  if (typeof scope === 'string') return { kind: scope, length: 0, texts: new Set(['']) }
  check('scope', scope, SCOPE)
  const { kind, key, keys, prefix = '' } = scope
  must('scope.kind', kind, 'a string')
  if (typeof keys === 'string' || (keys !== undefined && typeof (keys as Iterable<string> | null)?.[Symbol.iterator] !== 'function')) {
    refuse(`scope.keys must be a list of strings, not ${described(keys)}`)
  }
  if (key === undefined && keys === undefined) return { kind, length: prefix.length, texts: new Set([prefix]) }
  const texts = new Set(keys ?? [key as string])
  for (const one of texts) {
    must('scope.keys', one, 'a string')
    if (!one.startsWith(prefix) || (key !== undefined && one !== key)) texts.delete(one)
  }
  return { kind, length: -1, texts }
}

const SCOPE = { kind: 'a string', key: 'a string', keys: '*', prefix: 'a string' }

/** What a map has for a key, made if there is nothing. */
function inner<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) map.set(key, (value = make()))
  return value
}

const newMap = <K, V>(): Map<K, V> => new Map()
const newSet = <V>(): Set<V> => new Set()

/** A transaction as a listener is told of it: what it changed is named when somebody asks. */
function changeOf<T extends object>(transaction: Named, version: number, cursor: string | undefined): Change<T> {
  return {
    snapshot: transaction.snapshot,
    version,
    cursor,
    get changed() {
      return transaction.changed as Change<T>['changed']
    },
    get removed() {
      return transaction.removed as Change<T>['removed']
    },
  }
}
