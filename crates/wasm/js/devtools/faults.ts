// Breaks a store's wire on purpose: what the server sends goes through here, and can be held up, sent
// twice, swapped, sent again, or cut off.

import type { Announced } from '../registry.js'
import { Frames } from './frames.js'
import type { Breakable } from './live.js'

/** What is done to every transaction, until it is taken back. */
export interface Conditions {
  /** So many milliseconds later. */
  readonly delay: number
  /** At so many bytes a second; 0: as fast as they come. */
  readonly rate: number
}

/** Faults for one store. */
export class Faults implements Breakable {
  readonly #announced: Announced
  readonly #before: Announced['options']['fetch']
  readonly #own: typeof fetch = (input, init) => this.#fetch(input, init)
  #conditions: Conditions = { delay: 0, rate: 0 }
  #tap: Tap | undefined
  #refusals: number[] = []
  #duplicates = 0
  #swaps = 0
  readonly #listeners = new Set<() => void>()

  constructor(announced: Announced) {
    this.#announced = announced
    const { options } = announced
    this.#before = options.fetch
    ;(options as { fetch?: typeof fetch }).fetch = this.#own
  }

  get isTapped(): boolean {
    return this.#tap !== undefined
  }

  get isPossible(): boolean {
    return this.#announced.options.transport !== 'eventsource'
  }

  get conditions(): Conditions {
    return this.#conditions
  }

  set conditions(conditions: Conditions) {
    this.#conditions = conditions
    this.#tell()
  }

  get pending(): string[] {
    const words: string[] = []
    if (this.#duplicates > 0) words.push(`the next ${this.#duplicates} come twice`)
    if (this.#swaps > 0) words.push('the next two are swapped')
    if (this.#refusals.length > 0) words.push(`the next ${this.#refusals.length} connections are refused with ${String(this.#refusals[0])}`)
    return words
  }

  cut(): void {
    if (this.#tap === undefined) this.#announced.store.reconnect()
    else this.#tap.fail(new TypeError('cut by the devtools'))
  }

  duplicate(count: number): void {
    this.#duplicates += count
    this.#tell()
  }

  reorder(): void {
    this.#swaps += 1
    this.#tell()
  }

  replay(count: number): number {
    return this.#tap?.replay(count) ?? 0
  }

  refuse(status: number, count: number): void {
    this.#refusals.push(...Array.from({ length: count }, () => status))
    this.cut()
    this.#tell()
  }

  heal(): void {
    this.#conditions = { delay: 0, rate: 0 }
    this.#refusals = []
    this.#duplicates = this.#swaps = 0
    this.#tell()
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Gives the store its own `fetch` back, for connections to come. */
  close(): void {
    this.heal()
    const options = this.#announced.options as { fetch?: typeof fetch }
    // Whoever came later goes through here.
    if (options.fetch !== this.#own) return
    if (this.#before === undefined) delete options.fetch
    else options.fetch = this.#before
  }

  /** What becomes of the next transaction: how often it is sent, or that it waits for the one behind it. */
  next(): 'once' | 'twice' | 'held' {
    const what = this.#swaps > 0 ? 'held' : this.#duplicates > 0 ? 'twice' : 'once'
    if (what === 'held') this.#swaps -= 1
    else if (what === 'twice') this.#duplicates -= 1
    if (what !== 'once') this.#tell()
    return what
  }

  async #fetch(...[input, init]: Parameters<typeof fetch>): Promise<Response> {
    const { url, options } = this.#announced
    const address = input instanceof Request ? input.url : String(input)
    const isStream = address.split('?')[0] === url.split('?')[0] && String(options.poll ?? '') !== address
    const refusal = isStream ? this.#refusals.shift() : undefined
    if (refusal !== undefined) {
      this.#tell()
      return new Response(null, { status: refusal })
    }
    const response = await (this.#before ?? globalThis.fetch)(input, init)
    if (!isStream || response.status !== 200 || response.body === null) return response
    const isLines = /ndjson/i.test(response.headers.get('content-type') ?? '')
    const end = options.protocol === undefined || options.protocol === 'fdv2' ? 'payload-transferred' : undefined
    const tap = new Tap(response.body, this, new Frames(isLines, end), () => {
      if (this.#tap === tap) this.#tap = undefined
      this.#tell()
    })
    this.#tap = tap
    this.#tell()
    return new Response(tap.body, { status: 200, headers: response.headers })
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** One connection. */
class Tap {
  readonly body: ReadableStream<Uint8Array>
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #faults: Faults
  readonly #frames: Frames
  readonly #ended: () => void
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  /** A transaction that waits for the one behind it. */
  #held: Uint8Array | undefined
  /** Those that were sent last. */
  #sent: Uint8Array[] = []
  #kept = 0

  constructor(source: ReadableStream<Uint8Array>, faults: Faults, frames: Frames, ended: () => void) {
    this.#reader = source.getReader()
    this.#faults = faults
    this.#frames = frames
    this.#ended = ended
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => void (this.#controller = controller),
        pull: () => this.#pull(),
        cancel: (reason) => {
          this.#end()
          return this.#reader.cancel(reason)
        },
      },
      { highWaterMark: 0 },
    )
  }

  fail(error: Error): void {
    const controller = this.#controller
    this.#end()
    controller?.error(error)
    this.#reader.cancel(error).catch(() => undefined)
  }

  replay(count: number): number {
    const again = this.#sent.slice(-count)
    for (const transaction of again) this.#controller?.enqueue(transaction)
    return again.length
  }

  /** Until there is something to hand over. */
  async #pull(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#read()
      if (this.#controller === undefined) return
      if (done) {
        const controller = this.#controller
        this.#end()
        return controller.close()
      }
      let sent = false
      for (const { bytes, isTransaction } of this.#frames.push(value)) {
        await this.#wait(bytes.length)
        sent = (isTransaction ? this.#transaction(bytes) : this.#send(bytes)) || sent
      }
      if (sent || this.#controller === undefined) return
    }
  }

  async #read(): Promise<ReadableStreamReadResult<Uint8Array>> {
    try {
      return await this.#reader.read()
    } catch (error) {
      const controller = this.#controller
      this.#end()
      controller?.error(error)
      return { done: true, value: undefined }
    }
  }

  #transaction(bytes: Uint8Array): boolean {
    const held = this.#held
    const next = held === undefined ? this.#faults.next() : 'once'
    if (next === 'held') {
      this.#held = bytes
      return false
    }
    this.#held = undefined
    for (const one of [bytes, ...(next === 'twice' ? [bytes] : []), ...(held === undefined ? [] : [held])]) this.#send(one)
    this.#sent.push(bytes)
    this.#kept += bytes.length
    while (this.#sent.length > 1 && (this.#kept > KEPT_BYTES || this.#sent.length > KEPT)) this.#kept -= this.#sent.shift()?.length ?? 0
    return true
  }

  #send(bytes: Uint8Array): boolean {
    this.#controller?.enqueue(bytes)
    return true
  }

  async #wait(size: number): Promise<void> {
    const { delay, rate } = this.#faults.conditions
    const millis = delay + (rate > 0 ? (size * 1000) / rate : 0)
    if (millis > 0) await new Promise((resolve) => setTimeout(resolve, millis))
  }

  #end(): void {
    this.#controller = undefined
    this.#ended()
  }
}

/** So many transactions can be sent again, and so many bytes of them. */
const KEPT = 200
const KEPT_BYTES = 1 << 20
