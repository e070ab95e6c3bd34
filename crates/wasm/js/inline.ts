// The door without a second file: modules as (compressed) text in scripts. The lean one is in this
// script; the one with everything is imported by whoever wants it, so that a bundler puts it into the
// same file, or into one that is loaded then.

import { base64 } from './core.base64.js'
import { unzipped } from './module.js'
import { enter } from './store.js'

enter(
  () => import('./more.js'),
  async () => unzipped((await import('./full.base64.js')).base64),
  () => unzipped(base64),
)

export * from './api.js'
