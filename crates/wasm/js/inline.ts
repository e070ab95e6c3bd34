// The door without a second file: the lean module as (compressed) text in this one. The one with everything is
// loaded from beside this file by whoever wants it (or is in `highwater/inline-full`).

import { base64 } from './core.base64.js'
import { bytesOf, setSources, unzipped } from './module.js'

// By its address, and not by its name: a bundler would put it into this file, too.
const whole = async () => {
  const { href } = new URL('./full.base64.js', import.meta.url)
  const { base64: full } = (await import(/* webpackIgnore: true */ /* @vite-ignore */ href)) as { base64: string }
  return bytesOf(full)
}

setSources(whole, () => unzipped(bytesOf(base64)))

export * from './api.js'
