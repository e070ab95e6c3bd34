// The transports and timers of the platform, driven by a session: every effect that it asks for
// is carried out here, and every outcome told to it.
//
// - E1: the session is not called while it is telling of something, nor are effects carried out
//   within effects: what comes meanwhile waits for its turn.
// - E2: whatever is still under way for an old connection (a promise, a listener) finds by the
//   connection's number that it is not wanted any more, and does nothing.
// - E3: a connection that the lean module cannot read loses nothing: until its first event has been
//   read, what came is kept, and is given to the module with everything.

import * as Bit from './bit.js'
import { HEADERS_FAILED, HighwaterError, wordsOf } from './errors.js'
import * as Input from './input.js'
import type { Effect, Machine } from './machine.js'
import { loadModule, type Module, moduleFor } from './module.js'
import { addressOf, LONGEST, type Options } from './options.js'
import type { Share } from './share.js'

/** Keeps a stream up. */
export class Edge {
  readonly #machine: Machine
  readonly #url: string
  readonly #options: Options
  readonly #notify: (bits: number) => void
  readonly #broken: (error: unknown) => void
  readonly #init: RequestInit
  #queue: Effect[] = []
  #busy = false
  /** The connection at hand; 0 when there is none. */
  #current = 0
  #abort: AbortController | undefined
  #polling: AbortController | undefined
  #source: EventSource | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #started = false
  #stopped = false
  /** What the connection at hand began with, until the module knows whose it is. */
  #beginning: Beginning | undefined
  /** The whole module is on its way, for a connection that waits for it. */
  #moving: Promise<void> | undefined
  /** This session's part in a connection that pages share. */
  #share: Share | undefined
  #sharing: Promise<void> | undefined

