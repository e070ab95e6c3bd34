// The modules, once they are there: how they get here, what they export, and the only reads and
// writes of their memory. The doors (browser.ts, node.ts, …) say where they come from.
//
// There are two. The lean one has what `connect` needs for a stream of our own server's; the whole
// one has everything. Whatever runs in the lean one can go on in the whole one (handover.ts).

import { HighwaterError, wordsOf } from './errors.js'

/** A module, its bytes, or a response with its bytes. */
export type ModuleSource = BufferSource | WebAssembly.Module | Response | Promise<Response>

/** What the whole module exports; crates/wasm/src/engine says what each does. */
export interface Exports {
  readonly memory: WebAssembly.Memory
  input(size: number): number
  text(): number
  numbers(): number
  session_new(numbers: number, view: number): number
  session_free(handle: number): void
  session_input(handle: number, now: number, what: number, connection: number, number: number, wait?: number): number
  session_fetched(handle: number, now: number, connection: number, status: number, size: number): number
  session_effects(handle: number): number
  session_status(handle: number): number
  session_leave(handle: number): number
  session_arrive(handle: number, now: number, size: number, connects: number): number
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

/** What a view of the application's is told by. */
export const views = { tell: (_length: number): number => 0 }

const imports = { view: { tell: (length: number): number => views.tell(length) } }

/** What is called in the module with everything, or for some options. */
export type More = typeof import('./more.js')

/** It, once it is there. */
export let moreThere: More | undefined

/** The same, loaded if need be. */
export async function loadMore(): Promise<More> {
  return (moreThere ??= await bringMore())
}

let bringMore: () => Promise<More>

/** A module: what it exports, and its memory. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging -- the constructor takes them over
export interface Module extends Exports {}
export class Module {
  #bytes = new Uint8Array(0)
  #words = new Uint32Array(0)

  /** Of the module with everything. */
  readonly more: More

  constructor(exports: WebAssembly.Exports, more: More | undefined) {
    // Of its own it would have so many properties that V8 looked each up in a table; those of a prototype it knows.
    Object.setPrototypeOf(this, Object.assign(Object.create(Module.prototype) as object, exports))
    // There is none whose functions are not there either.
    this.more = more as More
  }

  /** Whether it has everything. */
  get isWhole(): boolean {
    return this.more !== undefined
  }

  /** What the last answer says, which said how long its text is. */
  jsonOf(length: number): unknown[] {
    return JSON.parse(this.textOf(length)) as unknown[]
  }

  /** The text of the last answer. */
  textOf(length: number): string {
    return this.decode(this.text(), length)
  }

  /** The text of these bytes. */
  decode(pointer: number, length: number): string {
    return decoder.decode(this.bytes().subarray(pointer, pointer + length))
  }

  /** One of the numbers of the last answer. */
  numberAt(index: number): number {
    return this.words()[(this.numbers() >>> 2) + index] as number
  }

  /** The numbers of the last answer: to be read before the next call. */
  numbersOf(count: number): Uint32Array {
    const at = this.numbers() >>> 2
    return this.words().subarray(at, at + count)
  }

  /** So many of them, of which two make one of 64 bits. */
  doublesOf(count: number): number[] {
    return [...new Float64Array(this.numbersOf(count).slice().buffer)]
  }

  /** All of the memory as bytes, until the next call. */
  bytes(): Uint8Array {
    // Those of before the memory grew are without length; to ask it for its buffer takes longer.
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(this.memory.buffer)
    return this.#bytes
  }

  /** All of the memory as 32-bit numbers, until the next call. */
  words(): Uint32Array {
    if (this.#words.length === 0) this.#words = new Uint32Array(this.memory.buffer)
    return this.#words
  }

  /** Writes bytes, or numbers, to the input. Answers with how many bytes they are. */
  give(data: ArrayBufferView): number {
    const bytes = data instanceof Uint8Array ? data : new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    const { length } = bytes
    const pointer = this.input(length)
    this.bytes().set(bytes, pointer)
    return length
  }

  /** Writes 32-bit numbers to the input. Answers with how many they are. */
  giveWords(numbers: ArrayLike<number>): number {
    this.give(new Uint32Array(numbers))
    return numbers.length
  }

  /** Writes texts to the input, behind `before`. */
  say(texts: readonly (string | undefined)[], before?: Float64Array): void {
    const behind = before?.byteLength ?? 0
    let room = behind
    for (const text of texts) room += 4 + 3 * (text?.length ?? 0)
    let at = this.input(room)
    const all = this.bytes()
    if (before !== undefined) all.set(new Uint8Array(before.buffer), at)
    at += behind
    for (const text of texts) at = write(all, at, text)
  }
}

/** Writes a text behind its length. Answers with where it ends. */
export function write(all: Uint8Array, at: number, text: string | undefined, to?: Uint8Array): number {
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
    if (next > 0 || length > 40) length = encoder.encodeInto(text, to ?? all.subarray(start)).written
  }
  all[at] = length
  all[at + 1] = length >> 8
  all[at + 2] = length >> 16
  all[at + 3] = length >> 24
  return start + Math.max(length, 0)
}

/** Brings a module: anew, or the one that is there by then. */
type Source = () => Promise<WebAssembly.Instance | Module>

