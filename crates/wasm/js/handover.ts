// From the lean module to the one with everything.

import * as Bit from './bit.js'
import { type Machine, sessionOf } from './machine.js'
import type { Module } from './module.js'

/**
 * Has a session go on in the module with everything: slots, epochs and version are the same. If it is to
 * connect, its next connection is the one at hand, or else another. Answers with {@link Bit}s.
 */
export function handOver(machine: Machine, now: number, to: Module, connects: boolean, keepsConnection: boolean): number {
  const { module: from, handle } = machine
  const there = sessionOf(to, machine.protocol, machine.numbers)
  const length = from.session_leave(handle, keepsConnection ? 1 : 0)
  const size = to.give(from.bytes().subarray(from.text(), from.text() + length))
  machine.free()
  machine.become(to, there, to.session_free)
  const bits = to.session_arrive(there, now, size, connects ? 1 : 0)
  if ((bits & Bit.Fault) !== 0) throw new Error('core.wasm and full.wasm are of two versions')
  return bits
}