  /** `notify` is called after each input, `broken` if the module fails. */
  constructor(machine: Machine, url: string, options: Options, notify: (bits: number) => void, broken: (error: unknown) => void) {
    this.#machine = machine
    this.#url = url
    this.#options = options
    this.#notify = notify
    this.#broken = broken
    const { method, body, credentials } = options
    this.#init = {
      cache: 'no-store',
      ...(method === undefined ? {} : { method }),
      ...(body === undefined ? {} : { body }),
      ...(credentials === undefined ? {} : { credentials }),
    }
  }

  /** Whether what comes is this page's own, and no other's to look after. */
  get leads(): boolean {
    return this.#share?.leads ?? true
  }

  /** Tells the session of something, and carries out what follows. */
  input(what: number, connection = 0, number = 0, ...texts: string[]): void {
    this.#started ||= what === Input.Start
    this.#take(() => this.#machine.input(performance.now(), what, connection, number, ...texts))
    if (what === Input.Pause || what === Input.Offline) this.#share?.leave()
  }

  /** Calls with the session once it is in the module with everything; `failed` if that cannot be. */
  withEverything(call: (machine: Machine) => void, failed: (error: unknown) => void): void {
    const machine = this.#machine
    if (machine.module.isWhole) return call(machine)
    const then = (module: Module): void => {
      if (this.#stopped && !machine.module.isWhole) return failed(new HighwaterError('closed', STOPPED))
      try {
        if (!machine.module.isWhole) this.#move(module)
        call(machine)
      } catch (error) {
        this.#break(error)
      }
    }
    const module = moduleFor(true)
    if (this.#stopped) failed(new HighwaterError('closed', STOPPED))
    else if (module !== undefined) then(module)
    else loadModule(true).then(then, failed)
  }

  /** Has the session go on in the module with everything, and the stream where it was left. */
  #move(to: Module): void {
    const beginning = this.#beginning?.id === this.#current ? this.#beginning : undefined
    this.#beginning = undefined
    this.#queue = []
    if (beginning === undefined) this.#let()
    this.#take(() => this.#machine.move(performance.now(), to, this.#started, beginning !== undefined))
    if (beginning === undefined) return
    this.#take(() => beginning.opened())
    for (const bytes of beginning.chunks) this.#take(() => this.#machine.bytes(performance.now(), beginning.id, bytes))
  }

  #take(input: () => number): void {
    let bits: number
    try {
      bits = input()
      if ((bits & Bit.Effects) !== 0) this.#queue.push(...this.#machine.effects())
    } catch (error) {
      // The module does not throw, unless it has failed.
      this.#break(error)
      return
    }
    this.#notify(bits)
    if ((bits & Bit.Own) !== 0) this.#beginning = undefined
    if ((bits & Bit.Foreign) !== 0) {
      this.#moving ??= new Promise((resolve) => {
        this.withEverything(
          () => resolve(),
          (error) => {
            this.#moving = undefined
            // Who has shown a state goes on showing it, and tries again.
            if ((bits & Bit.Synced) !== 0) this.#fail(this.#current, error)
            else if (!this.#stopped) this.#break(error)
            resolve()
          },
        )
      })
    }
    if (!this.#busy) {
      this.#busy = true
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#carryOut(next)
      this.#busy = false
    }
    // No timer outlives the session.
    this.#stopped = (bits & Bit.Stopped) !== 0
    if (!this.#stopped) return
    clearTimeout(this.#timer)
    this.#share?.leave()
  }

  #carryOut([type, number, attempt = 1, lastEventId, ...query]: Effect): void {
    if (type === 'wake') {
      clearTimeout(this.#timer)
      const wait = Math.max(0, Math.ceil(number - performance.now()))
      this.#timer = setTimeout(() => this.input(Input.Wake), Math.min(wait, LONGEST))
    } else if (type === 'connect') {
      // After a move it may be the one that is at hand.
      if (number === this.#current) return
      this.#current = number
      if (isNative(this.#options)) this.#listen(number, withQuery(this.#url, query))
      else void this.#read(number, attempt, lastEventId ?? '', query)
    } else if (type === 'fetch') void this.#poll(number)
    else if (number === this.#current) this.#let()
  }

  /** The module is of no use. */
  #break(error: unknown): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#let()
    this.#broken(error)
  }

  /** Lets go of the connection. */
  #let(): void {
    this.#current = 0
    const [abort, polling, source] = [this.#abort, this.#polling, this.#source]
    this.#abort = this.#polling = this.#source = undefined
    abort?.abort()
    polling?.abort()
    source?.close()
  }

  #fail(id: number, error: unknown): void {
    if (id !== this.#current) return
    this.#let()
    const words = isOfHeaders(error) ? error.message : wordsOf(error)
    this.#share?.failed(words)
    this.input(Input.Failed, id, -1, words)
  }

  /** The main transport: the body of a `fetch`, as bytes. */
  async #read(id: number, attempt: number, lastEventId: string, query: readonly string[]): Promise<void> {
    try {
      if (this.#options.share === 'browser' && this.#share === undefined) {
        await (this.#sharing ??= this.#join())
        if (id !== this.#current) return
      }
      const seat = await this.#share?.seat()
      if (id !== this.#current) return
      let response = seat?.response
      for (let expired = false; response === undefined; expired = true) {
        const headers = await this.#headers(attempt, expired)
        if (id !== this.#current) return
        if (!headers.has('accept')) headers.set('accept', 'text/event-stream, application/x-ndjson;q=0.9')
        if (lastEventId !== '') this.#machine.module.more.sendId(headers, lastEventId, query)
        this.#abort = new AbortController()
        const answer = await this.#send(withQuery(this.#url, query), headers, this.#abort.signal)
        if (id !== this.#current) return
        if (answer.status !== 401 || expired || typeof this.#options.headers !== 'function') {
          response = this.#share?.pass(answer) ?? answer
        } else this.#abort.abort()
      }
      const { status, body } = response
      const reader = status === 200 ? body?.getReader() : undefined
      // Of several, as proxies may join them, the last counts; and of that, not the parameters.
      const contentType = response.headers.get('content-type')?.split(',').pop()?.split(';')[0]?.trim()
      const retryAfter = waitOf(response.headers.get('retry-after'))
      const opened = (): number => this.#machine.opened(performance.now(), id, status, contentType, retryAfter)
      if (!this.#machine.module.isWhole) this.#beginning = { id, opened, chunks: [] }
      this.#take(opened)
      const join = seat?.join
      if (join !== undefined) this.#take(() => join(performance.now(), id))
      while (id === this.#current) {
        if (this.#moving !== undefined && !this.#machine.module.isWhole) await this.#moving
        const { done = true, value } = (await reader?.read()) ?? {}
        if (id !== this.#current) return
        if (done || value === undefined) {
          this.#current = 0
          this.input(Input.Ended, id)
        } else {
          this.#beginning?.chunks.push(value)
          this.#take(() => this.#machine.bytes(performance.now(), id, value))
        }
      }
    } catch (error) {
      this.#fail(id, error)
    }
  }

  /** The platform's own event source. The session makes it anew, when there is a time for that. */
  #listen(id: number, url: string): void {
    const machine = this.#machine
    const is = (): boolean => id === this.#current
    try {
      this.#source = machine.module.more.listen(machine, url, this.#options.credentials === 'include', {
        opened: () => is() && this.#take(() => machine.opened(performance.now(), id, 200, 'text/event-stream')),
        event: (...event) => is() && this.input(Input.Event, id, 0, ...event),
        failed: (error) => this.#fail(id, error),
      })
    } catch (error) {
      this.#fail(id, error)
    }
  }

  /** Fetches the state from the poll address. */
  async #poll(id: number): Promise<void> {
    this.#polling = new AbortController()
    const { signal } = this.#polling
    const { module, handle } = this.#machine
    const ask = async (expired: boolean): Promise<Response> =>
      this.#send(addressOf('option poll', this.#options.poll), await this.#headers(1, expired), signal)
    try {
      const [status, body] = await module.more.poll(ask, this.#options, this.#share, isOfHeaders)
      if (id === this.#current) this.#take(() => module.session_fetched(handle, performance.now(), id, status, module.give(body)))
    } catch (error) {
      this.#fail(id, error)
    }
  }

  /** Takes part in the one connection of all pages; or not, where that cannot be. */
  async #join(): Promise<void> {
    const { more } = this.#machine.module
    this.#share = await more.join(this.#machine, this.#url, this.#options, () => this.input(Input.Reconnect))
  }

  async #headers(attempt: number, expired: boolean): Promise<Headers> {
    const { headers } = this.#options
    if (typeof headers !== 'function') return new Headers(headers)
    try {
      return new Headers(await headers({ attempt, cause: expired ? 'expired' : 'connect' }))
    } catch (error) {
      throw new Error(HEADERS_FAILED + wordsOf(error), { cause: error })
    }
  }

  async #send(url: string, headers: Headers, signal: AbortSignal): Promise<Response> {
    // Looked up when it is called: whoever replaces the global one later is heard.
    const response: unknown = await (this.#options.fetch ?? globalThis.fetch)(url, { ...this.#init, headers, signal })
    if (typeof (response as Response | undefined)?.status !== 'number') {
      throw new TypeError('option fetch did not answer with a Response')
    }
    return response as Response
  }
}

/** A connection that has not said whose it is. */
interface Beginning {
  readonly id: number
  /** Tells the session of the answer. */
  readonly opened: () => number
  readonly chunks: Uint8Array[]
}

/** Whether the lean module does not have what these options ask for. */
export function needsEverything(options: Options): boolean {
  const { protocol = 'fdv2', validate, initial, persist, share } = options
  const keeps = initial !== undefined || (persist ?? false) !== false
  return protocol !== 'fdv2' || validate === 'ingest' || keeps || share === 'browser' || isNative(options)
}

/** Whether the stream is to come over the platform's own event source. */
export function isNative({ transport = 'auto', fetch = globalThis.fetch }: Options): boolean {
  if (transport !== 'auto') return transport === 'eventsource'
  const streams = typeof ReadableStream === 'function' && fetch !== undefined
  return !streams && typeof globalThis.EventSource === 'function'
}

function isOfHeaders(error: unknown): error is Error {
  return error instanceof Error && error.message.startsWith(HEADERS_FAILED)
}

/** The address with what the stream asks for: that takes the place of what the application put there. */
function withQuery(url: string, query: readonly string[]): string {
  if (query.length === 0) return url
  const address = new URL(url)
  let more = ''
  for (let at = 0; at < query.length; at += 2) {
    const [name = '', value = ''] = query.slice(at, at + 2)
    if (address.searchParams.has(name)) address.searchParams.delete(name)
    more += `&${encodeURIComponent(name)}=${encodeURIComponent(value)}`
  }
  // Added as text: to set it would write the application's part anew.
  const { href } = address
  return href + (address.search === '' ? `${href.endsWith('?') ? '' : '?'}${more.slice(1)}` : more)
}

/** A `Retry-After`, seconds or a date, in milliseconds; NaN for none. */
function waitOf(retryAfter: string | null): number {
  const text = retryAfter?.trim() ?? ''
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return wait > 0 ? Math.min(wait, LONGEST) : NaN
}

const STOPPED = 'the store stopped before it went on in the module with everything, which this needs'
