// The door without a module: the application brings it, by `init(module)`.

import { broughtFor, setSources } from './module.js'

setSources(
  () => import('./more.js'),
  () => broughtFor(true),
  () => broughtFor(false),
)

export * from './api.js'
