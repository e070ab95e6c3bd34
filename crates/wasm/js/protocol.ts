// Protocols: by name, or any stream of JSON as the application describes it.

import { Protocol as Raw } from './core.js'
import { errorOf } from './errors.js'
import { needModule } from './module.js'
import { described, known, refuse } from './options.js'
import { type Version, versionOf } from './types.js'

/** The protocols that have a name. */
export type ProtocolName = 'fdv2' | 'relay' | 'flags' | 'ping' | 'autoconfig' | 'consul' | 'json'

/**
 * Where things are in a stream that knows nothing of Highwater. Paths are JSON pointers into an
 * event's data; the empty one means all of it.
 *
 * @example
 * connect(url, { protocol: { name: 'json', upsert: 'price', key: '/symbol', version: '/at' } })
 */
export interface JsonProtocol {
  readonly name: 'json'
  /** Types of the events that carry one changed item. Default: `message`. */
  readonly upsert?: string | readonly string[]
  /** Types of the events that say that an item is gone. */
  readonly delete?: string | readonly string[]
  /** Types of the events that carry everything: an array, or an object whose values are items. */
  readonly snapshot?: string | readonly string[]
  /** Where the items of a snapshot are. Default: the whole data. */
  readonly items?: string
  /** Where an item's key is. Default: `/key`. */
  readonly key?: string
  /** Where its kind is; without it the kind is `item`. */
  readonly kind?: string
  /** Where its version is; without it every event counts as newer than the last. */
  readonly version?: string
  /** Where its value is. Default: the whole item. */
  readonly value?: string
  /** Where a `true` says that the item is gone. */
  readonly deleted?: string
}

/** FDv2 with put objects of other kinds than these left out. */
export interface Fdv2Protocol {
  readonly name: 'fdv2'
  readonly kinds?: readonly string[]
}

/** Consul's subscribe stream; `recorded`: as Consul's own client treats it, to compare with recordings. */
export interface ConsulProtocol {
  readonly name: 'consul'
  readonly recorded?: boolean
}

/** What a stream speaks. */
export type ProtocolOptions = ProtocolName | JsonProtocol | Fdv2Protocol | ConsulProtocol

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
  readonly #raw: Raw

  constructor(protocol: ProtocolOptions) {
    isProtocol(protocol)
    needModule('Protocol')
    this.#raw = rawProtocol(protocol)
  }

  /** Where an FDv2 stream stands; `undefined` for other protocols. */
  get mode(): 'inactive' | 'changes' | 'full' | undefined {
    return this.#raw.mode() as 'inactive' | 'changes' | 'full' | undefined
  }

  /** A new connection begins, which asks for what follows the cursor. */
  connected(cursor?: string): void {
    this.#raw.connected(cursor)
  }

  /** Decodes an event. Throws a {@link HighwaterError} if it cannot be; its `messages` came before. */
  decode(event: { type?: string; data: string; id?: string }): Message[] {
    const [error, list] = this.#raw.decode(event.type ?? 'message', event.data, event.id ?? '') as [unknown, unknown[][]]
    const messages = list.map(messageOf)
    if (error !== undefined) throw Object.assign(errorOf(error), { messages })
    return messages
  }

  /** Frees its memory in the module. */
  [Symbol.dispose](): void {
    this.#raw.free()
  }
}

/** Checks that it names or describes a protocol, or is not there. */
export function isProtocol(protocol: unknown): asserts protocol is ProtocolOptions | undefined {
  if (protocol === undefined) return
  if (typeof protocol === 'string') {
    if (!NAMES.includes(protocol)) refuse(`there is no protocol ${described(protocol)}; there are: ${NAMES.join(', ')}`)
    return
  }
  if (typeof protocol !== 'object' || protocol === null) refuse(`option protocol must be a name or an object, not ${described(protocol)}`)
  const { name } = protocol as { name?: unknown }
  const members = MEMBERS[name as keyof typeof MEMBERS] as readonly string[] | undefined
  if (members === undefined) refuse(`option protocol.name must be one of ${Object.keys(MEMBERS).join(', ')}, not ${described(name)}`)
  known('option protocol.', protocol, ['name', ...members])
  for (const [member, value] of Object.entries(protocol)) {
    const place = `option protocol.${member}`
    if (member === 'recorded') {
      if (typeof value !== 'boolean') refuse(`${place} must be true or false, not ${described(value)}`)
    } else if (TYPES.includes(member)) {
      const fits = [value].flat().every((type) => typeof type === 'string')
      if (!fits) refuse(`${place} must be a string or a list of strings, not ${described(value)}`)
    } else if (typeof value !== 'string') {
      refuse(`${place} must be a string, not ${described(value)}`)
    } else if (member !== 'name' && value !== '' && !value.startsWith('/')) {
      refuse(`${place} must be a JSON pointer, empty or beginning with '/', not ${described(value)}`)
    }
  }
}

/** Makes the module's own. */
export function rawProtocol(protocol: ProtocolOptions = 'fdv2'): Raw {
  const options: Partial<Record<string, unknown>> & { name: string } =
    typeof protocol === 'string' ? { name: protocol } : { ...protocol }
  if (options.name === 'json') {
    const types = [options['upsert'], options['delete'], options['snapshot']]
    const paths = ['items', 'key', 'kind', 'version', 'value', 'deleted'].map((path) => options[path])
    return Raw.json([...types.map((list) => (list === undefined ? list : [list].flat())), ...paths])
  }
  if (options.name === 'fdv2' && Array.isArray(options['kinds'])) return Raw.fdv2Of([...(options['kinds'] as unknown[])])
  const name = options['recorded'] === true ? 'consul-recorded' : options.name
  return Raw.named(name) ?? refuse(`there is no protocol ${described(name)}`)
}

function messageOf(parts: unknown[]): Message {
  const type = parts[0] as Message['type']
  const members = PARTS[type] ?? []
  const message: Record<string, unknown> = { type }
  members.forEach((member, at) => {
    const value = parts[at + 1]
    if (value !== undefined) message[member] = typeof value === 'bigint' ? versionOf(value) : value
  })
  return message as Message
}

const NAMES: readonly string[] = ['fdv2', 'relay', 'flags', 'ping', 'autoconfig', 'consul', 'json'] satisfies ProtocolName[]

const TYPES = ['upsert', 'delete', 'snapshot', 'kinds']

const MEMBERS = {
  json: ['upsert', 'delete', 'snapshot', 'items', 'key', 'kind', 'version', 'value', 'deleted'],
  fdv2: ['kinds'],
  consul: ['recorded'],
} as const

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
