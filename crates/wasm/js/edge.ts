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
  #queue: Effect[] = []
  #busy = false
  /** The connection at hand; 0 when there is none. */
  #current = 0
  /** What ends that, and what was asked for beside it. */
  #ends: (() => void)[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  #started = false
  #stopped = false
  /** What the connection at hand began with, until the module knows whose it is. */
  #beginning: Beginning | undefined
  /** The whole module is on its way, for a connection that waits for it. */
  #moving: Promise<void> | undefined
  /** This session's part in a connection that pages share. */
  #share: Share | undefined
  #sharing: Promise<Share | undefined> | undefined

  /** `notify` is called after each input, `broken` if the module fails. */
  constructor(machine: Machine, url: string, options: Options, notify: (bits: number) => void, broken: (error: unknown) => void) {
    this.#machine = machine
    this.#url = url
    this.#options = options
    this.#notify = notify
    this.#broken = broken
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
    this.#take(() => to.more.handOver(this.#machine, performance.now(), to, this.#started, beginning !== undefined))
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
      const url = withQuery(this.#url, query)
      if (!isNative(this.#options)) void this.#read(number, url, attempt, lastEventId ?? '', query)
      else this.#ends.push(this.#machine.module.more.listen(this.#machine, url, this.#options, number, this.#hearer(number)))
    } else if (type === 'fetch') {
      const { poll } = this.#options
      const ask = (): Promise<Response | undefined> => this.#ask(number, addressOf('option poll', poll), 1)
      void this.#machine.module.more.poll(this.#machine, ask, this.#share, number, this.#hearer(number))
    } else if (number === this.#current) this.#let()
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
    for (const end of this.#ends.splice(0)) end()
  }

  #fail(id: number, error: unknown): void {
    if (id !== this.#current) return
    this.#let()
    const words = wordsOf(error)
    this.#share?.failed(words)
    this.input(Input.Failed, id, -1, words)
  }

  /** Tells the session of a connection of another kind, for as long as that is the one at hand. */
  #hearer(id: number): Hearer {
    return {
      take: (input) => id === this.#current && this.#take(input),
      failed: (error) => this.#fail(id, error),
    }
  }

  /** The main transport: the body of a `fetch`, as bytes. */
  async #read(id: number, url: string, attempt: number, lastEventId: string, query: readonly string[]): Promise<void> {
    try {
      if (this.#options.share === 'browser') {
        const { more } = this.#machine.module
        this.#sharing ??= more.join(this.#machine, this.#url, this.#options, () => this.input(Input.Reconnect))
        this.#share = await this.#sharing
        if (id !== this.#current) return
      }
      const seat = await this.#share?.seat()
      if (id !== this.#current) return
      let response = seat?.response
      if (response === undefined) {
        const answer = await this.#ask(id, url, attempt, (headers) => {
          if (!headers.has('accept')) headers.set('accept', 'text/event-stream, application/x-ndjson;q=0.9')
          if (lastEventId !== '') this.#machine.module.more.sendId(headers, lastEventId, query)
        })
        if (answer === undefined) return
        response = this.#share?.pass(answer) ?? answer
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
          this.#let()
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

  async #headers(attempt: number, expired: boolean): Promise<Headers> {
    const { headers } = this.#options
    if (typeof headers !== 'function') return new Headers(headers)
    try {
      return new Headers(await headers({ attempt, cause: expired ? 'expired' : 'connect' }))
    } catch (error) {
      throw new Error(HEADERS_FAILED + wordsOf(error))
    }
  }

  /** Asks an address; again, with other headers, if those have expired. Not there: nobody wants the answer any more. */
  async #ask(id: number, url: string, attempt: number, adapt?: (headers: Headers) => void): Promise<Response | undefined> {
    const options = this.#options
    const { method, body, credentials } = options
    for (let expired = false; ; expired = true) {
      const headers = await this.#headers(attempt, expired)
      if (id !== this.#current) return undefined
      adapt?.(headers)
      const abort = new AbortController()
      this.#ends.push(() => abort.abort())
      const init = { cache: 'no-store', method, body, credentials, headers, signal: abort.signal }
      // Looked up when it is called: whoever replaces the global one later is heard.
      const response: unknown = await (options.fetch ?? globalThis.fetch)(url, init as RequestInit)
      const status = (response as Response | undefined)?.status
      if (typeof status !== 'number') throw new TypeError('option fetch did not answer with a Response')
      if (id !== this.#current) return undefined
      if (status !== 401 || expired || typeof options.headers !== 'function') return response as Response
      abort.abort()
    }
  }
}

/** Hears of a connection. */
export interface Hearer {
  /** Has the session told, unless the connection is not wanted any more. */
  take(input: () => number): void
  failed(error: unknown): void
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

/** The address with what the stream asks for: that takes the place of what the application put there. */
function withQuery(url: string, query: readonly string[]): string {
  if (query.length === 0) return url
  const address = new URL(url)
  const more = new URLSearchParams()
  for (let at = 0; at < query.length; at += 2) {
    const [name = '', value = ''] = query.slice(at)
    if (address.searchParams.has(name)) address.searchParams.delete(name)
    more.append(name, value)
  }
  // Added as text: to set it would write the application's part anew.
  const { href, search } = address
  return `${href}${search !== '' ? '&' : href.endsWith('?') ? '' : '?'}${more}`
}

/** A `Retry-After`, seconds or a date, in milliseconds; NaN for none. */
function waitOf(retryAfter: string | null): number {
  const text = retryAfter?.trim() ?? ''
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return wait > 0 ? Math.min(wait, LONGEST) : NaN
}

const STOPPED = 'the store stopped before it went on in the module with everything, which this needs'
