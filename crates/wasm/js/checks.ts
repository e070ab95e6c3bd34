// What is looked at only where it is used: what is within some options, and how options go together. It
// comes with `more`: with the module with everything, or for such an option alone.

import { addressOf, check, refuse, type Options, type PersistOptions, type PersistStorage } from './options.js'
import { isProtocol } from './protocols.js'
import { isSchemas } from './schema.js'

/** Checks what {@link checkOptions} left. */
export function checkRest(options: Options): void {
  const { protocol, transport, headers, method, body, poll, fetch, share, schema, persist = false } = options
  isProtocol(protocol)
  isSchemas(schema)
  if (typeof headers === 'object') checkHeaders(headers)
  if (method === '') refuse("option method must be a string, not ''")
  if (poll !== undefined) addressOf('option poll', poll)
  else if (protocol === 'ping') refuse("protocol 'ping' needs option poll: where the state is fetched")
  if (typeof persist !== 'boolean' && typeof persist !== 'string') checkPersist(persist)
  if (body !== undefined) {
    if (typeof ReadableStream === 'function' && (body as unknown) instanceof ReadableStream) refuse('option body cannot be a stream: it is sent with every attempt')
    if (method === undefined || /^(get|head)$/i.test(method)) refuse('option body needs a method that has one, such as POST or REPORT')
    if (typeof body !== 'string') {
      if (share === 'browser') refuse("option share 'browser' needs a body that is a string: pages compare it")
      if (persist !== false) refuse('option persist needs a body that is a string: what is kept is found by it')
    }
  }
  if (transport === 'eventsource') {
    for (const name of ['headers', 'method', 'body', 'fetch', ...(share === 'browser' ? (['share'] as const) : [])] as const) {
      if (options[name] !== undefined) refuse(`option ${name} cannot be had with transport 'eventsource', which sends a plain GET; use transport 'fetch'`)
    }
    if (typeof globalThis.EventSource !== 'function') refuse("here is no EventSource; use transport 'fetch'")
  } else if (fetch === undefined && typeof globalThis.fetch !== 'function') {
    refuse('here is no fetch; give one as option fetch')
  }
}

function checkHeaders(headers: HeadersInit): void {
  try {
    new Headers(headers)
  } catch (error) {
    refuse(`option headers cannot be sent: ${(error as Error).message}`)
  }
}

function checkPersist(persist: PersistOptions): void {
  check('option persist', persist, PERSIST)
  const { storage } = persist
  if (storage === undefined) return
  for (const method of ['get', 'set', 'delete'] as const) {
    if (typeof (storage as Partial<PersistStorage> | null)?.[method] !== 'function') refuse('option persist.storage must have the methods get, set and delete')
  }
}

const PERSIST: Readonly<Record<keyof PersistOptions, string>> = { name: 'a string', maxAge: '0..', storage: '*' }
