// Protocols, as options name or describe them.

import { check, described, refuse } from './options.js'

/** The protocols that have a name. */
export type ProtocolName = 'fdv2' | 'relay' | 'flags' | 'ping' | 'autoconfig' | 'consul' | 'eventstream' | 'json'

/**
 * Where things are in a stream that knows nothing of Highwater. Paths are JSON pointers into an
 * event's data; the empty one means all of it.
 *
 * @example
 * connect(url, { protocol: { name: 'json', upsert: 'price', key: '/symbol', version: '/at' } })
 */
export interface JsonProtocol {
  /** Which protocol this is. */
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
  /**
   * The stream promises to write each item as `{kind, key, version, value}`: those of them that
   * have a path, in this order, without spaces, and nothing behind the value. Then nobody looks
   * into values before they are read, which is several times as fast.
   */
  readonly valueLast?: boolean
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
  check('option protocol', protocol, Object.fromEntries(['name', ...members].map((member) => [member, '*'])))
  for (const [member, value] of Object.entries(protocol)) {
    const place = `option protocol.${member}`
    if (member === 'recorded' || member === 'valueLast') {
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

/** What the module reads a protocol from: its name, and what belongs to it. */
export function wordsOfProtocol(protocol: ProtocolOptions = 'fdv2'): (string | undefined)[] {
  if (typeof protocol === 'string') return [protocol]
  const { name, ...options } = protocol as { name: string } & Record<string, unknown>
  const list = (types: unknown): string[] => (types === undefined ? [] : [types].flat() as string[])
  if (name === 'json') {
    const { upsert = 'message', delete: gone, snapshot, items, key, kind, version, value, deleted, valueLast } = options
    const paths = [items, key, kind, version, value, deleted, valueLast === true ? '' : undefined] as (string | undefined)[]
    return ['json-of', ...paths, ...[upsert, gone, snapshot].flatMap((types) => [...list(types), undefined])]
  }
  if (name === 'fdv2' && options['kinds'] !== undefined) return ['fdv2-of', ...list(options['kinds']), undefined]
  return [options['recorded'] === true ? 'consul-recorded' : name]
}

const NAMES: readonly string[] = ['fdv2', 'relay', 'flags', 'ping', 'autoconfig', 'consul', 'eventstream', 'json'] satisfies ProtocolName[]

const TYPES = ['upsert', 'delete', 'snapshot', 'kinds']

const MEMBERS = {
  json: ['upsert', 'delete', 'snapshot', 'items', 'key', 'kind', 'version', 'value', 'deleted', 'valueLast'],
  fdv2: ['kinds'],
  consul: ['recorded'],
} as const
