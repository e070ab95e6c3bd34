// Taking up what was kept.

import type { HighwaterError } from './errors.js'
import { errorOf } from './faults.js'
import type { Beginning } from './initial.js'
import type { Machine } from './machine.js'

/** Takes up what was kept. Answers with bits, and with what was wrong with it. */
export function restore({ module, handle }: Machine, now: number, beginning: Beginning): [bits: number, fault: HighwaterError | undefined] {
  const isCheckpoint = beginning instanceof Uint8Array
  if (!isCheckpoint) module.say(beginning)
  // Nothing at all is no checkpoint either.
  const size = isCheckpoint ? module.give(beginning.length === 0 ? new Uint8Array(1) : beginning) : 0
  const [bits, fault] = module.jsonOf(module.session_restore(handle, now, size)) as [number, unknown]
  return [bits, fault === null ? undefined : errorOf(fault)]
}
