// The options of a store, checked: a mistake is named before anything happens.

import { HighwaterError } from './errors.js'
import type { Initial } from './initial.js'
import { isSchemas, type Schemas } from './schema.js'
import { isProtocol, type ProtocolOptions } from './protocols.js'

export type { JsonProtocol, ProtocolName, ProtocolOptions } from './protocols.js'

/** Why headers are asked for. */
export interface HeadersContext {
  /** The how-manieth connection this is since the store was last live. */
  readonly attempt: number
  /** `expired`: the server has just answered 401 to the headers given before. */
  readonly cause: 'connect' | 'expired'
}

/** How failures are waited out. Times are milliseconds. */
export interface RetryOptions {
  /** The wait after the first failure; it doubles with each one after it. */
  readonly first?: number
  /** No wait is shorter. */
  readonly min?: number
  /** No wait is longer; 0: no bound. */
  readonly max?: number
  /** What share of a wait is left to chance, from 0 to 1: it is made up to so much shorter. Below 0: longer. */
  readonly jitter?: number
  /** How many failures cost no more than `min`. */
  readonly freeFailures?: number
  /** A connection that lived so long wipes the slate clean; `update`: the first update does. */
  readonly healthy?: number | 'update'
  /** After so many failures in a row the store stops. Default: never. */
  readonly attempts?: number
}

/** How deletions are remembered, so that no late message brings an item back. */
export interface TombstoneOptions {
  /** How many, at most. Default: 65,536. */
  readonly count?: number
  /** For how many milliseconds, at most. Default: a day. */
  readonly age?: number
}

/** Where bytes are kept: a `Map` would do, if it outlived the program. */
export interface PersistStorage {
  /** Answers with `undefined` or `null` if there is nothing. */
  get(key: string): Promise<Uint8Array | null | undefined> | Uint8Array | null | undefined
  set(key: string, bytes: Uint8Array): unknown
  delete(key: string): unknown
}

/** How the state is kept from one visit to the next. */
export interface PersistOptions {
  /** Keeps apart what has the same address: the users of a page, above all. */
  readonly name?: string | undefined
  /** What was kept longer ago, in milliseconds, is not taken up. Default: however old it is. */
  readonly maxAge?: number | undefined
  /** Default: a database of the page's origin, in IndexedDB. */
  readonly storage?: PersistStorage | undefined
}

/** The choices that {@link connect} leaves open. */
export interface Options {
  /** What the stream speaks. Default: `fdv2`, as Highwater's own servers do. */
  readonly protocol?: ProtocolOptions
  /** `fetch` reads bytes and is the fastest; `eventsource` is the platform's own, without headers. Default: `auto`. */
  readonly transport?: 'auto' | 'fetch' | 'eventsource'
  /** Headers, or a function that is asked for them before each attempt; and once more after a 401. */
  readonly headers?: HeadersInit | ((context: HeadersContext) => HeadersInit | Promise<HeadersInit>)
  /** Default: `GET`. */
  readonly method?: string
  /** Sent with every attempt, so no stream. */
  readonly body?: Exclude<BodyInit, ReadableStream>
  readonly credentials?: RequestCredentials
  /** Where protocol `ping` fetches the state. */
  readonly poll?: string | URL
  readonly retry?: RetryOptions
  /** A connection on which nothing comes for so many milliseconds is given up; `false`: never. */
  readonly idle?: number | false
  /** A snapshot must end within so many milliseconds. Default: 120,000. */
  readonly snapshotTimeout?: number
  /** A connection must be answered within so many milliseconds. Default: 30,000. */
  readonly connectTimeout?: number
  /** The largest event, in bytes. Default: 64 MiB. */
  readonly maxBytes?: number
  readonly tombstones?: TombstoneOptions
  /** When values are checked to be JSON: when somebody reads them, or as they arrive. Default: `read`. */
  readonly validate?: 'read' | 'ingest'
  /**
   * `browser`: all pages of the origin that ask for this stream (the same address, protocol, headers,
   * method, body, credentials) have one connection. Where that cannot be, `onError` hears of it, and
   * the store has a connection of its own, as with `tab`. Default: `tab`.
   */
  readonly share?: 'tab' | 'browser'
  /**
   * What to begin with, before the network answers: a {@link Store.checkpoint}, or items. `ready`
   * is resolved by it. A checkpoint that cannot be taken up is told, and the store begins anew.
   */
  readonly initial?: Uint8Array | Initial
  /**
   * Keeps the state and the position from one visit to the next: `true`, a name, or how. What was kept
   * is there before the network answers, and resolves `ready`; then the stream goes on from it. With
   * `initial`, the store begins with that. Default: `false`.
   */
  readonly persist?: boolean | string | PersistOptions
  /**
   * By kind, what values must be: a schema of Zod, Valibot, ArkType or any other that follows
   * Standard Schema. Asked when a value is first read; one that does not fit reads as `undefined`, and
   * is told once. What the schema makes of it is what is read, and types the store.
   */
  readonly schema?: Schemas
  /**
   * Whether to let go of the connection while the page is hidden: at once (`pause`), or after so many
   * milliseconds. When it is shown again, what it missed is caught up with. Default: `false`.
   */
  readonly hidden?: 'pause' | number | false
  /** Aborting it closes the store. */
  readonly signal?: AbortSignal
  /** Called instead of the platform's `fetch`. */
  readonly fetch?: typeof fetch
  /** Hears of what is nobody else's to hear: listeners that throw, values that cannot be read. */
  readonly onError?: (error: unknown) => void
}

