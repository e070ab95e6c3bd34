// The bytes of a stream, cut where its transactions end.

import { eventEnd } from '../share-words.js'

/** A piece of a stream. */
export interface Piece {
  readonly bytes: Uint8Array
  /** Or only a part of one, or nothing but a sign of life. */
  readonly isTransaction: boolean
}

/** Cuts bytes that come in any pieces. */
export class Frames {
  readonly #isLines: boolean
  readonly #end: string | undefined
  #rest = new Uint8Array(0)
  /** Events of a transaction that has not ended. */
  #open: Uint8Array[] = []
  #size = 0
  /** The beginning of the event that comes was passed on. */
  #isCut = false

  /** A transaction ends with an event of the type `end`; if there is none, each event is one. */
  constructor(isLines: boolean, end: string | undefined) {
    this.#isLines = isLines
    this.#end = end
  }

  push(chunk: Uint8Array): Piece[] {
    let bytes = this.#rest.length === 0 ? chunk : joined([this.#rest, chunk])
    const pieces: Piece[] = []
    for (let end = eventEnd(bytes, this.#isLines); end > 0; end = eventEnd(bytes, this.#isLines)) {
      this.#frame(bytes.slice(0, end), pieces)
      bytes = bytes.subarray(end)
    }
    this.#rest = bytes.slice()
    // Nor is a very large event.
    if (this.#rest.length > LARGEST) {
      this.#flush(pieces)
      pieces.push({ bytes: this.#rest, isTransaction: false })
      this.#rest = new Uint8Array(0)
      this.#isCut = true
    }
    return pieces
  }

  #frame(frame: Uint8Array, pieces: Piece[]): void {
    const head = decoder.decode(frame.subarray(0, HEAD))
    const type = /^event: ?(.*)$/m.exec(head)?.[1]?.trim()
    const isData = this.#isLines ? head.trim() !== '' : /^(data|event|id)/m.test(head)
    const isSmall = this.#isCut || !isData || type === 'heart-beat' || type === 'server-intent'
    this.#isCut = false
    if (this.#end === undefined || isSmall) {
      this.#flush(pieces)
      pieces.push({ bytes: frame, isTransaction: !isSmall })
      return
    }
    this.#open.push(frame)
    this.#size += frame.length
    // A snapshot is not held back until it is whole.
    if (type === this.#end) {
      pieces.push({ bytes: joined(this.#open), isTransaction: true })
      this.#open = []
      this.#size = 0
    } else if (this.#size > LARGEST) this.#flush(pieces)
  }

  #flush(pieces: Piece[]): void {
    if (this.#open.length > 0) pieces.push({ bytes: joined(this.#open), isTransaction: false })
    this.#open = []
    this.#size = 0
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((size, { length }) => size + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

const decoder = new TextDecoder()
/** The type of an event stands in its first bytes. */
const HEAD = 256
/** Of a transaction larger than this, parts are passed on. */
const LARGEST = 256 << 10
