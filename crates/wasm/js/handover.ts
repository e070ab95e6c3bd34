// From the lean module to the one with everything.

import * as Bit from './bit.js'
import * as Input from './input.js'
import { type Machine, sessionOf } from './machine.js'
import type { Module } from './module.js'
import { slotsOf, writeCheckpoint, Writer } from './writing.js'

/**
 * Has a session go on in the module with everything: slots, epochs and version are the same. If it is to
 * connect, its next connection is the one at hand, or else another. Answers with {@link Bit}s.
 */
export function handOver(machine: Machine, now: number, to: Module, connects: boolean, keepsConnection: boolean): number {
  const there = sessionOf(to, machine.protocol, machine.numbers)
  const left = leave(machine, keepsConnection)
  machine.free()
  machine.become(to, there, to.session_free)
  if (machine.isOffline) machine.input(now, Input.Offline)
  for (const reason of machine.reasons) machine.input(now, Input.Pause, 0, 0, reason)
  const size = to.give(left)
  const bits = to.session_arrive(there, now, size, connects ? 1 : 0)
  if ((bits & Bit.Fault) !== 0) throw new Error('core.wasm and full.wasm are of two versions')
  return bits
}

/** What the other session is to know (crates/core/src/session/handover.rs). */
function leave(machine: Machine, keepsConnection: boolean): Uint8Array {
  const { module, handle } = machine
  const out = new Writer(module)
  const length = module.session_leave(handle)
  const [connections, slots, kinds, type] = module.numbersOf(4) as unknown as [number, number, number, number]
  out.number(connections - (keepsConnection ? 1 : 0))
  // What it could not read comes again with the connection, if it keeps that.
  const text = module.text()
  out.copy(text, keepsConnection ? 0 : type)
  out.copy(text + type, keepsConnection ? 0 : length - type)
  out.number(module.revision(handle))
  out.number(kinds)
  for (let kind = 0; kind < kinds; kind++) {
    const size = module.kind(handle, kind)
    out.copy(module.text(), size)
  }
  out.number(slots)
  const items = new Set(slotsOf(machine))
  const epochs = module.words().subarray(module.epochs(handle) >>> 2)
  for (let slot = 0; slot < slots; slot++) out.number((epochs[slot] as number) * 2 + (items.has(slot) ? 1 : 0))
  writeCheckpoint(machine, out)
  return out.bytes.subarray(0, out.at)
}
