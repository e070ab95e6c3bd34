// A checkpoint of what the lean module holds, which reads and does not write. (The other one writes its own;
// crates/core/src/checkpoint.rs has the format.)

import type { Machine } from './machine.js'
import type { Module } from './module.js'

/** Numbers and what lies in a module's memory, as bytes. */
export class Writer {
  bytes = new Uint8Array(4096)
  at = 0
  readonly #module: Module

  constructor(module: Module) {
    this.#module = module
  }

  /** A number, seven bits a byte, the lowest first; behind it there is so much room. */
  number(number: number, room = 0): void {
    const least = this.at + room + 16
    if (least > this.bytes.length) {
      const { bytes } = this
      this.bytes = new Uint8Array(2 * least)
      this.bytes.set(bytes)
    }
    for (; number > 127; number = Math.floor(number / 128)) this.bytes[this.at++] = number | 128
    this.bytes[this.at++] = number
  }

  /** How many bytes there are, and the bytes. */
  copy(pointer: number, length: number): void {
    this.number(length, length)
    this.bytes.set(this.#module.bytes().subarray(pointer, pointer + length), this.at)
    this.at += length
  }
}

/** The slots of all items, in their order. */
export function slotsOf({ module, handle }: Machine): Uint32Array {
  module.say([undefined])
  return module.numbersOf(module.slots(handle)).slice()
}

/** Writes the state and the position. */
export function writeCheckpoint(machine: Machine, out: Writer): void {
  const { module, handle } = machine
  const text = (length: number): void => out.copy(module.text(), length)
  const begin = out.at
  const cursor = module.position(handle)
  for (const byte of HEAD) out.number(byte)
  out.number(cursor < 0 ? 0 : 1)
  if (cursor >= 0) text(cursor)
  /** Numbers that the module has for kinds, in the order in which they are met here. */
  const kinds: number[] = []
  for (const slot of slotsOf(machine)) {
    const name = (): number => module.names(handle, module.giveWords([slot]))
    name()
    const kind = module.numberAt(0)
    const known = kinds.indexOf(kind)
    out.number(2 * (known < 0 ? kinds.push(kind) - 1 : known))
    if (known < 0) text(module.kind(handle, kind))
    text(name())
    const version = module.version(handle, slot)
    let zigzag = BigInt.asUintN(64, (version << 1n) ^ (version >> 63n))
    for (; zigzag >> 53n; zigzag >>= 7n) out.bytes[out.at++] = Number(zigzag & 127n) | 128
    out.number(Number(zigzag))
    out.copy(module.value(handle, slot), module.length(handle, slot))
  }
  new DataView(out.bytes.buffer).setBigUint64(begin + 5, BigInt(out.at - begin - 13), true)
}

/** `HWCP`, the version of the format, how many bytes follow, the name of the protocol, and no last event id. */
const HEAD = [72, 87, 67, 80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 4, 102, 100, 118, 50, 0]
