// A checkpoint of what the lean module holds, which reads and does not write. (The other one writes its own;
// crates/core/src/checkpoint.rs has the format.)

import type { Machine } from './machine.js'
import type { Module } from './module.js'

/** Writes numbers, and what lies in a module's memory, as bytes. */
export interface Writer {
  /** A number, seven bits a byte, the lowest first. */
  number(number: number | bigint): void
  /** How many bytes there are, and the bytes. */
  bytes(given: Uint8Array): void
  /** The same of those that lie here. */
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
    for (; number > Number.MAX_SAFE_INTEGER; number = BigInt(number) >> 7n) bytes[at++] = Number(BigInt(number) & 127n) | 128
    // From here on without BigInt, which takes several times as long.
    let left = Number(number)
    for (; left > 127; left = Math.floor(left / 128)) bytes[at++] = left % 128 | 128
    bytes[at++] = left
  }
  const write = (given: Uint8Array): void => {
    number(given.length, given.length + 16)
    bytes.set(given, at)
    at += given.length
  }
  return {
    number,
    bytes: write,
    copy: (pointer, length) => write(module.bytes().subarray(pointer, pointer + length)),
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
  const { number, bytes: write, copy, done } = writer(module)
  const text = (length: number): void => copy(module.text(), length)
  const cursor = module.position(handle)
  HEAD.forEach((byte) => number(byte))
  number(cursor < 0 ? 0 : 1)
  if (cursor >= 0) text(cursor)
  /** Numbers that the module has for kinds, in the order in which they are met here. */
  const kinds: number[] = []
  const slots = slotsOf(machine)
  for (let first = 0; first < slots.length; first += BATCH) {
    const some = slots.subarray(first, first + BATCH)
    const length = module.names(handle, module.giveWords(some))
    const names = module.numbersOf(2 * some.length).slice()
    const keys = module.bytes().slice(module.text(), module.text() + length)
    let at = 0
    some.forEach((slot, index) => {
      const kind = names[2 * index] as number
      const known = kinds.indexOf(kind)
      number(2 * (known < 0 ? kinds.push(kind) - 1 : known))
      if (known < 0) text(module.kind(handle, kind))
      const start = at
      // The length of a key is told in UTF-16 units: a character of four bytes has two, any other one.
      for (let units = names[2 * index + 1] as number; units > 0 || isWithin(keys[at]); at++) {
        if (!isWithin(keys[at])) units -= (keys[at] as number) < 0xf0 ? 1 : 2
      }
      write(keys.subarray(start, at))
      const version = module.version(handle, slot)
      number(BigInt.asUintN(64, (version << 1n) ^ (version >> 63n)))
      copy(module.value(handle, slot), module.length(handle, slot))
    })
  }
  const bytes = done()
  new DataView(bytes.buffer).setBigUint64(5, BigInt(bytes.length - 13), true)
  return bytes
}

/** Whether a byte of UTF-8 is not the first of its character. */
const isWithin = (byte = 0): boolean => (byte & 0xc0) === 0x80

/** So many names are read at a time. */
const BATCH = 512

/** `HWCP`, the version of the format, how many bytes follow, the name of the protocol, and no last event id. */
const HEAD = [72, 87, 67, 80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 4, 102, 100, 118, 50, 0]
