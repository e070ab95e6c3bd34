// How a session stands, out of the numbers that the module gives.

import { errorOf } from './faults.js'
import type { Machine } from './machine.js'
import type { SessionStatus } from './session.js'
import type { Phase } from './types.js'

/** Reads how a session stands; times are those of its clock. */
export function partsOf(machine: Machine): SessionStatus {
  const [phase, connected, attempt, failures, resumed, version, at, retryAt, staleSince, received, target, synced, news, fault] =
    machine.status() as [Phase, number, number, number, number | null, number, string | null, ...number[]]
  const cursor = at ?? undefined
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
    error: fault === null ? undefined : errorOf(fault, cursor),
    received: received ?? 0,
    target: target ?? undefined,
    synced: synced === 1,
    news: news ?? 0,
  }
}