/** Throws the error that names a mistake. */
export function refuse(message: string): never {
  throw new HighwaterError('bad-option', message)
}

/** Checks a stream's address, relative to the page if there is one. */
export function addressOf(name: string, url: unknown): string {
  if (typeof url !== 'string' && !(url instanceof URL)) refuse(`${name} must be a string or a URL, not ${described(url)}`)
  const base = typeof document === 'object' ? document.baseURI : (globalThis.location as Location | undefined)?.href
  let address
  try {
    address = new URL(url, base)
  } catch {
    refuse(
      base === undefined && typeof url === 'string' && !/^[a-z][a-z0-9+.-]*:/i.test(url)
        ? `${name} '${url}' is relative, and here is no page that it could be relative to`
        : `${name} '${String(url)}' is not a URL`,
    )
  }
  if (address.protocol !== 'http:' && address.protocol !== 'https:') {
    refuse(`${name} must be an http or https URL, not ${address.protocol}//…`)
  }
  if (address.username !== '' || address.password !== '') {
    refuse(`${name} must hold no user name and no password, which fetch refuses; send them in a header: option headers`)
  }
  address.hash = ''
  return address.href
}

/** What something given must be: one of some words, a number from one bound to another, or what a function does not refuse. */
type Check = readonly string[] | readonly [least: number, greatest?: number] | ((name: string, value: unknown) => void)

/** Checks that it is an object, and that each of its members is what it must be, or not there. */
function check(prefix: string, value: unknown, checks: Readonly<Record<string, Check>>): asserts value is Record<string, unknown> {
  known(prefix, value, Object.keys(checks))
  for (const [member, must] of Object.entries(checks)) {
    const [name, given] = [prefix.endsWith('.') ? prefix + member : `${prefix} ${member}`, value[member]]
    if (given === undefined) continue
    if (typeof must === 'function') must(name, given)
    else if (typeof must[0] === 'number') number(name, given, ...(must as [number, number?]))
    else oneOf(name, given, must as readonly string[])
  }
}

/** Checks that it is a string, or not there. */
function text(name: string, value: unknown): asserts value is string | undefined {
  if (value !== undefined && typeof value !== 'string') refuse(`${name} must be a string, not ${described(value)}`)
}

/** What the options of {@link connect} must be, each by itself. */
const OPTIONS: Readonly<Record<keyof Options, Check>> = {
  protocol: (_, value) => isProtocol(value),
  transport: ['auto', 'fetch', 'eventsource'],
  headers: (name, value) => typeof value === 'function' || checkHeaders(name, value),
  method: (name, value) => {
    if (typeof value !== 'string' || value === '') refuse(`${name} must be a string, not ${described(value)}`)
  },
  body: (name, value) => {
    if (typeof ReadableStream === 'function' && value instanceof ReadableStream) refuse(`${name} cannot be a stream: it is sent with every attempt`)
  },
  credentials: ['omit', 'same-origin', 'include'],
  poll: addressOf,
  retry: (_, value) => checkRetry(value),
  idle: (name, value) => value === false || number(name, value, 1),
  snapshotTimeout: [1],
  connectTimeout: [1],
  maxBytes: [1, 2 ** 31 - 1],
  tombstones: (_, value) => checkTombstones(value),
  validate: ['read', 'ingest'],
  share: ['tab', 'browser'],
  signal: (name, value) => {
    const is = typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value
    if (!is) refuse(`${name} must be an AbortSignal, not ${described(value)}`)
  },
  fetch: callable,
  onError: callable,
  // Read where it is needed.
  initial: () => {},
  schema: (_, value) => isSchemas(value),
  hidden: (name, value) => {
    if (typeof value === 'number') number(name, value, 0, LONGEST)
    else if (value !== false && value !== 'pause') refuse(`${name} must be 'pause', a number of milliseconds or false, not ${described(value)}`)
  },
  persist: (name, value) => typeof value === 'boolean' || typeof value === 'string' || check(`${name}.`, value, PERSIST),
}

const PERSIST: Readonly<Record<keyof PersistOptions, Check>> = {
  name: text,
  maxAge: [0],
  storage: (name, value) => {
    for (const method of ['get', 'set', 'delete']) {
      if (typeof (value as Record<string, unknown> | null)?.[method] !== 'function') refuse(`${name} must have the methods get, set and delete`)
    }
  },
}

