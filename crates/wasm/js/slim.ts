// The door without a module: the application brings it, by `init(module)`.

import { broughtFor } from './module.js'
import { enter } from './store.js'

enter(
  () => import('./more.js'),
  () => broughtFor(true),
  () => broughtFor(false),
)

export * from './api.js'
