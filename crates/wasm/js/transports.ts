// The other ways in which a state comes: the platform's own event source, and a poll address.

import type { Machine } from './machine.js'
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

/** Fetches the state from the poll address: once more where headers may have `expired`. */
export async function poll(ask: (expired: boolean) => Promise<Response>, again: boolean, isToTell: (error: unknown) => boolean): Promise<Polled> {
  try {
    let response = await ask(false)
    if (response.status === 401 && again) response = await ask(true)
    return [response.status, new Uint8Array(await response.arrayBuffer())]
  } catch (error) {
    if (isToTell(error)) throw error
    // No answer is told as status 0.
    return [0, new Uint8Array(0)]
  }
}
