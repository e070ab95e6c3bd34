// The wire as somebody sees it who looks over the stream's shoulder.

import type { Machine } from './machine.js'
import { type Version, versionOf } from './types.js'

/** One event of the wire, and what came of it. */
export interface TraceEvent {
  /** When it was read, in milliseconds since 1970. */
  readonly at: number
  /** Its type. */
  readonly event: string
  /** The last event id at the time. */
  readonly id: string
  /** How many bytes of data it carried. */
  readonly bytes: number
  /** The data. */
  readonly data: string
  /** What it did, in order. */
  readonly steps: readonly TraceStep[]
}

/** One thing that an event did. */
export interface TraceStep {
  /** What. */
  readonly action:
    | 'begin'
    | 'stage'
    | 'insert'
    | 'updated'
    | 'delete'
    | 'noop'
    | 'commit'
    | 'seen'
    | 'up-to-date'
    | 'resumed'
    | 'restarted'
    | 'invalidate'
    | 'reconnect'
    | 'goodbye'
    | 'heartbeat'
    | 'ignored'
    | 'fault'
  /** The kind of the item that it was done to. */
  readonly kind?: string
  /** Its key. */
  readonly key?: string
  /** The version that the message carried. */
  readonly version?: Version
  /** Of a no-op: why; of a beginning: of what; of a fault: its code. */
  readonly reason?: string
  /** Of a no-op: the version that decided. */
  readonly known?: Version
  /** Of a commit: where it led. */
  readonly cursor?: string
  /** Of a change: whether the message was a deletion. */
  readonly deleted?: boolean
}

/** What every event did since this was last called; `offset` turns the module's times into those of the clock. */
export function traced({ module, handle }: Machine, offset: number): TraceEvent[] {
  const recorded = module.jsonOf(module.session_traced(handle)) as unknown[][]
  return recorded.map((parts) => {
    const [at, event, id, bytes, data, steps] = parts as [number, string, string, number, string, Step[]]
    return { at: Math.round(at + offset), event, id, bytes, data, steps: steps.map(stepOf) }
  })
}

type Step = [TraceStep['action'], string | null, (string | null)?, string?, (string | number)?, (string | number | null)?, number?]

function stepOf([action, reason, kind, key, version, known, deleted]: Step): TraceStep {
  return {
    action,
    ...(reason == null ? {} : { reason }),
    // A commit has in this place where it led.
    ...(kind == null ? {} : action === 'commit' ? { cursor: kind } : { kind }),
    ...(key === undefined ? {} : { key }),
    ...(version === undefined ? {} : { version: versionOf(version) }),
    ...(known == null ? {} : { known: versionOf(known) }),
    ...(deleted === undefined ? {} : { deleted: deleted === 1 }),
  }
}
