// A checkpoint of what the lean module holds, which reads and does not write. (The other one writes its own;
// crates/core/src/checkpoint.rs has the format.)

import type { Machine } from './machine.js'
import type { Module } from './module.js'

/** Writes numbers, and what lies in a module's memory, as bytes. */
export interface Writer {
  /** A number, seven bits a byte, the lowest first. */
  number(number: number | bigint): void
  /** How many bytes there are, and the bytes. */
  copy(pointer: number, length: number): void
  /** All that was written. */
  done(): Uint8Array<ArrayBuffer>
}

export function writer(module: Module): Writer {
  let bytes = new Uint8Array(4096)
  let at = 0
  const number = (number: number | bigint, room = 16): void => {
    if (at + room > bytes.length) {
      const all = bytes
      bytes = new Uint8Array(2 * (at + room))
      bytes.set(all)
    }
    let left = BigInt(number)
    for (; left > 127n; left >>= 7n) bytes[at++] = Number(left & 127n) | 128
    bytes[at++] = Number(left)
  }
  return {
    number,
    copy: (pointer, length) => {
      number(length, length + 16)
      bytes.set(module.bytes().subarray(pointer, pointer + length), at)
      at += length
    },
    done: () => bytes.slice(0, at),
  }
}

/** The slots of all items, in their order. */
export function slotsOf({ module, handle }: Machine): Uint32Array {
  module.say([undefined])
  return module.numbersOf(module.slots(handle)).slice()
}

/** The state and the position as bytes. */
export function checkpointOf(machine: Machine): Uint8Array {
  const { module, handle } = machine
  const { number, copy, done } = writer(module)
  const text = (length: number): void => copy(module.text(), length)
  const cursor = module.position(handle)
  HEAD.forEach((byte) => number(byte))
  number(cursor < 0 ? 0 : 1)
  if (cursor >= 0) text(cursor)
  /** Numbers that the module has for kinds, in the order in which they are met here. */
  const kinds: number[] = []
  for (const slot of slotsOf(machine)) {
    const name = (): number => module.names(handle, module.giveWords([slot]))
    name()
    const kind = module.numberAt(0)
    const known = kinds.indexOf(kind)
    number(2 * (known < 0 ? kinds.push(kind) - 1 : known))
    if (known < 0) text(module.kind(handle, kind))
    text(name())
    const version = module.version(handle, slot)
    number(BigInt.asUintN(64, (version << 1n) ^ (version >> 63n)))
    copy(module.value(handle, slot), module.length(handle, slot))
  }
  const bytes = done()
  new DataView(bytes.buffer).setBigUint64(5, BigInt(bytes.length - 13), true)
  return bytes
}

/** `HWCP`, the version of the format, how many bytes follow, the name of the protocol, and no last event id. */
const HEAD = [72, 87, 67, 80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 4, 102, 100, 118, 50, 0]
