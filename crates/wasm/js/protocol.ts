// One wire format by itself.

import { errorOf } from './faults.js'
import { needModule, Thing } from './module.js'
import { isProtocol, type ProtocolOptions, wordsOfProtocol } from './protocols.js'
import { type Version, versionOf } from './types.js'

/** What a protocol makes of an event. */
export type Message =
  | { type: 'begin'; transfer: 'snapshot' | 'changes' }
  | { type: 'upsert'; kind: string; key: string; version: Version; value: string }
  | { type: 'delete'; kind: string; key: string; version: Version }
  | { type: 'keep'; kind: string; key: string }
  | { type: 'listed'; kind: string }
  | { type: 'commit'; cursor?: string; version?: Version; basis?: string; ordered: boolean }
  | { type: 'up-to-date' | 'invalidate' | 'reconnect' | 'heartbeat' }
  | { type: 'resumed'; resumed: boolean }
  | { type: 'heartbeat-every'; millis: number }
  | { type: 'target'; target: Version }
  | { type: 'failed'; payload: string; reason: string }
  | { type: 'goodbye'; reason: string }
  | { type: 'ignored'; reason: string }

/**
 * One wire format by itself: events in, messages out. It keeps no state but that of its own
 * sequence; {@link Materializer} and {@link connect} do the rest.
 *
 * @example
 * const protocol = new Protocol('relay')
 * protocol.decode({ type: 'delete', data: '{"path":"/flags/x","version":2}' })
 * // [{ type: 'begin', transfer: 'changes' }, { type: 'delete', kind: 'flags', key: 'x', version: 2 }, { type: 'commit', … }]
 */
export class Protocol {
  readonly #raw: Thing

  constructor(protocol: ProtocolOptions) {
    isProtocol(protocol)
    const module = needModule('Protocol')
    module.say(wordsOfProtocol(protocol))
    this.#raw = new Thing(module, module.protocol_new(), module.protocol_free)
  }

  /** Where an FDv2 stream stands; `undefined` for other protocols. */
  get mode(): 'inactive' | 'changes' | 'full' | undefined {
    const [mode] = this.#raw.module.jsonOf(this.#raw.module.protocol_mode(this.#raw.handle))
    return (mode ?? undefined) as 'inactive' | 'changes' | 'full' | undefined
  }

  /** A new connection begins, which asks for what follows the cursor. */
  connected(cursor?: string): void {
    this.#raw.module.say([cursor])
    this.#raw.module.protocol_connected(this.#raw.handle)
  }

  /** Decodes an event. Throws a {@link HighwaterError} if it cannot be; its `messages` came before. */
  decode(event: { type?: string; data: string; id?: string }): Message[] {
    this.#raw.module.say([event.data, event.type ?? 'message', event.id ?? ''])
    const list = this.#raw.module.jsonOf(this.#raw.module.protocol_decode(this.#raw.handle)) as unknown[][]
    const error = list.pop() as unknown
    const messages = list.map(messageOf)
    if (error !== null) throw Object.assign(errorOf(error), { messages })
    return messages
  }

  /** Frees its memory in the module. */
  [Symbol.dispose](): void {
    this.#raw.free()
  }
}

function messageOf(parts: unknown[]): Message {
  const type = parts[0] as Message['type']
  const members = PARTS[type] ?? []
  const message: Record<string, unknown> = { type }
  members.forEach((member, at) => {
    const value = parts[at + 1]
    if (value === null || value === undefined) return
    if (FLAGS.includes(member)) message[member] = value === 1
    else if (member === 'version') message[member] = versionOf(value as string | number)
    else message[member] = value
  })
  return message as Message
}

const PARTS: Partial<Record<Message['type'], readonly string[]>> = {
  begin: ['transfer'],
  upsert: ['kind', 'key', 'version', 'value'],
  delete: ['kind', 'key', 'version'],
  keep: ['kind', 'key'],
  listed: ['kind'],
  commit: ['cursor', 'version', 'basis', 'ordered'],
  resumed: ['resumed'],
  'heartbeat-every': ['millis'],
  target: ['target'],
  failed: ['payload', 'reason'],
  goodbye: ['reason'],
  ignored: ['reason'],
}

const FLAGS = ['ordered', 'resumed']
