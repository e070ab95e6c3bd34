// The module, once it is there. The doors (browser.ts, node.ts, …) say how it gets here.

import initGlue, { initSync } from './core.js'
import { HighwaterError, wordsOf } from './errors.js'

/** A module, its bytes, or a response with its bytes. */
export type ModuleSource = BufferSource | WebAssembly.Module | Response | Promise<Response>

let memory: WebAssembly.Memory | undefined
let loading: Promise<void> | undefined
let load: (() => ModuleSource | Promise<ModuleSource>) | undefined

/** Says where the module comes from, when it is wanted. */
export function setSource(source: () => ModuleSource | Promise<ModuleSource>): void {
  load = source
}

/** Loads the module now, from bytes or a module that is there. */
export function loadSync(source: BufferSource | WebAssembly.Module): void {
  memory ??= initSync({ module: source }).memory
}

/** Whether the module is there. */
export function isLoaded(): boolean {
  return memory !== undefined
}

/** Loads the module, once; from `source` if that is given. */
export function loadModule(source?: ModuleSource): Promise<void> {
  if (memory !== undefined) return Promise.resolve()
  loading ??= (async () => {
    if (source === undefined && load === undefined) {
      throw new Error('highwater/slim brings no module of its own: call init(module) first')
    }
    const module = await (source ?? load?.())
    if (typeof Response === 'function' && module instanceof Response && !module.ok) {
      throw new Error(`${module.url} answered ${module.status}`)
    }
    memory = (await initGlue({ module_or_path: module })).memory
  })().catch((error: unknown) => {
    // Another attempt may find the network back.
    loading = undefined
    throw new HighwaterError('wasm', `the WebAssembly module did not load: ${wordsOf(error)}`, { cause: error })
  })
  return loading
}

/** Throws unless the module is there. */
export function needModule(what: string): void {
  if (memory === undefined) {
    throw new HighwaterError('wasm', `${what} needs the WebAssembly module: await init() first`)
  }
}

/** The only reader of the module's memory. Its views are made anew whenever that has grown. */
export class Memory {
  static #bytes = new Uint8Array(0)
  static #words = new Uint32Array(0)
  static #decoder = new TextDecoder('utf-8', { ignoreBOM: true })

  /** The text of these bytes. */
  static text(pointer: number, length: number): string {
    return this.#decoder.decode(this.#all().subarray(pointer, pointer + length))
  }

  /** These bytes, to be copied at once: the next call into the module may move them. */
  static view(pointer: number, length: number): Uint8Array {
    return this.#all().subarray(pointer, pointer + length)
  }

  /** The 32-bit number at this place of a list that begins at `pointer`. */
  static word(pointer: number, at: number): number {
    this.#all()
    return this.#words[(pointer >>> 2) + at] ?? 0
  }

  static #all(): Uint8Array {
    const buffer = memory?.buffer
    if (buffer !== undefined && buffer !== this.#bytes.buffer) {
      this.#bytes = new Uint8Array(buffer)
      this.#words = new Uint32Array(buffer)
    }
    return this.#bytes
  }
}
