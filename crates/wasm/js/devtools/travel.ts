// Any moment of a recording: the state then, what is different between two moments, and what became of
// one item.

import type { TraceStep } from '../trace.js'
import type { Recording } from './recording.js'
import { type Held, Replica } from './replica.js'

/** What is different between two moments. */
export interface Difference {
  readonly kind: string
  readonly key: string
  readonly before: Held | undefined
  readonly after: Held | undefined
}

/** What became of an item at one entry. */
export interface Turn {
  /** The entry's number, and when it was. */
  readonly number: number
  readonly at: number
  readonly action: 'there' | 'insert' | 'updated' | 'delete' | 'noop'
  /** Why it was refused, and the version that decided. */
  readonly step: TraceStep | undefined
  /** The item afterwards. */
  readonly item: Held | undefined
}

/** The state after this entry. To be disposed of. */
export function stateAt(recording: Recording, number: number): Replica {
  const replica = new Replica(recording.protocol)
  for (const entry of recording.slice(recording.baseOf(number), number + 1)) replica.take(entry)
  return replica
}

/** What is different after `to` from what it was after `from`, in the order of names. */
export function difference(recording: Recording, from: number, to: number): Difference[] {
  return disposing(stateAt(recording, from), (before) => disposing(stateAt(recording, to), (after) => differenceOf(before, after)))
}

/** What is different in one state from another. */
export function differenceOf(before: Replica, after: Replica): Difference[] {
  const found: Difference[] = []
  for (const old of before.items()) {
    const present = after.item(old.kind, old.key)
    if (present === undefined || present.version !== old.version || present.text !== old.text) {
      found.push({ kind: old.kind, key: old.key, before: old, after: present })
    }
  }
  for (const { kind, key } of after.names()) {
    if (before.item(kind, key) === undefined) found.push({ kind, key, before: undefined, after: after.item(kind, key) })
  }
  return found.sort(byName)
}

/** What became of an item within the window, the oldest first; what was refused with it. */
export function historyOf(recording: Recording, kind: string, key: string): Turn[] {
  return disposing(new Replica(recording.protocol), (replica) => turnsOf(recording, replica, kind, key))
}

function turnsOf(recording: Recording, replica: Replica, kind: string, key: string): Turn[] {
  const turns: Turn[] = []
  let last: Held | undefined
  for (let number = recording.first; number < recording.end; number += 1) {
    const entry = recording.at(number)
    if (entry === undefined || entry.type === 'status') continue
    replica.take(entry)
    const item = replica.item(kind, key)
    const { at } = entry
    const refused = entry.type === 'event' ? entry.steps.find((step) => step.action === 'noop' && step.kind === kind && step.key === key) : undefined
    if (item?.version !== last?.version || item?.text !== last?.text) {
      const action = entry.type === 'base' ? 'there' : last === undefined ? 'insert' : item === undefined ? 'delete' : 'updated'
      turns.push({ number, at, action, step: undefined, item })
    } else if (refused !== undefined) turns.push({ number, at, action: 'noop', step: refused, item })
    last = item
  }
  return turns
}

/** By kind, then by key. */
export function byName(a: { readonly kind: string; readonly key: string }, b: { readonly kind: string; readonly key: string }): number {
  return a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : a.key < b.key ? -1 : a.key > b.key ? 1 : 0
}


/** Calls with a replica, which is disposed of afterwards. */
export function disposing<R>(replica: Replica, call: (replica: Replica) => R): R {
  try {
    return call(replica)
  } finally {
    replica[Symbol.dispose]()
  }
}
