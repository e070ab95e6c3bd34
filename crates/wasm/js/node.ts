// The door for Node, Bun and Deno: the module with everything is read at import.

import { readFileSync } from 'node:fs'
import { loadSync, setSources, unzipped } from './module.js'
import * as more from './more.js'

const there = async (): Promise<typeof more> => more

// If there is no such file: a bundler put this script elsewhere and left the file behind, or gave it
// an address of its pages. All of them bring along what is imported: the text of the module.
setSources(there, async () => unzipped((await import('./full.base64.js')).base64))
try {
  loadSync(readFileSync(new URL('./full.wasm', import.meta.url)), more)
} catch (error) {
  // Told where all faults are told: by the store that wants it.
  if (error instanceof WebAssembly.CompileError) setSources(there, () => Promise.reject(error))
}

export * from './api.js'
