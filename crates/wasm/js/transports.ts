// The other ways in which a state comes: the platform's own event source, a poll address, and another page's connection.

import { isNative } from './edge.js'
import { HEADERS_FAILED, HighwaterError, wordsOf } from './errors.js'
import * as Input from './input.js'
import { report } from './listeners.js'
import type { Machine } from './machine.js'
import { addressOf, type Options } from './options.js'
import { wordsOfProtocol } from './protocols.js'
import type { Seat, Share } from './share.js'
import type { Polled } from './share-words.js'

/** The connection that a session has, as its edge looks after it. */
interface Connections {
  /** Asks an address for a connection; not there: nobody wants the answer any more. */
  ask(id: number, address: string, attempt: number): Promise<Response | undefined>
  /** Whether it is this one. */
  has(id: number): boolean
  /** Has the session told. */
  take(input: () => number): void
  /** The connection failed, if it is at hand. */
  fail(id: number, error: unknown): void
  /** What ends the connection at hand. */
  until(end: () => void): void
  reconnect(): void
}

/** Ways in which a stream may come. */
export interface Others {
  /** Whether what comes is this page's own, and no other's to look after. */
  leads(): boolean
  /** No connection is wanted for now. */
  leave(): void
  /** The connection has failed. */
  failed(words: string): void
  /** Has a connection made by `ask`, or is given another page's. */
  answer(id: number, ask: () => Promise<Response | undefined>): Promise<Seat | undefined>
  /**
   * Listens to the platform's own event source, and says so, if that is what the options ask for. It sends no headers, tells no status, hides comments, and
   * hands over strings, each of which is copied and encoded: `fetch` is faster and knows more.
   */
  listen(id: number, address: string): boolean
  /** Fetches the state from the poll address: of pages that share, one does. */
  poll(id: number): void
}

/** Other ways than a `fetch` of this page's own. */
export function others(machine: Machine, url: string, options: Options, at: Connections): Others {
  /** This page's part in a connection that pages share. */
  let share: Share | undefined
  let sharing: Promise<Share | undefined> | undefined
  /** Tells the session of a connection, for as long as that is the one at hand. */
  const take = (id: number, input: () => number): void => {
    if (at.has(id)) at.take(input)
  }

  const poll = async (id: number): Promise<void> => {
    const fetched = async (): Promise<Polled> => {
      try {
        const response = await at.ask(id, addressOf('option poll', options.poll), 1)
        if (response !== undefined) return [response.status, new Uint8Array(await response.arrayBuffer())]
      } catch (error) {
        if (error instanceof Error && error.message.startsWith(HEADERS_FAILED)) throw error
      }
      // No answer is told as status 0.
      return [0, new Uint8Array(0)]
    }
    try {
      const [status, body] = await (share?.poll(fetched) ?? fetched())
      const { module, handle } = machine
      take(id, () => module.session_fetched(handle, performance.now(), id, status, module.give(body)))
    } catch (error) {
      at.fail(id, error)
    }
  }

  return {
    leads: () => share?.leads ?? true,
    leave: () => share?.leave(),
    failed: (words) => share?.failed(words),
    async answer(id, ask) {
      if (options.share === 'browser') share = await (sharing ??= join(machine, url, options, () => at.reconnect()))
      if (share === undefined) return { response: await ask() }
      return at.has(id) ? share.answer(ask) : undefined
    },
    listen(id, address) {
      if (!isNative(options)) return false
      let source: EventSource
      try {
        source = new EventSource(address, { withCredentials: options.credentials === 'include' })
      } catch (error) {
        at.fail(id, error)
        return true
      }
      let opened = false
      const tell = ({ type, data, lastEventId }: MessageEvent): void =>
        take(id, () => machine.input(performance.now(), Input.Event, id, 0, String(data), type, lastEventId))
      source.onopen = () => {
        if (!opened) take(id, () => machine.opened(performance.now(), id, 200, 'text/event-stream'))
        opened = true
      }
      source.onerror = (event) => {
        // A server may send an event that is called "error": that one has data. Or else it is closed.
        if ((event as MessageEvent).data !== undefined) tell(event as MessageEvent)
        else at.fail(id, 'the event source failed; it does not say why')
      }
      const types = machine.module.jsonOf(machine.module.session_types(machine.handle)) as string[]
      for (const type of types) if (type !== 'error') source.addEventListener(type, tell)
      at.until(() => source.close())
      return true
    },
    poll: (id) => void poll(id),
  }
}

/** This page's part in the one connection of all pages; none where that cannot be. */
async function join(machine: Machine, url: string, options: Options, reconnect: () => void): Promise<Share | undefined> {
  try {
    const { Share } = await import('./share.js')
    return await Share.of(machine, url, wordsOfProtocol(options.protocol), options, reconnect)
  } catch (error) {
    // A server has no other pages: here is none, and no worker of one.
    if (typeof document === 'object' || 'WorkerGlobalScope' in globalThis) {
      const words = `option share: this page has a connection of its own: ${wordsOf(error)}`
      report(options.onError, new HighwaterError('share', words, { cause: error }))
    }
    return undefined
  }
}

/**
 * Has a `Last-Event-ID` sent: its UTF-8 bytes, each as a character, which is all that `Headers` takes. Not
 * what no header can hold or no server would take; nor where the address says where to go on: then the
 * header would only cost a preflight.
 */
export function sendId(headers: Headers, id: string, query: readonly string[]): void {
  const bytes = new TextEncoder().encode(id)
  const fits = bytes.length <= 4096 && bytes.every((byte) => byte >= 0x20 && byte !== 0x7f)
  if (!fits || query.includes('basis') || query.includes('index') || headers.has('last-event-id')) return
  headers.set('last-event-id', String.fromCharCode(...bytes))
}
