// The door without a second file: the module as text in this one.

import { base64 } from './core.base64.js'
import { loadSync } from './module.js'

loadSync(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)))

export * from './api.js'
