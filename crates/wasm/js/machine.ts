// A session in the module: what happened goes in, what is to be done comes out.

import * as Input from './input.js'
import { type Module, Thing } from './module.js'
import type { ProtocolOptions } from './protocols.js'

/** Something to do: `connect`, `disconnect`, `fetch` or `wake`, and with what. */
export type Effect = [type: string, number: number, attempt?: number, lastEventId?: string | null, ...query: string[]]

/** A session in the module. */
export class Machine extends Thing {
  /** What it was made with. */
  readonly protocol: ProtocolOptions | undefined
  readonly numbers: Float64Array

  constructor(module: Module, protocol: ProtocolOptions | undefined, numbers: Float64Array, wanted = false) {
    super(module, sessionOf(module, protocol, numbers, wanted), module.session_free)
    this.protocol = protocol
    this.numbers = numbers
  }

  /** Takes in what happened ({@link Input}), and answers with {@link Bit}s. */
  input(now: number, what: number, connection = 0, number = 0, ...texts: (string | undefined)[]): number {
    if (texts.length > 0) this.module.say(texts)
    return this.module.session_input(this.handle, now, what, connection, number)
  }

  /** Takes in bytes of the body. */
  bytes(now: number, connection: number, bytes: Uint8Array): number {
    return this.module.session_input(this.handle, now, Input.Bytes, connection, this.module.give(bytes))
  }

  /** The server has answered. */
  opened(now: number, connection: number, status: number, contentType: string | undefined, retryAfter = NaN): number {
    this.module.say([contentType])
    return this.module.session_opened(this.handle, now, connection, status, retryAfter)
  }

  /** The state and the position as bytes, with so much room in front. */
  checkpoint(room = 0): Uint8Array {
    const { module } = this
    const length = module.session_checkpoint(this.handle)
    const at = module.text()
    const kept = new Uint8Array(room + length)
    kept.set(module.bytes().subarray(at, at + length), room)
    return kept
  }

  /** What is to be done. */
  effects(): Effect[] {
    return this.module.jsonOf(this.module.session_effects(this.handle)) as Effect[]
  }

  /** How things stand, in the order in which the module says it. */
  status(): unknown[] {
    return this.module.jsonOf(this.module.session_status(this.handle))
  }

  /** Begins or ends the recording of what every event does. */
  trace(on: boolean): void {
    this.module.session_trace(this.handle, on ? 1 : 0)
  }

  /** Where the stream stands: cursor, mode, last event id. */
  position(): [cursor: string | null, mode: string | null, lastEventId: string] {
    return this.module.jsonOf(this.module.position(this.handle)) as [string | null, string | null, string]
  }
}

/** Makes a session in a module. */
export function sessionOf(module: Module, protocol: ProtocolOptions | undefined, numbers: Float64Array, wanted = false): number {
  // The lean one has no choice of protocols.
  module.say(module.isWhole ? module.more.wordsOfProtocol(protocol) : [], numbers)
  return module.session_new(numbers.length, wanted ? 1 : 0)
}