/** A module, where it comes from, and whether it is on the way. */
interface Place {
  source?: Source
  coming?: Promise<Module> | undefined
  module?: Module
}

const lean: Place = {}
const whole: Place = {}

/** Says where the modules come from, and what belongs to the whole one, when they are wanted. */
export function setSources(more: () => Promise<More>, ofWhole: Source, ofLean?: Source): void {
  bringMore = more
  whole.source = ofWhole
  if (ofLean !== undefined) lean.source = ofLean
}

/** Takes the module with everything, whose bytes are there. */
export function loadSync(source: BufferSource | WebAssembly.Module, more: More): void {
  moreThere = more
  take(new WebAssembly.Instance(source instanceof WebAssembly.Module ? source : new WebAssembly.Module(source), imports), more)
}

/** The module for everything, or for what the lean one has; if it is there. */
export function moduleFor(everything: boolean): Module | undefined {
  return (everything ? undefined : lean.module) ?? whole.module
}

/** The same, loaded if need be. */
export async function loadModule(everything: boolean): Promise<Module> {
  const place = everything || lean.source === undefined ? whole : lean
  return moduleFor(everything) ?? (place.coming ??= loaded(place.source as Source, place))
}

async function loaded(source: Source, place: Place): Promise<Module> {
  try {
    const [given, more] = await Promise.all([source(), place === whole ? loadMore() : undefined])
    return given instanceof Module ? given : take(given, more)
  } catch (error) {
    // Another attempt may find the network back.
    place.coming = undefined
    if (error instanceof HighwaterError) throw error
    throw new HighwaterError('wasm', `the WebAssembly module did not load: ${wordsOf(error)}`, { cause: error })
  }
}

/** The module that is in an answer. */
export async function answered(answer: Response | Promise<Response>): Promise<WebAssembly.Instance> {
  const response = await answer
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}`)
  // What is served as something else than application/wasm is not streamed.
  const streams = response.headers.get('content-type') === 'application/wasm'
  return (streams ? await WebAssembly.instantiateStreaming(response, imports) : await WebAssembly.instantiate(await response.arrayBuffer(), imports)).instance
}

/** The module that was compressed by gzip, and is here as text. */
export function unzipped(base64: string): Promise<WebAssembly.Instance> {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  return instanceOf(new Response(stream).arrayBuffer())
}

async function instanceOf(source: ModuleSource | Promise<BufferSource>): Promise<WebAssembly.Instance> {
  const given = await source
  if (typeof Response === 'function' && given instanceof Response) return answered(given)
  if (given instanceof WebAssembly.Module) return WebAssembly.instantiate(given, imports)
  return (await WebAssembly.instantiate(given as BufferSource, imports)).instance
}

/** The module that the application brings, while it is on its way. */
let brought: Promise<Module> | undefined

/** Loads the module that the application brings. */
export async function bring(source: ModuleSource): Promise<void> {
  const given = async (): Promise<Module> => {
    const instance = await instanceOf(source)
    return take(instance, 'session_arrive' in instance.exports ? await loadMore() : undefined)
  }
  brought = loaded(given, {})
  try {
    await brought
  } finally {
    brought = undefined
  }
}

/** Where modules come from if there are none but what the application brings, which may be on its way. */
export async function broughtFor(everything: boolean): Promise<Module> {
  await brought
  const there = moduleFor(everything)
  if (there !== undefined) return there
  throw new Error(
    moduleFor(false) !== undefined
      ? 'what is asked for needs all of full.wasm: call init(module) with that'
      : 'highwater/slim brings no module of its own: call init(module) first',
  )
}

/** The module with everything; throws unless it is there. */
export function needModule(what: string): Module {
  const module = moduleFor(true)
  if (module === undefined) throw new HighwaterError('wasm', `${what} needs the WebAssembly module: await init() first`)
  return module
}

function take({ exports }: WebAssembly.Instance, more: More | undefined): Module {
  return ((more === undefined ? lean : whole).module ??= new Module(exports, more))
}

/**
 * An object in the module, known by its address. It is given to the functions of its sort alone;
 * and to none when it was freed, or while it is telling a view of something.
 */
export class Thing {
  #module!: Module
  #handle!: number
  #free!: (handle: number) => void
  /** It is telling a view of something. */
  isBusy = false

  constructor(module: Module, handle: number, free: (handle: number) => void) {
    this.become(module, handle, free)
  }

  /** The module that it is in, for a call that is made now. */
  get module(): Module {
    return this.#module
  }

  /** Is another object from now on. */
  become(module: Module, handle: number, free: (handle: number) => void): void {
    this.#module = module
    this.#handle = handle
    this.#free = free
    registry.register(this, [handle, free], this)
  }

  /** The address, for a call that is made now. */
  get handle(): number {
    // Those that a store has are none of these.
    if (this.isBusy || this.#handle === 0) throw moreThere?.unusable(this)
    return this.#handle
  }

  free(): void {
    const { handle } = this
    registry.unregister(this)
    this.#handle = 0
    this.#free(handle)
  }
}

const encoder = new TextEncoder()
export const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const registry = new FinalizationRegistry<[number, (handle: number) => void]>(([handle, free]) => free(handle))
