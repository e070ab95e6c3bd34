// The module, once it is there: how it gets here, what it exports, and the only reads and writes
// of its memory. The doors (browser.ts, node.ts, …) say where it comes from.

import { HighwaterError, wordsOf } from './errors.js'

/** A module, its bytes, or a response with its bytes. */
export type ModuleSource = BufferSource | WebAssembly.Module | Response | Promise<Response>

/** What the module exports; crates/wasm/src/engine says what each does. */
export interface Exports {
  readonly memory: WebAssembly.Memory
  input(size: number): number
  text(): number
  numbers(): number
  session_new(numbers: number, view: number): number
  session_free(handle: number): void
  session_input(handle: number, now: number, what: number, connection: number, number: number): number
  session_opened(handle: number, now: number, connection: number, status: number, retryAfter: number): number
  session_fetched(handle: number, now: number, connection: number, status: number, size: number): number
  session_effects(handle: number): number
  session_status(handle: number): number
  session_types(handle: number): number
  session_trace(handle: number, on: number): void
  session_traced(handle: number): number
  session_checkpoint(handle: number): number
  session_standing(handle: number): number
  session_join(handle: number, now: number, connection: number, standing: number, size: number): number
  session_restore(handle: number, now: number, size: number): number
  query_new(handle: number, size: number): number
  query_free(handle: number): void
  query_update(handle: number, session: number): number
  query_show(handle: number, offset: number, limit: number): number
  query_rows(handle: number): number
  query_count(handle: number): number
  query_groups(handle: number, session: number): number
  push(handle: number, now: number, what: number, size: number): number
  connected(handle: number, what: number): void
  position(handle: number): number
  find(handle: number): number
  value(handle: number, slot: number): number
  length(handle: number, slot: number): number
  values(handle: number, count: number): number
  version(handle: number, slot: number): bigint
  names(handle: number, count: number): number
  kind(handle: number, number: number): number
  epochs(handle: number): number
  size(handle: number): number
  revision(handle: number): number
  slots(handle: number): number
  changes(handle: number): number
  tombstones(handle: number): number
  protocol_new(): number
  protocol_free(handle: number): void
  protocol_connected(handle: number): void
  protocol_mode(handle: number): number
  protocol_decode(handle: number): number
  decoder_new(limit: number): number
  decoder_free(handle: number): void
  decoder_push(handle: number, size: number): number
  decoder_end(handle: number): void
  decoder_id(handle: number): number
  decoder_set_id(handle: number): void
  receiver_new(): number
  receiver_free(handle: number): void
  receiver_take(handle: number, what: number, version: bigint): number
  receiver_entries(handle: number): number
  backoff_new(): number
  backoff_free(handle: number): void
  backoff_fail(handle: number, chance: number): number
  backoff_base(handle: number): number
  backoff_failures(handle: number): number
  backoff_first(handle: number, millis: number): void
}

/** There once {@link isLoaded}. */
export let wasm: Exports
let loading: Promise<void> | undefined
let load: (() => ModuleSource | Promise<ModuleSource>) | undefined
/** What a view of the application's is to be told by. */
let told: (length: number) => number = () => 0

const imports = { view: { tell: (length: number): number => told(length) } }

/** Says where the module comes from, when it is wanted. */
export function setSource(source: () => ModuleSource | Promise<ModuleSource>): void {
  load = source
}

/** Loads the module now, from bytes or a module that is there. */
export function loadSync(source: BufferSource | WebAssembly.Module): void {
  const module = source instanceof WebAssembly.Module ? source : new WebAssembly.Module(source)
  take(new WebAssembly.Instance(module, imports))
}

/** Whether the module is there. */
export function isLoaded(): boolean {
  return wasm !== undefined
}

/** Loads the module, once; from `source` if that is given. */
export function loadModule(source?: ModuleSource): Promise<void> {
  if (isLoaded()) return Promise.resolve()
  loading ??= (async () => {
    const given = await (source ?? load?.())
    if (given === undefined) throw new Error('highwater/slim brings no module of its own: call init(module) first')
    if (typeof Response === 'function' && given instanceof Response) {
      if (!given.ok) throw new Error(`${given.url} answered ${given.status}`)
      // What is served as something else than application/wasm is not streamed.
      const streams = given.headers.get('content-type') === 'application/wasm'
      const { instance } = await (streams
        ? WebAssembly.instantiateStreaming(given, imports)
        : WebAssembly.instantiate(await given.arrayBuffer(), imports))
      take(instance)
    } else if (given instanceof WebAssembly.Module) take(await WebAssembly.instantiate(given, imports))
    else take((await WebAssembly.instantiate(given as BufferSource, imports)).instance)
  })().catch((error: unknown) => {
    // Another attempt may find the network back.
    loading = undefined
    throw new HighwaterError('wasm', `the WebAssembly module did not load: ${wordsOf(error)}`, { cause: error })
  })
  return loading
}

