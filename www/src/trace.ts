// The wire's events as the timeline shows them: runs of alike ones folded, what they did counted.

import type { TraceEvent, TraceStep } from 'highwater'

/** What the timeline's filter offers. */
export const GROUPS = ['insert', 'updated', 'delete', 'noop', 'commit', 'stage', 'link', 'ignored', 'fault'] as const
export type Group = (typeof GROUPS)[number]

export interface Chip {
  readonly group: Group
  readonly label: string
  count: number
}

/** A row of the timeline: an event, or several alike in a row. */
export interface Entry {
  readonly event: string
  readonly first: number
  last: number
  /** The position that it named; empty if it named none of its own. */
  id: string
  bytes: number
  count: number
  readonly chips: Map<string, Chip>
  /** The first of them, to look into. */
  readonly kept: TraceEvent[]
  keptSize: number
  /** What a next event has to say to be folded into this one. */
  readonly fold: string | undefined
}

/** How many events of a run are kept to look into, and how much of their text. */
const KEPT = 200
const KEPT_SIZE = 64 << 10

export function entry(event: TraceEvent, previousId: string): Entry {
  const made: Entry = {
    event: event.event,
    first: event.at,
    last: event.at,
    // An event without an id still carries that of the one before it.
    id: event.id === previousId ? '' : event.id,
    bytes: 0,
    count: 0,
    chips: new Map(),
    kept: [],
    keptSize: 0,
    fold: folding(event),
  }
  take(made, event)
  return made
}

/** Adds an event to a run, if it is like the others of it; says whether it was. */
export function folded(into: Entry | undefined, event: TraceEvent): boolean {
  if (into?.fold === undefined || into.fold !== folding(event)) return false
  take(into, event)
  return true
}

function take(into: Entry, event: TraceEvent): void {
  into.last = event.at
  into.bytes += event.bytes
  into.count += 1
  if (into.kept.length < KEPT && into.keptSize < KEPT_SIZE) {
    into.kept.push(event)
    into.keptSize += event.data.length
  }
  // A transaction that was seen before, or was at fault, came to its end but was not committed.
  const undone = event.steps.some((step) => step.action === 'seen' || step.action === 'fault')
  for (const step of event.steps) {
    if (undone && step.action === 'commit') continue
    const label = chipLabel(step)
    const chip = into.chips.get(label)
    if (chip !== undefined) chip.count += 1
    else into.chips.set(label, { group: group(step), label, count: 1 })
  }
}

/** Only what says one small thing is folded; whatever changed the state stands by itself. */
function folding(event: TraceEvent): string | undefined {
  const [step, more] = event.steps
  if (step === undefined || more !== undefined) return undefined
  const small = step.action === 'stage' || step.action === 'heartbeat' || step.action === 'ignored'
  return small ? `${event.event} ${chipLabel(step)}` : undefined
}

export function group(step: TraceStep): Group {
  switch (step.action) {
    case 'insert':
    case 'updated':
    case 'delete':
    case 'commit':
    case 'ignored':
    case 'fault':
      return step.action
    case 'noop':
    case 'seen':
      return 'noop'
    case 'stage':
      return 'stage'
    default:
      return 'link'
  }
}

function chipLabel(step: TraceStep): string {
  const { action, reason } = step
  return reason !== undefined && reason !== '' && action !== 'stage' ? `${action}: ${reason}` : action
}

/** A step in words, for the list of what an event did. */
export function stepText(step: TraceStep): string {
  const item = step.kind === undefined || step.kind === '' ? '' : ` ${step.kind}/${step.key ?? ''}`
  const version = step.version === undefined ? '' : ` v${step.version}`
  const cursor = step.cursor === undefined ? '' : ` ${step.cursor}`
  const known = step.known === undefined ? '' : `, have v${step.known}`
  const reason = step.reason === undefined || step.reason === '' ? '' : ` (${step.reason}${known})`
  return `${step.action}${item}${version}${cursor}${reason}`
}
