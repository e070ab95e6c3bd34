// The door for browsers and bundlers: a module is fetched when it is first wanted.

import { setSources } from './module.js'

setSources(
  () => fetch(new URL('./full.wasm', import.meta.url)),
  () => fetch(new URL('./core.wasm', import.meta.url)),
)

export * from './api.js'