/** Throws unless the module is there. */
export function needModule(what: string): void {
  if (!isLoaded()) throw new HighwaterError('wasm', `${what} needs the WebAssembly module: await init() first`)
}

/**
 * An object in the module, known by its address. It is given to the functions of its sort alone;
 * and to none when it was freed, or while it is telling a view of something.
 */
export class Thing {
  #handle: number
  readonly #free: (handle: number) => void
  #busy = false

  constructor(handle: number, free: (handle: number) => void) {
    this.#handle = handle
    this.#free = free
    registry.register(this, [handle, free], this)
  }

  get isBusy(): boolean {
    return this.#busy
  }

  /** The address, for a call that is made now. */
  get handle(): number {
    if (this.#busy) throw new HighwaterError('busy', 'not from within View.update: use the changes that it was given')
    if (this.#handle === 0) throw new HighwaterError('closed', 'it was disposed of')
    return this.#handle
  }

  free(): void {
    const { handle } = this
    registry.unregister(this)
    this.#handle = 0
    this.#free(handle)
  }

  /** Has this function told of transactions while `call` runs. */
  telling<R>(tell: (length: number) => number, call: () => R): R {
    const before = told
    told = (length) => {
      this.#busy = true
      try {
        return tell(length)
      } finally {
        this.#busy = false
      }
    }
    try {
      return call()
    } finally {
      told = before
    }
  }
}

/** What the last answer says, which said how long its text is. */
export function jsonOf(length: number): unknown[] {
  return JSON.parse(textOf(length)) as unknown[]
}

/** The text of the last answer. */
export function textOf(length: number): string {
  return decode(wasm.text(), length)
}

/** The text of these bytes. */
export function decode(pointer: number, length: number): string {
  return decoder.decode(bytes().subarray(pointer, pointer + length))
}

/** One of the numbers of the last answer. */
export function numberAt(index: number): number {
  return words()[(wasm.numbers() >>> 2) + index] as number
}

/** The numbers of the last answer: to be read before the next call. */
export function numbersOf(count: number): Uint32Array {
  const at = wasm.numbers() >>> 2
  return words().subarray(at, at + count)
}

/** All of the memory as bytes, until the next call. */
export function bytes(): Uint8Array {
  if (allBytes.buffer !== wasm.memory.buffer) allBytes = new Uint8Array(wasm.memory.buffer)
  return allBytes
}

/** All of the memory as 32-bit numbers, until the next call. */
export function words(): Uint32Array {
  if (allWords.buffer !== wasm.memory.buffer) allWords = new Uint32Array(wasm.memory.buffer)
  return allWords
}

/** Writes bytes, or numbers, to the input. Answers with how many bytes they are. */
export function give(data: ArrayBufferView): number {
  const { buffer, byteOffset, byteLength } = data
  const pointer = wasm.input(byteLength)
  bytes().set(data instanceof Uint8Array ? data : new Uint8Array(buffer, byteOffset, byteLength), pointer)
  return byteLength
}

/** Writes texts to the input, behind so many bytes. */
export function say(texts: readonly (string | undefined)[], behind = 0, before?: Uint8Array): void {
  let room = behind
  for (const text of texts) room += 4 + 3 * (text?.length ?? 0)
  let at = wasm.input(room)
  const all = bytes()
  if (before !== undefined) all.set(before, at)
  at += behind
  for (const text of texts) {
    const start = at + 4
    let length = text?.length ?? -1
    if (text !== undefined) {
      // A key is written sooner than it is handed to the encoder.
      let next = length > 40 ? 0 : length
      for (; next > 0; next--) {
        const code = text.charCodeAt(next - 1)
        if (code > 127) break
        all[start + next - 1] = code
      }
      if (next > 0 || length > 40) {
        // Events of one type begin in one place.
        if (target.byteOffset !== start || target.buffer !== all.buffer) target = all.subarray(start)
        length = encoder.encodeInto(text, target).written
      }
    }
    all[at] = length
    all[at + 1] = length >> 8
    all[at + 2] = length >> 16
    all[at + 3] = length >> 24
    at = start + Math.max(length, 0)
  }
}

function take(instance: WebAssembly.Instance): void {
  wasm ??= instance.exports as unknown as Exports
}

let allBytes = new Uint8Array(0)
let allWords = new Uint32Array(0)
/** Where the last long text was written. */
let target: Uint8Array = allBytes
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const registry = new FinalizationRegistry<[number, (handle: number) => void]>(([handle, free]) => free(handle))
