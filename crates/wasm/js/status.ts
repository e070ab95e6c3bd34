// How a store stands, out of the numbers that the module gives.

import type { Session } from './core.js'
import { errorOf, type HighwaterError } from './errors.js'
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

/** Reads how a session stands; and whether it ever had a whole state. */
export function partsOf(session: Session, cursor: string | undefined, last?: StatusParts): StatusParts & { synced: boolean } {
  const numbers = session.status()
  const at = (place: number): number => numbers[place] ?? NaN
  const maybe = (place: number): number | undefined => (Number.isNaN(at(place)) ? undefined : at(place))
  const parts = session.error() as unknown[] | undefined
  const error = parts === undefined ? undefined : errorOf(parts, cursor)
  return {
    phase: PHASES[at(0)] ?? 'stopped',
    connected: at(1) === 1,
    attempt: at(2),
    failures: at(3),
    resumed: at(4) < 0 ? undefined : at(4) === 1,
    version: at(5),
    cursor,
    retryAt: maybe(6),
    staleSince: maybe(7),
    // The same fault is the same object.
    error: error?.message === last?.error?.message && error?.code === last?.error?.code ? last?.error : error,
    received: at(8),
    target: maybe(9),
    synced: at(10) === 1,
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

const PHASES: readonly Phase[] = ['connecting', 'syncing', 'live', 'stale', 'paused', 'offline', 'stopped']
