// The wire as somebody sees it who looks over the stream's shoulder.

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
  /** The data, up to its first 4 KiB. */
  readonly data: string
  /** What it did, in order. */
  readonly steps: readonly TraceStep[]
}

/** One thing that an event did. */
export interface TraceStep {
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
  readonly kind?: string
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

/** Makes events of what the module recorded; `offset` turns its times into those of the clock. */
export function traceOf(recorded: unknown[], offset: number): TraceEvent[] {
  return recorded.map((parts) => {
    const [at, event, id, bytes, data, steps] = parts as [number, string, string, number, string, unknown[][]]
    return { at: Math.round(at + offset), event, id, bytes, data, steps: steps.map(stepOf) }
  })
}

function stepOf(parts: unknown[]): TraceStep {
  const step: Record<string, unknown> = {}
  MEMBERS.forEach((member, at) => {
    const value = parts[at]
    if (value !== undefined) step[member] = typeof value === 'bigint' ? versionOf(value) : value
  })
  return step as unknown as TraceStep
}

const MEMBERS = ['action', 'kind', 'key', 'version', 'reason', 'known', 'cursor', 'deleted']
