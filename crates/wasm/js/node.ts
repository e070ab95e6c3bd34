// The door for Node, Bun and Deno: the module with everything is read at import.

import { readFileSync } from 'node:fs'
import { loadSync, setSources } from './module.js'

try {
  loadSync(readFileSync(new URL('./full.wasm', import.meta.url)))
} catch (error) {
  // Told where all faults are told: by the store that wants it.
  setSources(() => Promise.reject(error))
}

export * from './api.js'
