// A view of the application's own, over whole transactions.

import { type Thing, views } from './module.js'
import { described, refuse } from './options.js'
import { type Version, versionOf } from './types.js'

/** What became of one item. */
export interface ViewChange {
  /** What became of the item. */
  readonly action: 'insert' | 'updated' | 'delete'
  /** Its kind. */
  readonly kind: string
  /** Its key. */
  readonly key: string
  /** The version that did it. */
  readonly version: Version
  /** Its value, parsed when it is read; `undefined` of a deletion. Throws if it is not JSON. */
  readonly value: unknown
}

/**
 * Folds transactions into a shape of the application's own.
 *
 * @example
 * const total: View & { sum: number } = {
 *   sum: 0,
 *   update(changes) { for (const { action } of changes) this.sum += action === 'insert' ? 1 : action === 'delete' ? -1 : 0 },
 *   reset() { this.sum = 0 },
 * }
 */
export interface View {
  /**
   * Takes in one transaction, which led to this cursor. If it throws, the stream is abandoned:
   * the view is reset, and given everything anew after the next snapshot. What the view is told
   * is all that it may read: the state itself is not to be read meanwhile.
   */
  update(changes: readonly ViewChange[], cursor: string | undefined): void
  /** Forgets everything. */
  reset(): void
}

/** Checks a view. */
export function isView(view: unknown): asserts view is View | undefined {
  const { update, reset } = (view ?? {}) as Partial<View>
  if (view !== undefined && (typeof update !== 'function' || typeof reset !== 'function')) {
    refuse(`a view needs the methods update and reset; this is ${described(view)}`)
  }
}

/** Has a view told of what the module takes in while `call` runs; `thrown` is given what the view throws. */
export function viewing<R>(machine: Thing, view: View | undefined, call: () => R, thrown: (error: unknown) => void = () => {}): R {
  if (view === undefined) return call()
  const before = views.tell
  views.tell = (length) => {
    machine.isBusy = true
    try {
      if (length === 0) view.reset()
      else {
        const [cursor, ...flat] = machine.module.jsonOf(length) as [string | null, ...unknown[]]
        view.update(changesOf(flat), cursor ?? undefined)
      }
      return 0
    } catch (error) {
      thrown(error)
      machine.module.say([error instanceof Error ? error.message : String(error)])
      return 1
    } finally {
      machine.isBusy = false
    }
  }
  try {
    return call()
  } finally {
    views.tell = before
  }
}

function changesOf(flat: unknown[]): ViewChange[] {
  const changes: ViewChange[] = []
  for (let at = 0; at < flat.length; at += 5) {
    const [action, kind, key, version, text] = flat.slice(at, at + 5) as [ViewChange['action'], string, string, number | string, string | null]
    let value: unknown
    let parsed = text === null
    changes.push({
      action,
      kind,
      key,
      version: versionOf(version),
      get value() {
        if (!parsed) {
          value = JSON.parse(text as string)
          parsed = true
        }
        return value
      },
    })
  }
  return changes
}
