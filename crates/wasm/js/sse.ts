// The decoder of server-sent events by itself.

import { needModule, Thing } from './module.js'
import { check, described, refuse } from './options.js'

/** An event, as the standard has it. */
export interface SseEvent {
  /** Its type; `message` where the stream names none. */
  readonly type: string
  /** What it carries: its lines of data, joined. */
  readonly data: string
  /** The last event id as of this event; empty if there was none. */
  readonly lastEventId: string
}

/** The choices that a decoder leaves open. */
export interface SseDecoderOptions {
  /** The largest event, in bytes. Default: 64 MiB. */
  readonly limit?: number
  /** Hears of comments: one call for all since the last event. */
  readonly onComment?: () => void
  /** Hears of a reconnection time, in milliseconds. */
  readonly onRetry?: (millis: number) => void
  /** Hears of an event that was too large, and where in the stream it began. */
  readonly onTooLarge?: (limit: number, offset: number) => void
}

/**
 * Turns the bytes of an event stream into events, however they are cut.
 *
 * @example
 * const decoder = new SseDecoder()
 * for await (const chunk of response.body) {
 *   for (const { type, data } of decoder.push(chunk)) console.log(type, data)
 * }
 */
export class SseDecoder {
  readonly #raw: Thing
  readonly #options: SseDecoderOptions
  #retry: number | undefined

  constructor(options: SseDecoderOptions = {}) {
    check('options', options, OPTIONS, 'option ')
    const { limit } = options as SseDecoderOptions
    const module = needModule('SseDecoder')
    this.#options = options
    this.#raw = new Thing(module, module.decoder_new(limit ?? 0), module.decoder_free)
  }

  /** The last event id of the stream; it survives a reconnect. */
  get lastEventId(): string {
    return this.#raw.module.jsonOf(this.#raw.module.decoder_id(this.#raw.handle))[0] as string
  }

  set lastEventId(id: string) {
    this.#raw.module.say([id])
    this.#raw.module.decoder_set_id(this.#raw.handle)
  }

  /** The last reconnection time that the stream named, in milliseconds. */
  get retry(): number | undefined {
    return this.#retry
  }

  /** Reads the next bytes: the events that they complete. */
  push(bytes: Uint8Array): SseEvent[] {
    if (!(bytes instanceof Uint8Array)) refuse(`push needs a Uint8Array, not ${described(bytes)}`)
    const size = this.#raw.module.give(bytes)
    const count = this.#raw.module.decoder_push(this.#raw.handle, size)
    const events: SseEvent[] = []
    if (count < 2) return events
    // Copied: a callback may push.
    const table = this.#raw.module.numbersOf(count).slice()
    const text = this.#raw.module.textOf(table[0] ?? 0)
    let at = 0
    const next = (length = 0): string => text.slice(at, (at += length))
    for (let row = 1; row < count; row += 4) {
      const [what, a = 0, b = 0, c = 0] = table.subarray(row, row + 4)
      if (what === 0) events.push({ type: next(a), data: next(b), lastEventId: next(c) })
      else if (what === 1) this.#options.onRetry?.((this.#retry = a + b * 2 ** 32))
      else if (what === 2) this.#options.onComment?.()
      else this.#options.onTooLarge?.(a, b + c * 2 ** 32)
    }
    return events
  }

  /** The connection ended: what is incomplete is dropped, the last event id is kept. */
  end(): void {
    this.#raw.module.decoder_end(this.#raw.handle)
  }

  /** Frees its memory in the module. */
  [Symbol.dispose](): void {
    this.#raw.free()
  }
}

const OPTIONS: Readonly<Record<keyof SseDecoderOptions, string>> = { limit: '1..2147483647', onComment: '*', onRetry: '*', onTooLarge: '*' }
