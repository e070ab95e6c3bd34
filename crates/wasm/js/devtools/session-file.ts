// A recording as a file: the body of an event stream, with what is not on the wire in events that no
// protocol knows. `highwater replay` reads it, too.
//
// - `highwater-session` begins it: `{"version":1,"protocol":…,"url":…}`
// - `highwater-connection` stands where a connection began: `{"at":…}`. With `state`, a checkpoint as
//   base64, that was the state; with `standing`, the connection was not at its beginning then.
// - `highwater-status` says how the store stood: `{"at":…,"phase":…}`
// - every other event is one of the wire; a comment `at …` before it says when it came

import { HighwaterError } from '../errors.js'
import { isProtocol, type ProtocolOptions } from '../protocols.js'
import { fromBase64, toBase64 } from './base64.js'
import { type BaseEntry, type Entry, type Limits, LIMITS, Recording, type StatusEntry } from './recording.js'
import { Replica } from './replica.js'
import { type Raw, readEvents, readLines, writeEvent } from './sse-text.js'

const SESSION = 'highwater-session'
const CONNECTION = 'highwater-connection'
const STATUS = 'highwater-status'
const VERSION = 1

/** Writes what a recording holds, from one entry to before another. */
export function writeSession(recording: Recording, from = recording.first, to = recording.end): string {
  const { protocol, url } = recording
  const pieces = [writeEvent({ event: SESSION, data: JSON.stringify({ version: VERSION, protocol, url: withoutQuery(url) }) })]
  // What came before is told by what it led to.
  let begun = false
  let id = ''
  for (const entry of recording.slice(recording.baseOf(from), to)) {
    if (entry.type === 'event') {
      const moved = entry.id !== id
      id = entry.id
      pieces.push(`: at ${entry.at}\n`, writeEvent({ event: entry.event, data: entry.data, ...(moved ? { id } : {}) }))
    } else if (entry.type === 'status') {
      const { type: _, ...status } = entry
      pieces.push(writeEvent({ event: STATUS, data: JSON.stringify(status) }))
    } else if (entry.why !== 'key' || !begun) {
      const { at, state, standing } = entry
      const parts = { at, ...(standing < 0 ? {} : { standing }), ...(state === undefined ? {} : { state: toBase64(state) }) }
      pieces.push(writeEvent({ event: CONNECTION, data: JSON.stringify(parts) }))
      begun = true
    }
  }
  return pieces.join('')
}

/** What an event was refused for, and the line that its data stands in. */
export interface Fault {
  readonly line: number
  readonly event: string
  readonly error: HighwaterError
}

/**
 * Reads a file, and works out what each event did. One that {@link writeSession} did not write is taken
 * for one recorded body of a stream that speaks `protocol`. Throws a {@link HighwaterError} that says what is wrong, and where.
 * `faults` gets what was wrong with events: what follows one is not read, up to the next connection.
 */
export function readSession(text: string, protocol?: ProtocolOptions, limits: Limits = LIMITS, faults: Fault[] = []): Recording {
  const raw = [...(/^\s*[{[]/.test(text) ? readLines(text) : readEvents(text))]
  const [head] = raw
  if (head === undefined) refuse(nothingIn(text))
  const session = head.event === SESSION ? (jsonOf(head) as { version?: unknown; protocol?: ProtocolOptions; url?: unknown }) : undefined
  if (session !== undefined && session.version !== VERSION) refuse(`it is of version ${String(session.version)}; version ${VERSION} can be read`)
  const spoken = protocol ?? session?.protocol ?? 'fdv2'
  isProtocol(spoken)
  const recording = new Recording(typeof session?.url === 'string' ? session.url : 'an imported stream', spoken, limits)
  const replica = new Replica(spoken, true)
  let at = 0
  let last = ''
  const push = (entry: Entry): void => {
    replica.take(entry)
    recording.push(entry.type === 'event' ? { ...entry, steps: replica.steps() } : entry)
  }
  const fault = (one: Raw): void => {
    const { fault: error } = replica
    if (error !== undefined) faults.push({ line: one.dataLine, event: one.event, error })
  }
  if (session === undefined) push({ type: 'base', at, why: 'connection', state: undefined, standing: -1 })
  for (const one of session === undefined ? raw : raw.slice(1)) {
    const { event, data, comment } = one
    const time = /^at (\d+)$/.exec(comment ?? '')?.[1]
    if (time !== undefined) at = Number(time)
    last = one.id ?? last
    if (event === CONNECTION) push(baseOf(one))
    else if (event === STATUS) push({ ...(jsonOf(one) as unknown as StatusEntry), type: 'status' })
    else {
      const wasRead = replica.isConnected
      push({ type: 'event', at, event, id: last, data, bytes: new TextEncoder().encode(data).length, steps: [] })
      if (wasRead && !replica.isConnected) fault(one)
    }
  }
  replica[Symbol.dispose]()
  return recording
}

function baseOf(raw: Raw): BaseEntry {
  const { at, standing = -1, state } = jsonOf(raw)
  if (typeof at !== 'number' || typeof standing !== 'number') refuse(`at and standing must be numbers: ${place(raw)}`)
  let bytes: Uint8Array | undefined
  try {
    if (state !== undefined) bytes = fromBase64(String(state))
  } catch {
    refuse(`the state is not base64: ${place(raw)}`)
  }
  return { type: 'base', at, why: bytes === undefined ? 'connection' : 'moved', state: bytes, standing }
}

function jsonOf(raw: Raw): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(raw.data)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Told with what is no object.
  }
  refuse(`the data is no JSON object: ${place(raw)}`)
}

/** Why a text has no event in it. */
function nothingIn(text: string): string {
  const at = text.split('\n').findIndex((line) => line.trim() !== '')
  if (at < 0) return 'it is empty'
  const line = text.split('\n')[at]!.trim()
  const shown = line.length > 60 ? `${line.slice(0, 60)}…` : line
  return `it holds no event: line ${at + 1} is neither a field of one, such as 'data: …', with a blank line after the last, nor JSON: ${shown}`
}

function place({ event, line }: Raw): string {
  return `event '${event}' in line ${line}`
}

function refuse(what: string): never {
  throw new HighwaterError('bad-data', `the session cannot be read: ${what}`)
}

/** Queries may hold what is secret. */
function withoutQuery(url: string): string {
  return url.split('?')[0] as string
}
