// What the panel and the pages of a tab say to each other. It goes through ports that know nothing but
// JSON, and break whenever the browser puts the background to sleep: so the panel asks for what comes
// after what it has, and whoever answers need not know what was answered before.

import { fromBase64, toBase64 } from '../../../../dist/devtools/base64.js'
import type { Conditions } from '../../../../dist/devtools/faults.js'
import type { Entry } from '../../../../dist/devtools/recording.js'
import type { ProtocolOptions } from '../../../../dist/protocols.js'
import type { Status } from '../../../../dist/types.js'

/** What the panel asks of the agents, which are in the pages. Each heeds what is of its own stores. */
export type Ask =
  /** Say which stores there are. */
  | { readonly ask: 'stores' }
  /** Say what was recorded from this number on, as soon as there is any. */
  | { readonly ask: 'entries'; readonly panel: string; readonly store: string; readonly from: number }
  /** Do something to a store. */
  | { readonly ask: 'do'; readonly panel: string; readonly store: string; readonly call: number; readonly what: Deed; readonly numbers: readonly number[] }

/** What can be done to a store from outside. */
export type Deed = 'reconnect' | 'pause' | 'resume' | 'cut' | 'duplicate' | 'reorder' | 'replay' | 'refuse' | 'heal' | 'conditions'

/** What an agent says of itself, and of its stores. */
export type Tell =
  /** It is there; the stores that it has, and how many it cannot read, of which levels. */
  | { readonly tell: 'stores'; readonly agent: string; readonly isTop: boolean; readonly stores: readonly StoreFacts[]; readonly strange: readonly (number | null)[] }
  /** The entries from one number to before another; that is not what was asked for if it is gone. */
  | { readonly tell: 'entries'; readonly agent: string; readonly panel: string; readonly store: string; readonly asked: number; readonly from: number; readonly to: number; readonly entries: readonly Entry[] }
  /** How a store stands. */
  | { readonly tell: 'standing'; readonly agent: string; readonly store: string; readonly standing: Standing }
  /** What came of a deed. */
  | { readonly tell: 'done'; readonly agent: string; readonly panel: string; readonly call: number; readonly answer: number }

/** What the background says to the panel. */
export type Notice =
  /** The agent's page is gone, or has been left. */
  | { readonly notice: 'gone'; readonly agent: string }
  /** The scripts are in the page, or why they cannot be. */
  | { readonly notice: 'injected'; readonly error: string | undefined }

/** What does not change of a store. */
export interface StoreFacts {
  readonly store: string
  readonly name: string
  readonly url: string
  readonly protocol: ProtocolOptions | undefined
  /** Whether its connection can go through the panel. */
  readonly isPossible: boolean
}

/** What does. */
export interface Standing {
  readonly status: Omit<Status, 'error'> & { readonly error: { readonly code: string; readonly message: string } | undefined }
  readonly size: number
  readonly isTapped: boolean
  readonly conditions: Conditions
  readonly pending: readonly string[]
}

/** A message or a part of one: ports take no more than 64 MiB at a time, and a state may be larger. */
export interface Piece {
  readonly agent: string
  readonly text: string
  readonly isLast: boolean
}

/** Writes a message. */
export function* piecesOf(message: Tell): Generator<Piece> {
  const text = JSON.stringify(message, (_, value: unknown) => {
    if (typeof value === 'bigint') return { [BIG]: String(value) }
    return value instanceof Uint8Array ? { [BYTES]: toBase64(value) } : value
  })
  for (let at = 0; at < text.length; at += LARGEST) {
    yield { agent: message.agent, text: text.slice(at, at + LARGEST), isLast: at + LARGEST >= text.length }
  }
}

/** Puts messages together again, of any number of agents. */
export class Joiner {
  readonly #parts = new Map<string, string[]>()

  /** The message, if this is its last part. */
  take({ agent, text, isLast }: Piece): Tell | undefined {
    const parts = this.#parts.get(agent) ?? []
    parts.push(text)
    if (!isLast) return void this.#parts.set(agent, parts)
    this.#parts.delete(agent)
    return JSON.parse(parts.join(''), revive) as Tell
  }

  /** Nothing more comes of this one; or, without one, of what was begun. */
  drop(agent?: string): void {
    if (agent === undefined) this.#parts.clear()
    else this.#parts.delete(agent)
  }
}

function revive(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const { [BIG]: big, [BYTES]: bytes } = value as { [BIG]?: string; [BYTES]?: string }
  if (big !== undefined) return BigInt(big)
  return bytes === undefined ? value : fromBase64(bytes)
}

const BIG = '$big'
const BYTES = '$bytes'
/** In characters, of which each may be three bytes. */
const LARGEST = 1 << 20
/** By this a page's message is known that brings a port. */
export const PORT = 'highwater-devtools:port'
/** And by this one that asks for it. */
export const WANTED = 'highwater-devtools:wanted'
