// Reads of a session's memory that leave nothing behind: no value is parsed, and none is kept.

import type { Machine } from '../machine.js'
import { type Version, versionOf } from '../types.js'

/** The JSON of an item's value. */
export function textOf(machine: Machine, kind: string, key: string): string | undefined {
  const { module, handle } = machine
  const slot = slotOf(machine, kind, key)
  if (slot < 0) return undefined
  const pointer = module.value(handle, slot)
  return pointer === 0 ? undefined : module.decode(pointer, module.length(handle, slot))
}

/** An item's version, exact. */
export function versionIn(machine: Machine, kind: string, key: string): Version | undefined {
  const slot = slotOf(machine, kind, key)
  return slot < 0 ? undefined : versionOf(machine.module.version(machine.handle, slot))
}

function slotOf({ module, handle }: Machine, kind: string, key: string): number {
  module.say([kind, key])
  return module.find(handle)
}