/** Checks all options of {@link connect}. */
export function checkOptions(options: unknown): asserts options is Options {
  check('option', options, OPTIONS)
  const { protocol, transport, method, body, poll, fetch, share, persist = false } = options
  if (body !== undefined) {
    if (method === undefined || /^(get|head)$/i.test(method as string)) refuse('option body needs a method that has one, such as POST or REPORT')
    if (typeof body !== 'string') {
      if (share === 'browser') refuse("option share 'browser' needs a body that is a string: pages compare it")
      if (persist !== false) refuse('option persist needs a body that is a string: what is kept is found by it')
    }
  }
  if (poll === undefined && protocol === 'ping') refuse("protocol 'ping' needs option poll: where the state is fetched")
  if (transport === 'eventsource') {
    for (const name of ['headers', 'method', 'body', 'fetch', ...(share === 'browser' ? ['share'] : [])]) {
      if (options[name] !== undefined) refuse(`option ${name} cannot be had with transport 'eventsource', which sends a plain GET; use transport 'fetch'`)
    }
    if (typeof globalThis.EventSource !== 'function') refuse("here is no EventSource; use transport 'fetch'")
  } else if (fetch === undefined && typeof globalThis.fetch !== 'function') {
    refuse('here is no fetch; give one as option fetch')
  }
}

/** Checks how deletions are remembered. */
export function checkTombstones(tombstones: unknown): void {
  if (tombstones !== undefined) check('option tombstones.', tombstones, { count: [0, 2 ** 30], age: [0] })
}

/** Checks how failures are waited out. */
export function checkRetry(retry: unknown): asserts retry is RetryOptions | undefined {
  if (retry === undefined) return
  check('option retry.', retry, {
    first: [0],
    min: [0],
    max: [0],
    jitter: [-10, 1],
    freeFailures: [0],
    healthy: (name, value) => value === 'update' || number(name, value, 0),
    attempts: [1],
  })
}

/** The list of numbers that the core takes; NaN: as the protocol has it. */
export function numbersOf(
  options: Pick<Options, 'idle' | 'snapshotTimeout' | 'connectTimeout' | 'retry' | 'validate' | 'tombstones' | 'maxBytes'>,
  more: { seed?: number; emptyFirst?: boolean } = {},
): Float64Array {
  const { idle, snapshotTimeout, connectTimeout, retry, validate, tombstones, maxBytes } = options
  return Float64Array.of(
    idle === false ? Infinity : (idle ?? NaN),
    snapshotTimeout ?? NaN,
    connectTimeout ?? NaN,
    retry?.attempts ?? NaN,
    more.seed ?? NaN,
    more.emptyFirst === true ? 1 : NaN,
    validate === 'ingest' ? 1 : NaN,
    tombstones?.count ?? NaN,
    tombstones?.age ?? NaN,
    maxBytes ?? NaN,
    ...retryNumbers(retry ?? {}),
  )
}

/** The part of it that a back-off takes. */
export function retryNumbers(retry: RetryOptions): number[] {
  const { freeFailures, first, min, max, jitter, healthy } = retry
  return [
    freeFailures ?? NaN,
    first ?? NaN,
    min ?? NaN,
    max ?? NaN,
    // The core has percentages, and takes away what is below zero.
    jitter === undefined ? NaN : -jitter * 100,
    healthy === undefined ? NaN : healthy === 'update' ? -1 : healthy,
  ]
}

/** Checks that it is an object with no members but these. */
export function known(prefix: string, value: unknown, names: readonly string[]): asserts value is Record<string, unknown> {
  const one = prefix.endsWith('.') ? prefix.slice(0, -1) : 'options'
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(`${one} must be an object, not ${described(value)}`)
  for (const name of Object.keys(value)) {
    if (!names.includes(name)) {
      refuse(`unknown ${prefix.endsWith('.') ? prefix : `${prefix} `}${name}; there are: ${names.join(', ')}`)
    }
  }
}

/** Checks that it is a number within bounds, or not there. */
export function number(name: string, value: unknown, least: number, greatest = Infinity): asserts value is number | undefined {
  if (value === undefined) return
  if (typeof value !== 'number' || Number.isNaN(value)) refuse(`${name} must be a number, not ${described(value)}`)
  if (value < least || value > greatest) {
    refuse(`${name} must be ${greatest === Infinity ? `at least ${least}` : `from ${least} to ${greatest}`}, not ${value}`)
  }
}

/** Checks that it is one of these, or not there. */
export function oneOf(name: string, value: unknown, choices: readonly string[]): void {
  if (value !== undefined && !choices.includes(value as string)) {
    refuse(`${name} must be one of ${choices.map((choice) => `'${choice}'`).join(', ')}, not ${described(value)}`)
  }
}

/** Checks that it is a function, or not there. */
export function callable(name: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') refuse(`${name} must be a function, not ${described(value)}`)
}

/** What somebody gave, in a few words. */
export function described(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (typeof value === 'bigint') return `${value}n`
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'function' ? 'a function' : 'an object'
}

function checkHeaders(name: string, headers: unknown): void {
  if (typeof headers !== 'object') refuse(`${name} must be an object or a function, not ${described(headers)}`)
  try {
    new Headers(headers as HeadersInit)
  } catch (error) {
    refuse(`${name} cannot be sent: ${(error as Error).message}`)
  }
}

/** Timers of 2^31 ms and more go off at once. */
export const LONGEST = 2 ** 31 - 1
