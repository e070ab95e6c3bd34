// The options of a store, and what each must be by itself. What is within some of them, and how they go
// together, is for checks.ts.

import { HighwaterError } from './errors.js'
import type { Initial } from './initial.js'
import type { ProtocolOptions } from './protocols.js'
import type { Schemas } from './schema.js'

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
  /** Keeps bytes in place of those that were there. What it returns is waited for. */
  set(key: string, bytes: Uint8Array): unknown
  /** Forgets them. */
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
  /** Whether cookies are sent, as `fetch` means it. */
  readonly credentials?: RequestCredentials
  /** Where protocol `ping` fetches the state. */
  readonly poll?: string | URL
  /** How failures are waited out. */
  readonly retry?: RetryOptions
  /** A connection on which nothing comes for so many milliseconds is given up; `false`: never. */
  readonly idle?: number | false
  /** A snapshot must end within so many milliseconds. Default: 120,000. */
  readonly snapshotTimeout?: number
  /** A connection must be answered within so many milliseconds. Default: 30,000. */
  readonly connectTimeout?: number
  /** The largest event, in bytes. Default: 64 MiB. */
  readonly maxBytes?: number
  /** How deletions are remembered. */
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
      base === undefined && typeof url === 'string' && !/^[\w+.-]+:/.test(url)
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

/**
 * What members must be, by name: a table of their own members, or one of some things, with `|` between
 * them: each as it is told to people (`'auto'`, `false`, `a string`), or `a..b` for a number; `*` is looked at later.
 */
export interface Table {
  readonly [member: string]: string | Table
}

const TIME = '0..'

/** What members of the option `retry` must be. */
export const RETRY = { first: TIME, min: TIME, max: TIME, jitter: '-10..1', freeFailures: TIME, healthy: "'update'|0..", attempts: '1..' } satisfies Record<keyof RetryOptions, string>
/** What members of the option `tombstones` must be. */
export const TOMBSTONES = { count: '0..1073741824', age: TIME } satisfies Record<keyof TombstoneOptions, string>

const OPTIONS: Readonly<Record<keyof Options, string | Table>> = {
  protocol: '*',
  transport: "'auto'|'fetch'|'eventsource'",
  headers: 'an object|a function',
  method: 'a string',
  body: '*',
  credentials: "'omit'|'same-origin'|'include'",
  poll: '*',
  retry: RETRY,
  idle: 'false|1..',
  snapshotTimeout: '1..',
  connectTimeout: '1..',
  maxBytes: '1..2147483647',
  tombstones: TOMBSTONES,
  validate: "'read'|'ingest'",
  share: "'tab'|'browser'",
  signal: 'an AbortSignal',
  fetch: 'a function',
  onError: 'a function',
  initial: '*',
  schema: '*',
  hidden: "false|'pause'|0..2147483647",
  persist: '*',
}

/** Checks the options of {@link connect}, each by itself. */
export function checkOptions(options: unknown): asserts options is Options {
  check('options', options, OPTIONS, 'option ')
}

/** Checks that it is an object. */
export function isObject(name: string, value: unknown): asserts value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(`${name} must be an object, not ${described(value)}`)
}

/** Checks that it is an object, whose members are what they must be, or not there. */
export function check(name: string, value: unknown, table: Table, prefix = `${name}.`): asserts value is Record<string, unknown> {
  isObject(name, value)
  for (const [member, given] of Object.entries(value)) {
    const what = Object.hasOwn(table, member) ? table[member] : undefined
    const one = prefix + member
    if (what === undefined) refuse(`unknown ${one}; there are: ${Object.keys(table).join(', ')}`)
    if (given === undefined) continue
    if (typeof what === 'string') must(one, given, what)
    else check(one, given, what)
  }
}

/** Checks that it is one of the things that it must be. */
export function must(name: string, value: unknown, what: string): void {
  if (!what.split('|').some((choice) => fits(value, choice))) refuse(`${name} must be ${what.split('|').map(inWords).join(' or ')}, not ${described(value)}`)
}

function fits(value: unknown, choice: string): boolean {
  const [least, greatest] = choice.split('..')
  if (greatest !== undefined) return typeof value === 'number' && value >= Number(least) && value <= Number(greatest || Infinity)
  if (choice === 'an AbortSignal') return typeof (value as AbortSignal | null)?.addEventListener === 'function'
  // A string is a string, and itself.
  return choice === '*' || (choice.endsWith(` ${typeof value}`) && value !== null) || choice === described(value)
}

function inWords(choice: string): string {
  const [least, greatest] = choice.split('..')
  if (greatest === undefined) return choice
  return greatest === '' ? `a number of at least ${least}` : `a number from ${least} to ${greatest}`
}

/** The list of numbers that the core takes; NaN: as the protocol has it. */
export function numbersOf(
  options: Pick<Options, 'idle' | 'snapshotTimeout' | 'connectTimeout' | 'retry' | 'validate' | 'tombstones' | 'maxBytes'>,
  seed?: number,
  emptyFirst = false,
): Float64Array {
  const { idle, snapshotTimeout, connectTimeout, retry, validate, tombstones, maxBytes } = options
  // What is not there becomes NaN.
  return Float64Array.from([
    idle === false ? Infinity : idle,
    snapshotTimeout,
    connectTimeout,
    retry?.attempts,
    seed,
    emptyFirst ? 1 : NaN,
    validate === 'ingest' ? 1 : NaN,
    tombstones?.count,
    tombstones?.age,
    maxBytes,
    ...retryNumbers(retry ?? {}),
  ] as number[])
}

/** The part of it that a back-off takes. */
export function retryNumbers({ freeFailures, first, min, max, jitter, healthy }: RetryOptions): number[] {
  // The core has percentages, and takes away what is below zero.
  return [freeFailures, first, min, max, -(jitter ?? NaN) * 100, healthy === 'update' ? -1 : healthy] as number[]
}

/** What somebody gave, in a few words. */
export function described(value: unknown): string {
  const kind = typeof value
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`
  if (Array.isArray(value)) return 'an array'
  if (kind === 'function') return 'a function'
  if (kind === 'object' && value !== null) return 'an object'
  return kind === 'bigint' ? `${value as bigint}n` : String(value)
}

/** Timers of 2^31 ms and more go off at once. */
export const LONGEST = 2 ** 31 - 1
