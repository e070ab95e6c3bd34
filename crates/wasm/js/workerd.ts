// The door for runtimes that compile modules ahead of time and only ever import them.

// @ts-expect-error There are no types for it: the runtime gives a WebAssembly.Module.
import module from './full.wasm'
import { loadSync } from './module.js'
import * as more from './more.js'

loadSync(module as WebAssembly.Module, more)

export * from './api.js'
