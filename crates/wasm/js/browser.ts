// The door for browsers and bundlers: a module is fetched when it is first wanted.

import { answered } from './module.js'
import { enter } from './store.js'

enter(
  () => import('./more.js'),
  () => answered(fetch(new URL('./full.wasm', import.meta.url))),
  () => answered(fetch(new URL('./core.wasm', import.meta.url))),
)

export * from './api.js'
