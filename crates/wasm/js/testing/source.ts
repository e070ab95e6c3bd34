// A server in a test's hands, behind a `fetch`: the real client runs on it, with all that it does.

import type { AnyKinds, Version } from '../types.js'
import { Connections, type Request } from './connections.js'
import { gone, HEARTBEAT, intent, put, transferred, type WrittenItem } from './wire.js'

/** The choices that {@link createSource} leaves open. */
export interface SourceOptions {
  /** The interval of heartbeats that is announced, in milliseconds: three times that without one is silence. Default: none. */
  readonly heartbeat?: number
}

/** Makes a source. */
export function createSource<T extends object = AnyKinds>(options: SourceOptions = {}): TestSource<T> {
  return new TestSource<T>(options)
}

/**
 * A stream that does what the test says. It keeps what was pushed, as a server does: a store that
 * connects later is given that, and one that comes back is given what it missed.
 *
 * @example
 * const source = createSource<{ task: Task }>()
 * const store = connect<{ task: Task }>(source.url, { fetch: source.fetch })
 * source.begin().put('task', 'a', { text: 'Write tests' }).end()
 * await source.settled()
 * source.patch('task', 'a', { text: 'Write better tests' })
 */
export class TestSource<T extends object = AnyKinds> {
  /** Where to connect to. Nobody is asked there: it only has to look right. */
  readonly url = 'http://test.invalid/stream'
  /** The option `fetch` of a store. */
  readonly fetch: typeof fetch
  /** What was asked so far. */
  readonly requests: Request[] = []

  readonly #heartbeat: number
  readonly #connections = new Connections()
  readonly #refusals: { readonly status: number; readonly headers: HeadersInit | undefined }[] = []
  #items = new Map<string, WrittenItem>()
  /** A snapshot that has begun. */
  #snapshot: Map<string, WrittenItem> | undefined
  /** A transaction that has begun: its events. */
  #transaction: string | undefined
  /** Transactions since the snapshot: that of index `first + 1` is at 0. */
  #log: string[] = []
  #first = 0
  #epoch = 1
  /** What was sent last as a whole. */
  #last: string | undefined
  /** What waits to be sent the other way around. */
  #held: string[] | undefined

  /** @internal Use {@link createSource}. */
  constructor({ heartbeat = 0 }: SourceOptions) {
    this.#heartbeat = heartbeat
    this.fetch = (input, init) => {
      const answer = this.#answer(input, init)
      return answer instanceof Response ? Promise.resolve(answer) : Promise.reject(answer.error as Error)
    }
  }

  /** Where the stream stands. */
  get cursor(): string {
    return this.#at(this.#index)
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#connections.size
  }

  /** Begins a snapshot: a whole new state. */
  begin(): this {
    this.#refuseWithin('begin')
    this.#snapshot = new Map()
    this.#connections.send(intent('xfer-full', this.#index + 1, undefined, this.#heartbeat))
    return this
  }

  /** An item of the snapshot. */
  put<K extends keyof T & string>(kind: K, key: string, value: T[K], version?: Version): this {
    if (this.#snapshot === undefined) throw new Error('put: there is no snapshot; begin one, or patch')
    this.#connections.send(write(this.#snapshot, kind, key, value, version ?? this.#next(kind, key)))
    return this
  }

  /** Ends the snapshot: from here on it is the state. */
  end(): this {
    if (this.#snapshot === undefined) throw new Error('end: there is no snapshot; begin one')
    this.#first = this.#index + 1
    this.#log = []
    this.#items = this.#snapshot
    this.#snapshot = undefined
    this.#connections.send(transferred(this.cursor, this.#index))
    this.#last = this.#whole()
    return this
  }

  /** Adds an item or changes it: a transaction, or a part of the one that is being made. */
  patch<K extends keyof T & string>(kind: K, key: string, value: T[K], version?: Version): this {
    return this.#change('patch', () => write(this.#items, kind, key, value, version ?? this.#next(kind, key)))
  }

  /** Deletes an item: a transaction, or a part of the one that is being made. */
  delete(kind: keyof T & string, key: string, version?: Version): this {
    return this.#change('delete', () => {
      const next = version ?? this.#next(kind, key)
      this.#items.delete(nameOf(kind, key))
      return gone(kind, key, next)
    })
  }

  /** Makes one transaction of all that is patched and deleted meanwhile. */
  transaction(changes: () => void): this {
    this.#refuseWithin('transaction')
    this.#transaction = ''
    try {
      changes()
    } finally {
      const events = this.#transaction
      this.#transaction = undefined
      this.#commit(events)
    }
    return this
  }

