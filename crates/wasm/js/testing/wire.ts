// What Highwater's own server writes: FDv2 over server-sent events.

import type { Version } from '../types.js'

/** One item as it is written. */
export interface WrittenItem {
  readonly version: Version
  /** Its value as JSON. */
  readonly json: string
}

/** How a connection begins. */
export function intent(code: 'xfer-full' | 'xfer-changes' | 'none', index: number, cursor: string | undefined, heartbeat: number): string {
  const payloads = [{ id: 'test', target: index, intentCode: code, reason: 'test' }]
  return event('server-intent', JSON.stringify({ payloads, highwater: { version: 1, resumed: code !== 'xfer-full', heartbeat } }), cursor)
}

/** An item, its members in the order that the server promises. */
export function put(kind: string, key: string, { version, json }: WrittenItem): string {
  return event('put-object', `{${name(kind, key)},"version":${version},"object":${json}}`)
}

/** An item that is gone. */
export function gone(kind: string, key: string, version: Version): string {
  return event('delete-object', `{${name(kind, key)},"version":${version}}`)
}

/** The end of a snapshot or, with the cursor that it builds on, of a transaction. */
export function transferred(cursor: string, index: number, basis?: string): string {
  return event('payload-transferred', JSON.stringify({ state: cursor, version: index, basis }), cursor)
}

/** What says that the server is still there. */
export const HEARTBEAT = event('heart-beat', '{}')

function name(kind: string, key: string): string {
  return `"kind":${JSON.stringify(kind)},"key":${JSON.stringify(key)}`
}

function event(type: string, data: string, id?: string): string {
  return `event: ${type}\n${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`
}
