// Who wants to hear of what, and that one who throws stops nobody else.

import type { Transacted } from './reads.js'
import { callable, described, known, refuse } from './options.js'
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
    if (typeof listener !== 'function') callable('listener', listener ?? null)
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

/** What of a transaction is within a scope; nothing if that is empty. */
export function within(transaction: Transacted, wants: ((name: ItemName) => boolean) | undefined): Transacted | undefined {
  if (wants === undefined) return transaction
  const { snapshot } = transaction
  const [changed, removed] = [transaction.changed.filter(wants), transaction.removed.filter(wants)]
  return changed.length === 0 && removed.length === 0 ? undefined : { snapshot, changed, removed }
}

/** Makes a test of a scope. */
export function wantsOf<T extends object>(scope: Scope<T> | undefined): ((name: ItemName) => boolean) | undefined {
  if (scope === undefined) return undefined
  if (typeof scope === 'string') return (name) => name.kind === scope
  known('scope.', scope, ['kind', 'key', 'keys', 'prefix'])
  const { kind, key, keys, prefix } = scope as { kind: unknown; key?: unknown; keys?: Iterable<string>; prefix?: unknown }
  if (typeof kind !== 'string') refuse(`scope.kind must be a string, not ${described(kind)}`)
  if (key !== undefined && typeof key !== 'string') refuse(`scope.key must be a string, not ${described(key)}`)
  if (prefix !== undefined && typeof prefix !== 'string') refuse(`scope.prefix must be a string, not ${described(prefix)}`)
  const some = keys === undefined ? undefined : new Set(keys)
  return (name) =>
    name.kind === kind &&
    (key === undefined || name.key === key) &&
    (some === undefined || some.has(name.key)) &&
    (prefix === undefined || name.key.startsWith(prefix))
}

/** A transaction as a listener is told of it: what it changed is named when somebody asks. */
export function changeOf<T extends object>(
  transaction: Transacted,
  version: number,
  cursor: string | undefined,
): Change<T> {
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
