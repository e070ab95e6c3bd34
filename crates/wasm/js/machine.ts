// A session in the module: what happened goes in, what is to be done comes out.

import { faultOf } from './faults.js'
import * as Input from './input.js'
import { type Module, Thing } from './module.js'
import type { ProtocolOptions } from './protocols.js'
import { checkpointOf } from './writing.js'

/** Something to do: `connect`, `disconnect`, `fetch` or `wake`, and with what. */
export type Effect = [type: string, number: number, attempt?: number, lastEventId?: string | null, ...query: string[]]

/** A session in the module. */
export class Machine extends Thing {
  /** What it was made with. */
  readonly protocol: ProtocolOptions | undefined
  readonly numbers: Float64Array
  /** Why it is paused, and whether there is no network, as long as it is in the lean module. */
  readonly reasons = new Set<string | undefined>()
  isOffline = false

  constructor(module: Module, protocol: ProtocolOptions | undefined, numbers: Float64Array, wanted = false) {
    super(module, sessionOf(module, protocol, numbers, wanted), module.session_free)
    this.protocol = protocol
    this.numbers = numbers
  }

  /** Takes in what happened ({@link Input}), and answers with {@link Bit}s. */
  input(now: number, what: number, connection = 0, number = 0, ...texts: (string | undefined)[]): number {
    const { reasons } = this
    if (!this.module.isWhole) {
      if (what === Input.Offline || what === Input.Online) this.isOffline = what === Input.Offline
      if (what === Input.Pause) reasons.add(texts[0])
      // The lean one hears of the last alone; to be woken for nothing is harmless.
      if (what === Input.Unpause && (!reasons.delete(texts[0]) || reasons.size > 0)) what = Input.Wake
    }
    if (texts.length > 0) this.module.say(texts)
    return this.module.session_input(this.handle, now, what, connection, number)
  }

  /** Takes in bytes of the body. */
  bytes(now: number, connection: number, bytes: Uint8Array): number {
    return this.module.session_input(this.handle, now, Input.Bytes, connection, this.module.give(bytes))
  }

  /** The server has answered. */
  opened(now: number, connection: number, status: number, contentType: string | undefined, retryAfter?: number): number {
    // The lean module compares it as it is.
    this.module.say([this.module.isWhole ? contentType : contentType?.toLowerCase()])
    return this.module.session_input(this.handle, now, Input.Opened, connection, status, retryAfter)
  }

  /** The state and the position as bytes, with so much room in front (where there is more to it than the lean module has). */
  checkpoint(room = 0): Uint8Array {
    const { module } = this
    if (!module.isWhole) return checkpointOf(this)
    const length = module.session_checkpoint(this.handle)
    const at = module.text()
    const kept = new Uint8Array(room + length)
    kept.set(module.bytes().subarray(at, at + length), room)
    return kept
  }

  /** What is to be done. */
  effects(): Effect[] {
    const { module } = this
    const count = module.session_effects(this.handle)
    if (module.isWhole) return module.jsonOf(count) as Effect[]
    const effects: Effect[] = []
    const [cursor] = this.position()
    const numbers = module.doublesOf(count)
    for (let at = 0; at < numbers.length; at += 3) {
      const [what, number, attempt] = numbers.slice(at) as [number, number, number]
      effects.push([EFFECTS[what] as string, number, attempt, null, ...(cursor ? ['basis', cursor] : [])])
    }
    return effects
  }

  /** How things stand, in the order in which the module says it. */
  status(): unknown[] {
    const { module } = this
    const length = module.session_status(this.handle)
    if (module.isWhole) return module.jsonOf(length)
    // The lean one has numbers for words, and two texts end to end.
    const told = module.doublesOf(32).map((number): unknown => (number > 1e19 ? null : number))
    const [cursor, ...words] = module.textOf(length).split('\n')
    const [phase, , , , , , hasCursor, , , , , , , code, number, detail] = told as number[]
    told[0] = PHASES[phase as number]
    if (hasCursor !== null) told[6] = cursor
    if (code !== null) told[13] = faultOf(code as number, words.join('\n'), number as number, detail as number)
    return told
  }

  /** Begins or ends the recording of what every event does. */
  trace(on: boolean): void {
    this.module.session_trace(this.handle, on ? 1 : 0)
  }

  /** Where the stream stands: cursor, mode, last event id. */
  position(): [cursor: string | null, mode: string | null, lastEventId: string] {
    const { module } = this
    const length = module.position(this.handle)
    if (module.isWhole) return module.jsonOf(length) as [string | null, string | null, string]
    return [length < 0 ? null : module.textOf(length), null, '']
  }
}

/** What the lean module has numbers for. */
const EFFECTS = ['connect', 'disconnect', 'wake']
const PHASES = ['connecting', 'syncing', 'live', 'stale', 'paused', 'offline', 'stopped']

/** Makes a session in a module. */
export function sessionOf(module: Module, protocol: ProtocolOptions | undefined, numbers: Float64Array, wanted = false): number {
  // The lean one has no choice of protocols.
  module.say(module.isWhole ? module.more.wordsOfProtocol(protocol) : [], numbers)
  return module.session_new(numbers.length, wanted ? 1 : 0)
}
