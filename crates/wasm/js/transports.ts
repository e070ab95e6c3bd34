// The other ways in which a state comes: the platform's own event source, and a poll address.

import type { Hearer } from './edge.js'
import { HEADERS_FAILED, HighwaterError, wordsOf } from './errors.js'
import * as Input from './input.js'
import { report } from './listeners.js'
import type { Machine } from './machine.js'
import type { Options } from './options.js'
import { wordsOfProtocol } from './protocols.js'
import type { Share } from './share.js'
import type { Polled } from './share-words.js'

/**
 * The platform's own event source. It sends no headers, tells no status, hides comments, and hands
 * over strings, each of which is copied and encoded: `fetch` is faster and knows more. It is to be
 * closed at the first error: by what this returns.
 */
export function listen(machine: Machine, url: string, { credentials }: Options, id: number, { take, failed }: Hearer): () => void {
  let source: EventSource
  try {
    source = new EventSource(url, { withCredentials: credentials === 'include' })
  } catch (error) {
    failed(error)
    return () => {}
  }
  let opened = false
  const tell = ({ type, data, lastEventId }: MessageEvent): void =>
    take(() => machine.input(performance.now(), Input.Event, id, 0, String(data), type, lastEventId))
  source.onopen = () => {
    if (!opened) take(() => machine.opened(performance.now(), id, 200, 'text/event-stream'))
    opened = true
  }
  source.onerror = (event) => {
    // A server may send an event that is called "error": that one has data.
    if ((event as MessageEvent).data !== undefined) tell(event as MessageEvent)
    else failed('the event source failed; it does not say why')
  }
  const types = machine.module.jsonOf(machine.module.session_types(machine.handle)) as string[]
  for (const type of types) if (type !== 'error') source.addEventListener(type, tell)
  return () => source.close()
}

/** Fetches the state from the poll address: of pages that share, one does. */
export async function poll(
  machine: Machine,
  ask: () => Promise<Response | undefined>,
  share: Share | undefined,
  id: number,
  { take, failed }: Hearer,
): Promise<void> {
  const fetched = async (): Promise<Polled> => {
    try {
      const response = await ask()
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
    take(() => module.session_fetched(handle, performance.now(), id, status, module.give(body)))
  } catch (error) {
    failed(error)
  }
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
