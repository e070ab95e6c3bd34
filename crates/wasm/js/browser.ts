// The door for browsers and bundlers: the module is fetched when it is first wanted.

import { setSource } from './module.js'

setSource(() => fetch(new URL('./core.wasm', import.meta.url)))

export * from './api.js'
