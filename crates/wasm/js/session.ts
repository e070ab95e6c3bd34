// The machine of connecting by itself, for those who bring their own transport and clock.

import type { HighwaterError } from './errors.js'
import * as Input from './input.js'
import { Items } from './items.js'
import { type Effect, Machine } from './machine.js'
import { OPTIONS as MATERIALIZER, type MaterializerOptions } from './materializer.js'
import { needModule, Thing } from './module.js'
import { check, described, must, numbersOf, refuse, RETRY, type RetryOptions, retryNumbers, type Table } from './options.js'
import { isProtocol } from './protocols.js'
import type { Later } from './names.js'
import { Reads, type Transacted } from './reads.js'
import { partsOf } from './status.js'
import { type TraceEvent, traced } from './trace.js'
import type { AnyKinds, Phase } from './types.js'
import { isView, type View, viewing } from './view.js'

/** The choices that a session leaves open. Times are milliseconds. */
export interface SessionOptions extends MaterializerOptions {
  /** How failures are waited out. */
  readonly retry?: RetryOptions
  /** After how many milliseconds of silence a connection is taken for dead; `false`: never. */
  readonly idle?: number | false
  /** Within how many milliseconds a snapshot has to end. */
  readonly snapshotTimeout?: number
  /** Within how many milliseconds a server has to answer. */
  readonly connectTimeout?: number
  /** Where chance comes from. */
  readonly seed?: number
}

/** Something that happened. */
export type SessionInput =
  | { readonly type: 'start' | 'reconnect' | 'wake' | 'offline' | 'online' | 'stop' }
  | { readonly type: 'pause' | 'resume'; readonly reason: string }
  | {
      readonly type: 'opened'
      readonly connection: number
      readonly status: number
      readonly contentType?: string
      /** In milliseconds. */
      readonly retryAfter?: number
    }
  | { readonly type: 'bytes'; readonly connection: number; readonly bytes: Uint8Array }
  | {
      readonly type: 'event'
      readonly connection: number
      readonly event: { readonly type?: string; readonly data: string; readonly id?: string }
    }
  | { readonly type: 'ended' | 'aborted'; readonly connection: number }
  | { readonly type: 'failed'; readonly connection: number; readonly what: string; readonly temporary?: boolean }
  | { readonly type: 'fetched'; readonly connection: number; readonly status: number; readonly body: Uint8Array }

/** Something to do. */
export type SessionEffect =
  | {
      readonly type: 'connect'
      readonly connection: number
      readonly attempt: number
      /** To be sent as `Last-Event-ID`. */
      readonly lastEventId: string | undefined
      /** To be added to the address's query. */
      readonly query: Readonly<Record<string, string>>
    }
  | { readonly type: 'disconnect' | 'fetch'; readonly connection: number }
  | { readonly type: 'wake'; readonly at: number }

/** How a session stands; times are those of its clock. */
export interface SessionStatus {
  /** What the session is about. */
  readonly phase: Phase
  /** Whether a connection is open. */
  readonly connected: boolean
  /** How many connections were tried since it was last live. */
  readonly attempt: number
  /** How many failures the next wait is for. */
  readonly failures: number
  /** Whether the last connection went on where the stream was left. */
  readonly resumed: boolean | undefined
  /** Moves with every transaction that changed anything. */
  readonly version: number
  /** Where the stream was last whole. */
  readonly cursor: string | undefined
  /** When the next connection will be tried, by the clock that the inputs carry. */
  readonly retryAt: number | undefined
  /** Since when the state may have been out of date, by the same clock. */
  readonly staleSince: number | undefined
  /** The last fault; gone with the next update. */
  readonly error: HighwaterError | undefined
  /** How many items of an unfinished transfer are there. */
  readonly received: number
  /** The position that it leads to, if that was said. */
  readonly target: number | undefined
  /** Whether there was ever a whole state. */
  readonly synced: boolean
  /** Moves with every transaction, and with every fault that is told. */
  readonly news: number
}

/**
 * Drives one stream without doing anything itself: give it what happened, with the time; carry
 * out what it answers; read the state. {@link connect} is this with the platform's transports.
 *
 * @example
 * const session = new Session({ protocol: 'fdv2' })
 * const [effect] = session.handle(0, { type: 'start' })  // { type: 'connect', connection: 1, … }
 */
export class Session<T extends object = AnyKinds> extends Reads<T> {
  readonly #raw: Machine
  readonly #view: View | undefined
  protected readonly items: Items
  #transactions: Later | undefined

