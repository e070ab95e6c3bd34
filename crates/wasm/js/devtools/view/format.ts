// Numbers, times and steps as an engineer reads them.

import type { TraceStep } from '../../trace.js'
import type { Entry } from '../recording.js'

export function bytes(count: number): string {
  let unit = 0
  let value = count
  while (value >= 1000 && unit < 4) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 ? Math.round(value) : digits(value)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][unit] ?? ''}`
}

export function digits(value: number): string {
  return value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2)
}

/** `14:03:22.512`, in the reader's time zone. */
export function clock(at: number): string {
  const time = new Date(at)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, '0')}`
}

export function duration(millis: number): string {
  if (millis < 1000) return `${Math.round(millis)} ms`
  return millis < 60_000 ? `${(millis / 1000).toFixed(1)} s` : `${Math.floor(millis / 60_000)} min ${Math.floor(millis / 1000) % 60} s`
}

export function count(number: number, noun: string, nouns = `${noun}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? noun : nouns}`
}

/** What a step is about, for colours and filters. */
export type Group = 'insert' | 'updated' | 'delete' | 'refused' | 'commit' | 'stage' | 'link' | 'ignored' | 'fault'

export const GROUPS: readonly Group[] = ['insert', 'updated', 'delete', 'refused', 'commit', 'stage', 'link', 'ignored', 'fault']

export function groupOf({ action }: TraceStep): Group {
  switch (action) {
    case 'insert':
    case 'updated':
    case 'delete':
    case 'commit':
    case 'stage':
    case 'ignored':
    case 'fault':
      return action
    case 'noop':
    case 'seen':
      return 'refused'
    default:
      return 'link'
  }
}

/** The step that says most of an entry. */
export function mainStep(entry: Entry): TraceStep | undefined {
  if (entry.type !== 'event') return undefined
  let main: TraceStep | undefined
  for (const step of entry.steps) if (main === undefined || WEIGHT.indexOf(groupOf(step)) < WEIGHT.indexOf(groupOf(main))) main = step
  return main
}

const WEIGHT: readonly Group[] = ['fault', 'refused', 'delete', 'insert', 'updated', 'commit', 'ignored', 'link', 'stage']

/** What an entry did, in a line. */
export function summary(entry: Entry): string {
  if (entry.type === 'status') {
    const { phase, connected, resumed, error } = entry
    return `${phase}${connected ? ', connected' : ''}${phase !== 'live' || resumed === undefined ? '' : resumed ? ', resumed' : ', from the beginning'}${error === undefined ? '' : `: ${error.message}`}`
  }
  if (entry.type === 'base') return entry.why === 'key' ? 'the state was noted' : entry.why === 'moved' ? 'the state was taken up as a whole' : 'a connection begins'
  const main = mainStep(entry)
  if (main === undefined) return ''
  const alike = entry.steps.filter((step) => step.action === main.action).length
  return alike > 1 ? `${main.action} ×${alike}` : sentence(main)
}

/** A step in words. */
export function sentence({ action, kind, key, version, known, cursor, reason, deleted }: TraceStep): string {
  const item = kind === undefined ? '' : ` ${kind}/${key ?? ''}`
  const at = version === undefined ? '' : ` v${version}`
  switch (action) {
    case 'noop':
      return `refused${item}${at}: ${why(reason, known)}`
    case 'seen':
      return 'refused: this transaction was applied before'
    case 'stage':
      return `${deleted === true || reason === 'delete' ? 'delete' : 'put'}${item}${at}`
    case 'commit':
      return `commit ${cursor ?? ''}`
    case 'begin':
      return `begin ${reason ?? ''}`
    default:
      return `${action}${item}${at}${reason === undefined || reason === '' ? '' : `: ${reason}`}`
  }
}

function why(reason: string | undefined, known: TraceStep['known']): string {
  const version = known === undefined ? '' : ` v${known}`
  switch (reason) {
    case 'stale':
      return `stale, it is at${version}`
    case 'tombstone':
      return `tombstone, it was deleted at${version}`
    case 'duplicate':
      return 'duplicate, this version is there'
    case 'absent':
      return 'unknown, there is no such item'
    case 'unchanged':
      return 'unchanged, it is the same'
    default:
      return reason ?? 'refused'
  }
}
