// What pages that share a connection say to each other, and the name under which they meet.

import type { Options } from './options.js'

/** Where a session stands: cursor and last event id. */
export type Position = readonly [cursor: string | null, lastEventId: string]

/** What the server answered with. */
export interface Answer {
  readonly number: number
  readonly status: number
  readonly headers: readonly [string, string][]
}

/** What a leader says; `term` tells leaders apart. */
export type Word = { readonly term: string } & (
  | { readonly type: 'lead' | 'here' }
  | ({ readonly type: 'open'; readonly position: Position } & Answer)
  | { readonly type: 'bytes'; readonly number: number; readonly place: number; readonly piece: Uint8Array }
  | { readonly type: 'end'; readonly number: number; readonly failure: string | undefined }
  | { readonly type: 'polled'; readonly number: number; readonly polled: Polled }
  | ({ readonly type: 'join'; readonly place: number; readonly standing: number; readonly checkpoint: Uint8Array } & Answer)
)

/** What a follower says. */
export type Request = { readonly id: string } & ({ readonly type: 'hello'; readonly position: Position } | { readonly type: 'ping' | 'bye' })

/** The answer of the poll address; status 0 when there was none. */
export type Polled = readonly [status: number, body: Uint8Array]

/** The name of a stream: the same for all that ask for the same. */
export async function nameOf(url: string, protocol: unknown, options: Options): Promise<string> {
  const { headers, method, body, credentials, poll } = options
  const given = typeof headers === 'function' ? 'asked for' : [...new Headers(headers)]
  // Headers may hold secrets, and names of locks are told to anybody of the origin.
  const words = JSON.stringify([FORMAT, url, protocol, given, method, body, credentials, poll])
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(words)))
  return `highwater ${Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

/** Where the first event ends that ends in LF, or a line of NDJSON; 0 if none does. */
export function eventEnd(bytes: Uint8Array, isLines: boolean): number {
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    const before = bytes[at - 1] === CR ? bytes[at - 2] : bytes[at - 1]
    if (isLines || before === LF || before === undefined) return at + 1
  }
  return 0
}

/** Pages of another format do not meet. */
const FORMAT = 1
const LF = 10
const CR = 13
