// The door for Node, Bun and Deno: the module is read at import.

import { readFileSync } from 'node:fs'
import { loadSync, setSource } from './module.js'

try {
  loadSync(readFileSync(new URL('./core.wasm', import.meta.url)))
} catch (error) {
  // Told where all faults are told: by the store that wants it.
  setSource(() => Promise.reject(error))
}

export * from './api.js'
