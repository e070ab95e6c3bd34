// The check behind the badge: the server's own answer against what this page holds and shows.

import type { Machine } from './machine'
import { TOPIC } from './machine'

export interface Verdict {
  readonly ok: boolean
  /** Both sides stood here when they were compared. */
  readonly cursor: string
  /** Items compared. */
  readonly items: number
  /** What differs, in words; or why nothing could be compared. */
  readonly problems: readonly string[]
  readonly at: number
}

interface Answer {
  readonly cursor: string
  readonly items: readonly { readonly kind: string; readonly key: string; readonly version: number; readonly object: unknown }[]
}

/** The rows on the page: each key with the version that it shows. */
export type Shown = () => Map<string, string>

/**
 * Asks the server for the whole topic, waits until the store stands at the same cursor, and
 * compares kinds, keys, versions and values, and the rows of the page with both.
 */
export async function verify(store: Machine, shown: Shown, patience = 10_000): Promise<Verdict> {
  const deadline = Date.now() + patience
  let problem = 'the store and the server never stood at the same cursor'
  while (Date.now() < deadline) {
    let answer: Answer
    try {
      answer = await ask(deadline - Date.now())
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error)
      await pause(250)
      continue
    }
    const verdict = await atCursor(store, answer.cursor, Math.min(3000, deadline - Date.now()), () =>
      compare(store, shown, answer),
    )
    if (verdict !== undefined) return verdict
  }
  return { ok: false, cursor: store.status.cursor ?? '', items: 0, problems: [problem], at: Date.now() }
}

async function ask(patience: number): Promise<Answer> {
  const response = await fetch(TOPIC, { cache: 'no-store', signal: AbortSignal.timeout(Math.max(1, patience)) })
  if (!response.ok) throw new Error(`the server answered ${response.status} to GET ${TOPIC}`)
  return (await response.json()) as Answer
}

/** Runs `work` while the store stands at `cursor`; `undefined` when it does not come to stand there. */
function atCursor<T>(store: Machine, cursor: string, patience: number, work: () => T): Promise<T | undefined> {
  if (store.status.cursor === cursor) return Promise.resolve(work())
  if (isPast(store.status.cursor, cursor)) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    const done = (result: T | undefined): void => {
      clearTimeout(timer)
      stopStatus()
      stopChanges()
      resolve(result)
    }
    const look = (): void => {
      if (store.status.cursor === cursor) done(work())
      else if (isPast(store.status.cursor, cursor)) done(undefined)
    }
    const timer = setTimeout(() => done(undefined), patience)
    // A commit that changes nothing moves only the status.
    const stopStatus = store.onStatus(look)
    const stopChanges = store.subscribe(look)
  })
}

/** Whether the first is later in the same life of the topic. */
function isPast(present: string | undefined, wanted: string): boolean {
  const [epoch, index] = split(present ?? '')
  const [wantedEpoch, wantedIndex] = split(wanted)
  return epoch === wantedEpoch && index > wantedIndex
}

function split(cursor: string): [string, number] {
  const dot = cursor.lastIndexOf('.')
  return [cursor.slice(0, dot), Number(cursor.slice(dot + 1))]
}

function compare(store: Machine, shown: Shown, answer: Answer): Verdict {
  const problems: string[] = []
  const rows = shown()
  const left = new Map<string, Set<string>>()
  for (const kind of ['process', 'host'] as const) left.set(kind, new Set(store.keys(kind)))
  for (const { kind, key, version, object } of answer.items) {
    const name = `${kind}/${key}`
    if (left.get(kind)?.delete(key) !== true) {
      problems.push(`${name} is missing`)
      continue
    }
    const ours = store.versionOf(kind as 'process', key)
    if (String(ours) !== String(version)) problems.push(`${name} has version ${ours}, not ${version}`)
    if (!equal(store.get(kind as 'process', key), object)) problems.push(`${name} has another value`)
    if (kind !== 'process') continue
    const row = rows.get(key)
    rows.delete(key)
    if (row === undefined) problems.push(`${name} has no row`)
    else if (row !== String(version)) problems.push(`the row of ${name} shows version ${row}, not ${version}`)
  }
  for (const [kind, keys] of left) for (const key of keys) problems.push(`${kind}/${key} is not the server’s`)
  for (const key of rows.keys()) problems.push(`the row ${key} is not the server’s`)
  return { ok: problems.length === 0, cursor: answer.cursor, items: answer.items.length, problems, at: Date.now() }
}

/** Of values that came from JSON. */
export function equal(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const [left, right] = [Object.entries(a), b as Record<string, unknown>]
  return (
    left.length === Object.keys(right).length &&
    left.every(([name, value]) => Object.hasOwn(right, name) && equal(value, right[name]))
  )
}

function pause(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis))
}
