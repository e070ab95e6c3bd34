// The other ways in which a state comes: the platform's own event source, and a poll address.

import { HighwaterError, wordsOf } from './errors.js'
import { report } from './listeners.js'
import type { Machine } from './machine.js'
import type { Options } from './options.js'
import { wordsOfProtocol } from './protocols.js'
import type { Share } from './share.js'
import type { Polled } from './share-words.js'

/** Hears of a connection. */
export interface Hearer {
  opened(): unknown
  event(type: string, data: string, lastEventId: string): unknown
  failed(error: unknown): unknown
}

/**
 * The platform's own event source. It sends no headers, tells no status, hides comments, and hands
 * over strings, each of which is copied and encoded: `fetch` is faster and knows more. It is to be
 * closed at the first error.
 */
export function listen({ module, handle }: Machine, url: string, withCredentials: boolean, hearer: Hearer): EventSource {
  const source = new EventSource(url, { withCredentials })
  let opened = false
  const take = ({ type, data, lastEventId }: MessageEvent): unknown => hearer.event(type, String(data), lastEventId)
  source.onopen = () => {
    if (!opened) hearer.opened()
    opened = true
  }
  source.onerror = (event) => {
    // A server may send an event that is called "error": that one has data.
    if ((event as MessageEvent).data !== undefined) take(event as MessageEvent)
    else hearer.failed('the event source failed; it does not say why')
  }
  const types = module.jsonOf(module.session_types(handle)) as string[]
  for (const type of types) if (type !== 'error') source.addEventListener(type, take)
  return source
}

/** Fetches the state from the poll address: once more where headers may have expired; of pages that share, one. */
export function poll(
  ask: (expired: boolean) => Promise<Response>,
  { headers }: Options,
  share: Share | undefined,
  isToTell: (error: unknown) => boolean,
): Promise<Polled> {
  const fetched = async (): Promise<Polled> => {
    try {
      let response = await ask(false)
      if (response.status === 401 && typeof headers === 'function') response = await ask(true)
      return [response.status, new Uint8Array(await response.arrayBuffer())]
    } catch (error) {
      if (isToTell(error)) throw error
      // No answer is told as status 0.
      return [0, new Uint8Array(0)]
    }
  }
  return share?.poll(fetched) ?? fetched()
}

/** This page's part in the one connection of all pages; none where that cannot be. */
export async function join(machine: Machine, url: string, options: Options, reconnect: () => void): Promise<Share | undefined> {
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
