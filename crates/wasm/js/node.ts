// The door for Node, Bun and Deno: the module is read at import.

import { readFileSync } from 'node:fs'
import { loadSync, setSource } from './module.js'

// If there is no such file: a bundler put this script elsewhere and left the file behind, or gave it
// an address of its pages. All of them bring along what is imported: the text of the module.
setSource(async () => {
  const { base64 } = await import('./core.base64.js')
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
})
try {
  loadSync(readFileSync(new URL('./core.wasm', import.meta.url)))
} catch (error) {
  // Told where all faults are told: by the store that wants it.
  if (error instanceof WebAssembly.CompileError) setSource(() => Promise.reject(error))
}

export * from './api.js'
