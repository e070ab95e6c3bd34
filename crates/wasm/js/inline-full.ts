// The door without a second file, with everything: the whole module as text in this one.

import { base64 } from './full.base64.js'
import { bytesOf, loadSync } from './module.js'

loadSync(bytesOf(base64))

export * from './api.js'