  /** Sends the last transaction or snapshot once more. */
  duplicate(): this {
    if (this.#last === undefined) throw new Error('duplicate: nothing was sent yet')
    this.#connections.send(this.#last)
    return this
  }

  /** Sends the transactions that are made meanwhile the other way around. */
  reorder(changes: () => void): this {
    if (this.#held !== undefined) throw new Error('reorder: within another one')
    this.#held = []
    try {
      changes()
    } finally {
      const held = this.#held
      this.#held = undefined
      for (const text of held.reverse()) this.#connections.send(text)
    }
    return this
  }

  /** Breaks the connection. The store will be back. */
  cut(): this {
    this.#connections.cut()
    return this
  }

  /** Breaks the connection, and forgets where stores were: whoever comes back is given everything anew. */
  restart(): this {
    this.#epoch += 1
    this.#first = this.#index
    this.#log = []
    return this.cut()
  }

  /** Answers the next request with a status other than 200. */
  refuse(status: number, headers?: HeadersInit): this {
    this.#refusals.push({ status, headers })
    return this
  }

  /** Says that it is still there. */
  heartbeat(): this {
    return this.send(HEARTBEAT)
  }

  /** Sends a text as it is, whatever it means: for what no server should send. */
  send(text: string): this {
    this.#connections.send(text)
    return this
  }

  /** Resolves when a store is connected. */
  connected(): Promise<void> {
    return this.#connections.opened()
  }

  /** Resolves when a store is connected and has taken in all that was pushed. */
  async settled(): Promise<void> {
    await this.#connections.opened()
    await this.#connections.read()
  }

  get #index(): number {
    return this.#first + this.#log.length
  }

  #at(index: number): string {
    return `test${this.#epoch}.${index}`
  }

  #next(kind: string, key: string): Version {
    const version = this.#items.get(nameOf(kind, key))?.version ?? 0
    return typeof version === 'bigint' ? version + 1n : version + 1
  }

  #change(what: string, change: () => string): this {
    if (this.#snapshot !== undefined) throw new Error(`${what}: a snapshot has begun; put into it, and end it first`)
    const event = change()
    if (this.#transaction === undefined) this.#commit(event)
    else this.#transaction += event
    return this
  }

  #commit(events: string): void {
    const basis = this.cursor
    this.#log.push('')
    const text = events + transferred(this.cursor, this.#index, basis)
    this.#log[this.#log.length - 1] = text
    this.#last = text
    if (this.#held === undefined) this.#connections.send(text)
    else this.#held.push(text)
  }

  #refuseWithin(what: string): void {
    if (this.#transaction !== undefined) throw new Error(`${what}: within a transaction`)
    if (this.#snapshot !== undefined) throw new Error(`${what}: a snapshot has begun; end it first`)
  }

  /** The state as a snapshot. */
  #whole(): string {
    return intent('xfer-full', this.#index, undefined, this.#heartbeat) + written(this.#items) + transferred(this.cursor, this.#index)
  }

  #answer(input: RequestInfo | URL, init: RequestInit = {}): Response | { readonly error: unknown } {
    if (init.signal?.aborted === true) return { error: init.signal.reason }
    const url = new URL(input instanceof Request ? input.url : input)
    const headers = new Headers(init.headers)
    const basis = url.searchParams.get('basis') ?? headers.get('last-event-id') ?? undefined
    this.requests.push({ url: url.href, headers, basis })
    const refusal = this.#refusals.shift()
    if (refusal !== undefined) return new Response(null, refusal.headers === undefined ? { status: refusal.status } : { status: refusal.status, headers: refusal.headers })
    return this.#connections.answer(this.#greeting(basis), init.signal)
  }

  /** What a connection begins with. */
  #greeting(basis: string | undefined): string {
    if (this.#snapshot !== undefined) {
      return intent('xfer-full', this.#index + 1, undefined, this.#heartbeat) + written(this.#snapshot)
    }
    // Before the first push there is nothing to say.
    if (this.#index === 0) return ''
    const missed = this.#log.findIndex((_, at) => this.#at(this.#first + at) === basis)
    if (missed >= 0) return intent('xfer-changes', this.#index, undefined, this.#heartbeat) + this.#log.slice(missed).join('')
    return basis === this.cursor ? intent('none', this.#index, this.cursor, this.#heartbeat) : this.#whole()
  }
}

function write(items: Map<string, WrittenItem>, kind: string, key: string, value: unknown, version: Version): string {
  const json = JSON.stringify(value) as string | undefined
  if (json === undefined) throw new Error(`${kind}/${key}: there is no JSON for ${typeof value}`)
  const item = { version, json }
  items.set(nameOf(kind, key), item)
  return put(kind, key, item)
}

function written(items: Map<string, WrittenItem>): string {
  return [...items].map(([name, item]) => put(...(JSON.parse(name) as [string, string]), item)).join('')
}

function nameOf(kind: string, key: string): string {
  return JSON.stringify([kind, key])
}
