// A session in the module: what happened goes in, what is to be done comes out.

import type { Beginning } from './initial.js'
import { bytes, give, jsonOf, say, Thing, wasm } from './module.js'
import { type ProtocolOptions, wordsOfProtocol } from './protocols.js'

/** What happened; the numbers are the module's. */
export const enum Input {
  Start,
  Reconnect,
  Wake,
  Offline,
  Online,
  Stop,
  Ended,
  Aborted,
  Bytes,
  Pause,
  Unpause,
  Failed,
  Event,
}

/** What an input led to, as bits. */
export const enum Bit {
  Effects = 1,
  Commits = 2,
  Gone = 4,
  Synced = 8,
  Stopped = 16,
  Fault = 32,
  Told = 64,
}

/** Something to do: `connect`, `disconnect`, `fetch` or `wake`, and with what. */
export type Effect = [type: string, number: number, attempt?: number, lastEventId?: string | null, ...query: string[]]

/** A session in the module. */
export class Machine extends Thing {
  constructor(protocol: ProtocolOptions | undefined, numbers: Float64Array, wanted = false) {
    const bytes = new Uint8Array(numbers.buffer)
    say(wordsOfProtocol(protocol), bytes.length, bytes)
    super(wasm.session_new(numbers.length, wanted ? 1 : 0), wasm.session_free)
  }

  /** Takes in what happened, and answers with {@link Bit}s. */
  input(now: number, what: Input, connection = 0, number = 0, ...texts: (string | undefined)[]): number {
    if (texts.length > 0) say(texts)
    return wasm.session_input(this.handle, now, what, connection, number)
  }

  /** Takes in bytes of the body. */
  bytes(now: number, connection: number, bytes: Uint8Array): number {
    return wasm.session_input(this.handle, now, Input.Bytes, connection, give(bytes))
  }

  /** The server has answered. */
  opened(now: number, connection: number, status: number, contentType: string | undefined, retryAfter = NaN): number {
    say([contentType])
    return wasm.session_opened(this.handle, now, connection, status, retryAfter)
  }

  /** The state was fetched; status 0 when there was no answer. */
  fetched(now: number, connection: number, status: number, body: Uint8Array): number {
    return wasm.session_fetched(this.handle, now, connection, status, give(body))
  }

  /** The state and the position as bytes, with so much room in front. */
  checkpoint(room = 0): Uint8Array {
    const length = wasm.session_checkpoint(this.handle)
    const at = wasm.text()
    const kept = new Uint8Array(room + length)
    kept.set(bytes().subarray(at, at + length), room)
    return kept
  }

  /** Takes up what was kept. Answers with {@link Bit}s, and with what was wrong with it. */
  restore(now: number, beginning: Beginning): [bits: number, fault: unknown] {
    const isCheckpoint = beginning instanceof Uint8Array
    if (!isCheckpoint) say(beginning)
    // Nothing at all is no checkpoint either.
    const size = isCheckpoint ? give(beginning.length === 0 ? new Uint8Array(1) : beginning) : 0
    return jsonOf(wasm.session_restore(this.handle, now, size)) as [number, unknown]
  }

  /** How another session would have to go on in the connection at hand; -1 while something is under way. */
  standing(): number {
    return wasm.session_standing(this.handle)
  }

  /** Goes on in a connection where another session stands, whose checkpoint this is; empty: with this state. */
  join(now: number, connection: number, standing: number, checkpoint: Uint8Array): number {
    return wasm.session_join(this.handle, now, connection, standing, give(checkpoint))
  }

  /** What is to be done. */
  effects(): Effect[] {
    return jsonOf(wasm.session_effects(this.handle)) as Effect[]
  }

  /** How things stand, in the order in which the module says it. */
  status(): unknown[] {
    return jsonOf(wasm.session_status(this.handle))
  }

  /** The types of event that a platform's own event source has to listen for. */
  types(): string[] {
    return jsonOf(wasm.session_types(this.handle)) as string[]
  }

  /** Begins or ends the recording of what every event does. */
  trace(on: boolean): void {
    wasm.session_trace(this.handle, on ? 1 : 0)
  }

  /** What every event did since this was last called. */
  traced(): unknown[][] {
    return jsonOf(wasm.session_traced(this.handle)) as unknown[][]
  }

  /** Where the stream stands: cursor, mode, last event id. */
  position(): [cursor: string | null, mode: string | null, lastEventId: string] {
    return jsonOf(wasm.position(this.handle)) as [string | null, string | null, string]
  }
}
