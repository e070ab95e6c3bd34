// What the module is given to make connections with.

import type { Link } from './core.js'
import { HEADERS_FAILED, wordsOf } from './errors.js'
import { addressOf, type Options } from './options.js'

/** Makes the link of a store. */
export function linkOf(
  url: string,
  options: Options,
  then: { notify: () => void; broken: (error: unknown) => void },
): Link {
  const { headers, method, body, credentials, poll, transport } = options
  // Looked up when it is called: whoever replaces the global one later is heard.
  const send = options.fetch ?? ((...request: Parameters<typeof fetch>) => globalThis.fetch(...request))
  const init: RequestInit = { cache: 'no-store' }
  if (method !== undefined) init.method = method
  if (body !== undefined) init.body = body
  if (credentials !== undefined) init.credentials = credentials
  const pollAddress = poll === undefined ? undefined : addressOf('option poll', poll)

  const headersOf = async (attempt: number, expired: boolean): Promise<Headers> => {
    if (typeof headers !== 'function') return new Headers(headers)
    try {
      return new Headers(await headers({ attempt, cause: expired ? 'expired' : 'connect' }))
    } catch (error) {
      throw new Error(HEADERS_FAILED + wordsOf(error), { cause: error })
    }
  }

  return {
    eventSource: isNative(transport, options) ? globalThis.EventSource : undefined,
    credentials: credentials === 'include',
    renews: typeof headers === 'function',
    init,
    address: (query) => withQuery(url, query),
    headers: headersOf,
    fetch: async (address, request) => {
      const response: unknown = await send(address, request)
      if (typeof (response as Response | undefined)?.status !== 'number') {
        throw new TypeError('option fetch did not answer with a Response')
      }
      return response as Response
    },
    poll: async (signal) => {
      if (pollAddress === undefined) throw new Error('there is no poll address')
      const ask = async (expired: boolean): Promise<Response> =>
        send(pollAddress, { ...init, headers: await headersOf(1, expired), signal })
      let response = await ask(false)
      if (response.status === 401 && typeof headers === 'function') response = await ask(true)
      return [response.status, new Uint8Array(await response.arrayBuffer())]
    },
    words: (error) => (error instanceof Error && error.message.startsWith(HEADERS_FAILED) ? error.message : wordsOf(error)),
    notify: then.notify,
    broken: then.broken,
  }
}

/** Whether the stream is to come over the platform's own event source. */
export function isNative(transport: Options['transport'], options: Options): boolean {
  if (transport !== 'auto' && transport !== undefined) return transport === 'eventsource'
  const streams = typeof ReadableStream === 'function' && (options.fetch ?? globalThis.fetch) !== undefined
  return !streams && typeof globalThis.EventSource === 'function'
}

function withQuery(url: string, query: readonly string[]): string {
  if (query.length === 0) return url
  const address = new URL(url)
  let more = ''
  for (let at = 0; at < query.length; at += 2) {
    const [name = '', value = ''] = query.slice(at, at + 2)
    // What the application put there holds until the stream has a position of its own.
    if (address.searchParams.has(name)) address.searchParams.delete(name)
    more += `&${encodeURIComponent(name)}=${encodeURIComponent(value)}`
  }
  // Added as text: to set it would write the application's part anew.
  const { href } = address
  return href + (address.search === '' ? `${href.endsWith('?') ? '' : '?'}${more.slice(1)}` : more)
}
