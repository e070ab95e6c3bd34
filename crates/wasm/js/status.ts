// How a store stands, out of the numbers that the module gives.

import type { HighwaterError } from './errors.js'
import { errorOf } from './faults.js'
import type { Machine } from './machine.js'
import type { Phase, Status } from './types.js'

/** What a status is made of. */
export interface StatusParts {
  readonly phase: Phase
  readonly connected: boolean
  readonly attempt: number
  readonly failures: number
  readonly resumed: boolean | undefined
  readonly version: number
  readonly cursor: string | undefined
  /** On the clock that is given. */
  readonly retryAt: number | undefined
  readonly staleSince: number | undefined
  readonly error: HighwaterError | undefined
  readonly received: number
  readonly target: number | undefined
}

/** Reads how a session stands; and whether it ever had a whole state, and what moves with its news. */
export function partsOf(machine: Machine, last?: StatusParts): StatusParts & { synced: boolean; news: number } {
  const [phase, connected, attempt, failures, resumed, version, at, retryAt, staleSince, received, target, synced, news, fault] =
    machine.status() as [Phase, number, number, number, number | null, number, string | null, ...number[]]
  const cursor = at ?? undefined
  // The same fault is the same object.
  const found = fault === null ? undefined : errorOf(fault, cursor)
  const error = found?.message === last?.error?.message && found?.code === last?.error?.code ? last?.error : found
  return {
    phase,
    connected: connected === 1,
    attempt,
    failures,
    resumed: resumed === null ? undefined : resumed === 1,
    version,
    cursor,
    retryAt: retryAt ?? undefined,
    staleSince: staleSince ?? undefined,
    error: error ?? found,
    received: received ?? 0,
    target: target ?? undefined,
    synced: synced === 1,
    news: news ?? 0,
  }
}

/** Whether two say the same. */
export function isSame(a: StatusParts, b: StatusParts): boolean {
  return (Object.keys(a) as (keyof StatusParts)[]).every((member) => Object.is(a[member], b[member]))
}

/** Makes the status of the parts; `offset` turns the module's times into those of the clock. */
export function statusOf(parts: StatusParts, offset: number): Status {
  const { phase, connected, cursor, version, attempt, failures, resumed, retryAt, staleSince, error, received, target } = parts
  return Object.freeze({
    phase,
    connected,
    cursor,
    version,
    attempt,
    failures,
    resumed,
    retryAt: retryAt === undefined ? undefined : Math.round(retryAt + offset),
    error,
    progress: received === 0 ? undefined : Object.freeze({ received, target }),
    get lag() {
      return staleSince === undefined ? 0 : Math.max(0, Math.round(performance.now() - staleSince))
    },
  })
}