  constructor(options: SessionOptions = {}, view?: View) {
    super()
    check('options', options, OPTIONS, 'option ')
    const { protocol, refill, trace, seed } = options as SessionOptions
    isProtocol(protocol)
    isView(view)
    this.#view = view
    this.#raw = new Machine(needModule('Session'), protocol, numbersOf(options as SessionOptions, seed, refill === 'empty-first'), view !== undefined)
    this.items = new Items(this.#raw, () => {})
    if (trace === true) this.#raw.trace(true)
  }

  /** What the last input changed. */
  get transactions(): readonly Transacted[] {
    return this.#transactions?.(true) ?? []
  }

  /** How it stands. */
  get status(): SessionStatus {
    return partsOf(this.#raw)
  }

  /** Takes in what happened, at this time, and answers with what is to be done, in order. */
  handle(now: number, input: SessionInput): SessionEffect[] {
    must('the time', now, '0..')
    const bits = viewing(this.#raw, this.#view, () => this.#give(now, input))
    this.#transactions = this.items.took(bits, true)
    return this.#raw.effects().map(effectOf)
  }

  /** What every event did since this was last called, in times of its clock. */
  takeTrace(): TraceEvent[] {
    return traced(this.#raw, 0)
  }

  /** Frees its memory in the module. */
  [Symbol.dispose](): void {
    this.#raw.free()
  }

  #give(now: number, input: SessionInput): number {
    const raw = this.#raw
    switch (input.type) {
      case 'pause':
        return raw.input(now, Input.Pause, 0, 0, input.reason)
      case 'resume':
        return raw.input(now, Input.Unpause, 0, 0, input.reason)
      case 'opened':
        return raw.opened(now, input.connection, input.status, input.contentType, input.retryAfter)
      case 'bytes':
        return raw.bytes(now, input.connection, input.bytes)
      case 'event': {
        const { type, data, id } = input.event
        return raw.input(now, Input.Event, input.connection, 0, data, type ?? 'message', id ?? '')
      }
      case 'ended':
        return raw.input(now, Input.Ended, input.connection)
      case 'aborted':
        return raw.input(now, Input.Aborted, input.connection)
      case 'failed': {
        const { what, temporary } = input
        return raw.input(now, Input.Failed, input.connection, temporary === undefined ? -1 : temporary ? 1 : 0, what)
      }
      case 'fetched':
        return raw.module.session_fetched(raw.handle, now, input.connection, input.status, raw.module.give(input.body))
      default: {
        const command = COMMANDS.indexOf(input.type)
        if (command < 0) refuse(`there is no input ${described(input.type)}`)
        return raw.input(now, command)
      }
    }
  }
}

/** How waits grow. */
export type BackoffOptions = Omit<RetryOptions, 'attempts' | 'healthy'>

/**
 * Counts failures and turns them into waits.
 *
 * @example
 * const backoff = new Backoff({ first: 200, max: 60_000, freeFailures: 1 })
 * await sleep(backoff.fail())
 */
export class Backoff {
  readonly #raw: Thing

  constructor(options: BackoffOptions = {}) {
    check('option retry', options, RETRY)
    const module = needModule('Backoff')
    module.give(Float64Array.from(retryNumbers(options)))
    this.#raw = new Thing(module, module.backoff_new(), module.backoff_free)
  }

  /** How many failures count at present. */
  get failures(): number {
    return this.#raw.module.backoff_failures(this.#raw.handle)
  }

  /** The wait after that many failures, without chance, in milliseconds. */
  get base(): number {
    return this.#raw.module.backoff_base(this.#raw.handle)
  }

  /** Counts a failure and returns the wait that follows, in milliseconds; `chance` is from 0 to 1. */
  fail(chance: number = Math.random()): number {
    must('chance', chance, '0..1')
    return this.#raw.module.backoff_fail(this.#raw.handle, chance)
  }

  /** Takes this as the first wait, as a server asks by `retry:`. */
  setFirst(millis: number): void {
    must('the wait', millis, '0..')
    this.#raw.module.backoff_first(this.#raw.handle, millis)
  }

  /** Frees its memory in the module. */
  [Symbol.dispose](): void {
    this.#raw.free()
  }
}

function effectOf([type, number, attempt = 0, lastEventId, ...query]: Effect): SessionEffect {
  if (type === 'wake') return { type, at: number }
  if (type !== 'connect') return { type: type as 'disconnect' | 'fetch', connection: number }
  const pairs = query.flatMap((name, at) => (at % 2 === 0 ? [[name, query[at + 1] ?? '']] : []))
  const added = Object.fromEntries(pairs) as Record<string, string>
  return { type, connection: number, attempt, lastEventId: lastEventId ?? undefined, query: added }
}

const COMMANDS: readonly string[] = ['start', 'reconnect', 'wake', 'offline', 'online', 'stop']

const OPTIONS: Readonly<Record<keyof SessionOptions, string | Table>> = {
  ...MATERIALIZER,
  retry: RETRY,
  idle: 'false|1..',
  snapshotTimeout: '1..',
  connectTimeout: '1..',
  seed: '-Infinity..',
}
