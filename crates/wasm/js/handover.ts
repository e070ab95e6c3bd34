// From the lean module to the one with everything.

import * as Bit from './bit.js'
import * as Input from './input.js'
import { type Machine, sessionOf } from './machine.js'
import type { Module } from './module.js'
import { checkpointOf, slotsOf, writer } from './writing.js'

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
  const { number, copy, done } = writer(module)
  const length = module.session_leave(handle)
  const [connections, slots, kinds, type] = module.numbersOf(4) as unknown as [number, number, number, number]
  number(connections - (keepsConnection ? 1 : 0))
  // What it could not read comes again with the connection, if it keeps that.
  const text = module.text()
  copy(text, keepsConnection ? 0 : type)
  copy(text + type, keepsConnection ? 0 : length - type)
  number(module.revision(handle))
  number(kinds)
  for (let kind = 0; kind < kinds; kind++) {
    const size = module.kind(handle, kind)
    copy(module.text(), size)
  }
  number(slots)
  const items = new Set(slotsOf(machine))
  const epochs = module.words().subarray(module.epochs(handle) >>> 2)
  for (let slot = 0; slot < slots; slot++) number((epochs[slot] as number) * 2 + (items.has(slot) ? 1 : 0))
  const places = done()
  const state = checkpointOf(machine)
  const all = new Uint8Array(places.length + state.length)
  all.set(places)
  all.set(state, places.length)
  return all
}
