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
import { type HeadersContext, LONGEST, type Options } from './options.js'
import type { Seat } from './share.js'
import type { Others } from './transports.js'
import { Turns } from './turns.js'

/** Keeps a stream up. */
export interface Edge {
  /** Other ways in which the stream may come, where there are any. */
  readonly others: Others | undefined
  /** Tells the session of something, and carries out what follows. */
  input(what: number, connection?: number, ...texts: string[]): void
  /** Calls once the session is in the module with everything; `failed` if that cannot be. */
  whole(call: () => void, failed: (error: unknown) => void): void
}

/** Keeps a stream up; `notify` is called after each input, `broken` if the module fails. */
export function edgeOf(machine: Machine, url: string, options: Options, notify: (bits: number) => void, broken: (error: unknown) => void): Edge {
  /** Effects to be carried out. */
  const turns = new Turns()
  /** The connection at hand; 0 when there is none. */
  let current = 0
  /** What ends that, and what was asked for beside it. */
  const ends: (() => void)[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  let started = false
  let stopped = false
  /** What was told of the connection at hand, until the module knows whose it is. */
  let beginning: (() => number)[] | undefined
  /** The whole module is on its way, for a connection that waits for it. */
  let moving: Promise<void> | undefined

  const input: Edge['input'] = (what, connection = 0, ...texts) => {
    started ||= what === Input.Start
    take(() => machine.input(performance.now(), what, connection, -1, ...texts))
    if (what === Input.Pause || what === Input.Offline) others?.leave()
  }

  const whole: Edge['whole'] = (call, failed) => {
    const then = (module?: Module): void => {
      try {
        if (!machine.module.isWhole) {
          if (stopped || module === undefined) return failed(new HighwaterError('closed', STOPPED))
          move(module)
        }
        call()
      } catch (error) {
        breakOff(error)
      }
    }
    const module = moduleFor(true)
    if (stopped || machine.module.isWhole || module !== undefined) then(module)
    else loadModule(true).then(then, failed)
  }

  /** Has the session go on in the module with everything, and the stream where it was left. */
  const move = (to: Module): void => {
    const again = beginning
    beginning = undefined
    turns.clear()
    if (again === undefined) letGo()
    take(() => to.more.handOver(machine, performance.now(), to, started, again !== undefined))
    again?.forEach(take)
  }

  const take = (input: () => number): void => {
    let bits: number
    try {
      bits = input()
      if ((bits & Bit.Effects) !== 0) for (const effect of machine.effects()) turns.push(() => carryOut(effect))
    } catch (error) {
      // The module does not throw, unless it has failed.
      return breakOff(error)
    }
    notify(bits)
    if ((bits & Bit.Own) !== 0) beginning = undefined
    if ((bits & Bit.Foreign) !== 0) {
      moving ??= new Promise((resolve) => {
        whole(resolve, (error) => {
          moving = undefined
          // Who has shown a state goes on showing it, and tries again.
          if ((bits & Bit.Synced) !== 0) fail(current, error)
          else if (!stopped) breakOff(error)
          resolve()
        })
      })
    }
    turns.run()
    stopped = (bits & Bit.Stopped) !== 0
    if (!stopped) return
    // No timer outlives the session.
    clearTimeout(timer)
    others?.leave()
  }

  const carryOut = ([type, number, attempt = 1, lastEventId, ...query]: Effect): void => {
    if (type === 'wake') {
      clearTimeout(timer)
      const wait = Math.max(0, Math.ceil(number - performance.now()))
      timer = setTimeout(() => input(Input.Wake), Math.min(wait, LONGEST))
    } else if (type === 'disconnect') {
      if (number === current) letGo()
    } else if (type === 'fetch') others?.poll(number)
    // After a move it may be the one that is at hand.
    else if (number !== current) {
      current = number
      const address = withQuery(url, query)
      if (others?.listen(number, address) !== true) void read(number, address, attempt, lastEventId, query)
    }
  }

  /** The module is of no use. */
  const breakOff = (error: unknown): void => {
    stopped = true
    clearTimeout(timer)
    letGo()
    broken(error)
  }

  /** Lets go of the connection. */
  const letGo = (): void => {
    current = 0
    beginning = undefined
    for (const end of ends.splice(0)) end()
  }

  const fail = (id: number, error: unknown): void => {
    if (id !== current) return
    letGo()
    const words = wordsOf(error)
    others?.failed(words)
    input(Input.Failed, id, words)
  }

  /** The main transport: the body of a `fetch`, as bytes. */
  const read = async (id: number, address: string, attempt: number, lastEventId: string | null | undefined, query: readonly string[]): Promise<void> => {
    try {
      const answer = (): Promise<Response | undefined> => ask(id, address, attempt, query, lastEventId)
      const seat: Seat | undefined = others === undefined ? { response: await answer() } : await others.answer(id, answer)
      const response = seat?.response
      if (id !== current || response === undefined) return
      const { status, body } = response
      const reader = status === 200 ? body?.getReader() : undefined
      // Of several, as proxies may join them, the last counts; and of that, not the parameters.
      const contentType = response.headers.get('content-type')?.split(',').pop()?.split(';')[0]?.trim()
      const retryAfter = waitOf(response.headers.get('retry-after') ?? '')
      const tell = (input: () => number): void => {
        beginning?.push(input)
        take(input)
      }
      if (!machine.module.isWhole) beginning = []
      tell(() => machine.opened(performance.now(), id, status, contentType, retryAfter))
      const join = seat?.join
      if (join !== undefined) take(() => join(performance.now(), id))
      while (id === current) {
        if (moving !== undefined && !machine.module.isWhole) await moving
        const piece = (await reader?.read())?.value
        if (id !== current) return
        if (piece !== undefined) tell(() => machine.bytes(performance.now(), id, piece))
        else {
          letGo()
          input(Input.Ended, id)
        }
      }
    } catch (error) {
      fail(id, error)
    }
  }

  /**
   * Asks an address, for a stream if there is a `query`; again, with other headers, if those have expired. Not
   * there: nobody wants the answer any more.
   */
  const ask = async (id: number, address: string, attempt: number, query?: readonly string[], lastEventId?: string | null): Promise<Response | undefined> => {
    const { method, body, credentials, headers: given } = options
    const renews = typeof given === 'function'
    for (let cause: HeadersContext['cause'] = 'connect'; ; cause = 'expired') {
      let headers: Headers
      try {
        headers = new Headers(await (renews ? given({ attempt, cause }) : given))
      } catch (error) {
        throw renews ? new Error(HEADERS_FAILED + wordsOf(error)) : error
      }
      if (id !== current) return undefined
      if (query !== undefined) {
        if (!headers.has('accept')) headers.set('accept', 'text/event-stream, application/x-ndjson;q=0.9')
        if (lastEventId) machine.module.more.sendId(headers, lastEventId, query)
      }
      const abort = new AbortController()
      ends.push(() => abort.abort())
      const init = { cache: 'no-store', method, body, credentials, headers, signal: abort.signal }
      // Looked up when it is called: whoever replaces the global one later is heard.
      const response: unknown = await (options.fetch ?? globalThis.fetch)(address, init as RequestInit)
      const status = (response as Response | undefined)?.status
      if (typeof status !== 'number') throw new TypeError('option fetch did not answer with a Response')
      if (id !== current) return undefined
      if (status !== 401 || cause === 'expired' || !renews) return response as Response
      abort.abort()
    }
  }

  const others = machine.module.isWhole
    ? machine.module.more.others(machine, url, options, {
        ask,
        has: (id) => id === current,
        take,
        fail,
        until: (end) => ends.push(end),
        reconnect: () => input(Input.Reconnect),
      })
    : undefined
  return { others, input, whole }
}

/** Whether the lean module does not have what these options ask for. */
export function needsEverything(options: Options): boolean {
  const { protocol = 'fdv2', validate, initial, share } = options
  return protocol !== 'fdv2' || validate === 'ingest' || initial !== undefined || isKept(options) || share === 'browser' || isNative(options)
}

/** Whether the state is to be kept. */
export function isKept({ persist }: Options): boolean {
  return (persist ?? false) !== false
}

/** Whether the stream is to come over the platform's own event source. */
export function isNative({ transport = 'auto', fetch = globalThis.fetch }: Options): boolean {
  const { ReadableStream, EventSource } = globalThis as Partial<typeof globalThis>
  const streams = ReadableStream !== undefined && fetch !== undefined
  return transport === 'eventsource' || (transport === 'auto' && !streams && EventSource !== undefined)
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
function waitOf(retryAfter: string): number {
  const wait = /^\s*\d+\s*$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - Date.now()
  return wait > 0 ? Math.min(wait, LONGEST) : NaN
}

const STOPPED = 'the store stopped before it went on in the module with everything, which this needs'
