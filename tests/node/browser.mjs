// The browsers' door in Node: modules are fetched, the lean one first, and come from disk.

import { readFileSync } from 'node:fs'

const { fetch } = globalThis
/** The modules that were fetched, by name. */
export const fetched = []
/** Names of modules that are not to be had. */
export const missing = new Set()
globalThis.fetch = async (url, init) => {
  if (!String(url).startsWith('file:')) return fetch(url, init)
  const name = new URL(url).pathname.split('/').pop()
  fetched.push(name)
  if (missing.has(name)) return new Response('', { status: 404 })
  return new Response(readFileSync(url), { headers: { 'content-type': 'application/wasm' } })
}

export const { connect, init, Materializer } = await import('../../dist/browser.js')
