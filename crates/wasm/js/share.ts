// One connection for all pages of an origin that follow the same stream. The page that holds a lock
// leads: its session's connection is the real one, and what comes over it is passed on as bytes. The
// others follow: each has a session of its own, which is given those bytes as if they were its own
// connection's. One that comes later goes on from the leader's checkpoint.
//
// - H1: the lock's holder leads, so there is one; whoever loses it follows from then on.
// - H2: a session is given a connection's bytes from its beginning, if it stands where the leader
//   stood then; or from a moment at which nothing was under way in the leader's session, together
//   with the state of that moment. Every piece has a number: none is left out, or given twice.
// - H3: a page that wants no connection for now (paused, offline, closed) has left: it neither holds
//   the lock nor waits for it.
//
// Nothing is imported that the entries have: a bundler would have to make a third file of it.

import type { Machine } from './machine.js'
import type { Options } from './options.js'
import { type Answer, eventEnd, nameOf, type Polled, type Position, type Request, type Word } from './share-words.js'

/** The leader's answer, and what a session has to take up that missed its beginning. */
export interface Seat {
  readonly response: Response | undefined
  readonly join?: ((now: number, connection: number) => number) | undefined
}

/** A session's part in it. */
export class Share {
  readonly #name: string
  readonly #machine: Machine
  readonly #reconnect: () => void
  /** There while a connection is wanted, as are those below it. */
  #channel: BroadcastChannel | undefined
  #letters: BroadcastChannel | undefined
  #lock: AbortController | undefined
  #timer: ReturnType<typeof setInterval> | undefined
  #release: () => void = () => {}
  #leading = false
  #term = ''

  // Of a follower.
  readonly #id = crypto.randomUUID()
  #waiting: { readonly resolve: (seat: Seat | undefined) => void; readonly reject: (error: Error) => void } | undefined
  #stream: { readonly number: number; next: number; readonly controller: ReadableStreamDefaultController<Uint8Array> } | undefined
  /** What came while it waited for the beginning: letters may be overtaken. */
  #early: (Word & { type: 'bytes' })[] = []
  #polled: Polled[] = []
  #polling: ((polled: Polled) => void) | undefined
  /** For how many ticks nothing was heard of a leader. */
  #silence = 0

  // Of a leader.
  readonly #followers = new Set<string>()
  /** Those that wait for a moment at which they can join. */
  readonly #late = new Map<string, Position>()
  #answer: Answer | undefined
  #connections = 0
  /** How many pieces were passed on, and how many of them this session has taken in. */
  #sent = 0
  #taken = 0

  /** Takes part in the stream that these describe: it speaks `protocol`. `reconnect` has the session make a new connection. */
  static async of(machine: Machine, url: string, protocol: unknown, options: Options, reconnect: () => void): Promise<Share> {
    const { locks } = (globalThis.navigator as Navigator | undefined) ?? {}
    if (locks === undefined || typeof BroadcastChannel !== 'function') {
      throw new Error('it needs Web Locks and BroadcastChannel, which a page has in a secure context (https, localhost)')
    }
    // Where storage is denied, so are locks.
    await locks.query()
    return new Share(await nameOf(url, protocol, options), machine, reconnect)
  }

  constructor(name: string, machine: Machine, reconnect: () => void) {
    this.#name = name
    this.#machine = machine
    this.#reconnect = reconnect
  }

  /** Whether this page has the connection. */
  get leads(): boolean {
    return this.#leading
  }

  /** A connection is wanted, which `ask` makes if that is for this page to do: what is answered, here or to the leader. */
  async answer(ask: () => Promise<Response | undefined>): Promise<Seat> {
    const seat = await this.#seat()
    if (seat !== undefined) return seat
    const response = await ask()
    return { response: response && this.#pass(response) }
  }

  /** `undefined` when the connection is for this page to make; else the leader's answer. */
  #seat(): Promise<Seat | undefined> {
    this.#drop()
    this.#enter()
    if (this.#leading) return Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#hello()
    })
  }

  /** No connection is wanted for now: another page may lead. */
  leave(): void {
    if (this.#channel === undefined) return
    if (!this.#leading) this.#ask({ id: this.#id, type: 'bye' })
    this.#channel.close()
    this.#letters?.close()
    this.#channel = this.#letters = undefined
    clearInterval(this.#timer)
    this.#leading = false
    this.#lock?.abort()
    this.#release()
    this.#drop()
  }

  /** Passes on what the server answered, if this page leads. */
  #pass(response: Response): Response {
    if (!this.#leading) return response
    const { status, body } = response
    const headers = ['content-type', 'retry-after'].flatMap((name): [string, string][] => {
      const value = response.headers.get(name)
      return value === null ? [] : [[name, value]]
    })
    this.#answer = undefined
    // Whoever waits hears of this connection, and says where it stands if that is not its beginning.
    this.#late.clear()
    const answer = { number: ++this.#connections, status, headers }
    this.#say({ term: this.#term, type: 'open', position: this.#position(), ...answer })
    if (status !== 200 || body === null) return response
    this.#answer = answer
    this.#sent = this.#taken = 0
    const reader = body.getReader()
    const isLines = /ndjson/i.test(response.headers.get('content-type') ?? '')
    let rest: Uint8Array | undefined
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
      // The session asks for the next piece when it has taken in the last.
      this.#taken = this.#sent
      this.#serve()
      if (rest === undefined) {
        const { done, value } = await reader.read()
        if (done) {
          this.#end(answer.number)
          controller.close()
          return
        }
        rest = value
      }
      // Who waits can join between events, but not in a snapshot: then it goes on from one to the next.
      const isAwaited = this.#late.size > 0 && this.#machine.status()[0] === 'live'
      const end = isAwaited ? eventEnd(rest, isLines) : 0
      const piece = end > 0 ? rest.subarray(0, end) : rest
      rest = piece.length < rest.length ? rest.subarray(piece.length) : undefined
      if (this.#answer === answer) {
        const place = this.#sent++
        if (this.#followers.size > 0) {
          // A part would be sent with the whole.
          const whole = piece.byteLength === piece.buffer.byteLength ? piece : piece.slice()
          this.#say({ term: this.#term, type: 'bytes', number: answer.number, place, piece: whole })
        }
      }
      controller.enqueue(piece)
    }
    const cancel = (reason: unknown): Promise<void> => reader.cancel(reason)
    return new Response(new ReadableStream({ pull, cancel }, { highWaterMark: 0 }), { status, headers: response.headers })
  }

  /** The connection that this page makes has failed. */
  failed(failure: string): void {
    if (this.#leading) this.#end(this.#answer?.number ?? 0, failure)
  }

  /** What the poll address answers: for all, it is asked once. */
  async poll(ask: () => Promise<Polled>): Promise<Polled> {
    if (this.#stream === undefined) {
      const polled = await ask()
      if (this.#leading && this.#answer !== undefined) {
        this.#say({ term: this.#term, type: 'polled', number: this.#answer.number, polled })
      }
      return polled
    }
    return this.#polled.shift() ?? new Promise((resolve) => (this.#polling = resolve))
  }

  #enter(): void {
    if (this.#channel !== undefined) return
    this.#channel = new BroadcastChannel(this.#name)
    this.#letters = new BroadcastChannel(`${this.#name} ${this.#id}`)
    this.#channel.onmessage = this.#letters.onmessage = ({ data }) => {
      if (this.#leading) this.#attend(data as Request)
      else if ('term' in data) this.#hear(data as Word)
    }
    this.#silence = 0
    this.#timer = setInterval(() => this.#tick(), TICK)
    this.#request()
  }

  /** Asks to lead, when it is this page's turn; or now, from one that does not answer. */
  #request(steal = false): void {
    this.#lock?.abort()
    const lock = (this.#lock = new AbortController())
    const { signal } = lock
    const held = (): Promise<void> | undefined => {
      if (signal.aborted) return undefined
      this.#lead()
      return new Promise((resolve) => (this.#release = resolve))
    }
    navigator.locks.request(this.#name, steal ? { steal } : { signal }, held).catch((error: unknown) => {
      if (signal.aborted) return
      if (this.#leading) {
        // Another page took it, after this one had not answered for long.
        this.#leading = false
        this.#request()
        this.#reconnect()
      } else this.#fail(error instanceof Error ? error : new Error(String(error)))
    })
  }

  #lead(): void {
    this.#leading = true
    this.#term = crypto.randomUUID()
    this.#followers.clear()
    this.#late.clear()
    this.#answer = undefined
    this.#say({ term: this.#term, type: 'lead' })
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) waiting.resolve(undefined)
    // What it followed is no more. (One that waits after a failure goes on waiting.)
    else if (this.#stream !== undefined) this.#reconnect()
  }

  /** As a leader. */
  #attend(request: Request): void {
    const { id } = request
    // The last words of an earlier leader.
    if (id === undefined) return
    if (request.type === 'bye') {
      this.#followers.delete(id)
      this.#late.delete(id)
      return
    }
    this.#say({ term: this.#term, type: 'here' })
    if (request.type !== 'hello') return
    this.#followers.add(id)
    this.#late.set(id, request.position)
    this.#serve()
  }

  /** Lets those join that wait for it, if this is such a moment. */
  #serve(): void {
    const answer = this.#answer
    if (this.#late.size === 0 || answer === undefined || this.#taken !== this.#sent) return
    const standing = this.#machine.module.session_standing(this.#machine.handle)
    if (standing < 0) return
    const [cursor] = this.#position()
    let checkpoint: Uint8Array | undefined
    for (const [id, [theirs]] of this.#late) {
      const isSame = cursor !== null && cursor === theirs
      if (!isSame) checkpoint ??= this.#machine.checkpoint()
      // A letter: a whole state is not for everybody to read.
      const letters = new BroadcastChannel(`${this.#name} ${id}`)
      const join = { place: this.#sent, standing, checkpoint: isSame || checkpoint === undefined ? new Uint8Array(0) : checkpoint }
      letters.postMessage({ term: this.#term, type: 'join', ...answer, ...join } satisfies Word)
      letters.close()
    }
    this.#late.clear()
  }

  #end(number: number, failure?: string): void {
    this.#answer = undefined
    this.#say({ term: this.#term, type: 'end', number, failure })
  }

  /** As a follower. */
  #hear(word: Word): void {
    this.#silence = 0
    if (word.term !== this.#term) {
      this.#term = word.term
      // This leader makes a connection of its own.
      if (this.#stream !== undefined) this.#reconnect()
    }
    // It does not know who waits.
    if (word.type === 'lead' && this.#waiting !== undefined) this.#hello()
    if (word.type === 'open') this.#opened(word)
    else if (word.type === 'join') {
      const { standing, checkpoint } = word
      this.#begin(word, word.place, (now, connection) =>
        this.#machine.module.session_join(this.#machine.handle, now, connection, standing, this.#machine.module.give(checkpoint)),
      )
    } else if (word.type === 'bytes') this.#take(word)
    else if (word.type === 'end') this.#ended(word)
    else if (word.type === 'polled' && word.number === this.#stream?.number) {
      const { polled } = word
      if (this.#polling === undefined) this.#polled.push(polled)
      else this.#polling(polled)
      this.#polling = undefined
    }
  }

  #opened(word: Word & { type: 'open' }): void {
    if (word.status !== 200) {
      this.#waiting?.resolve({ response: new Response(null, { status: word.status, headers: [...word.headers] }), join: undefined })
      this.#waiting = undefined
      return
    }
    // It follows a connection that is no more, or waits after a failure: there is one again.
    if (this.#waiting === undefined) this.#reconnect()
    const [cursor, lastEventId] = this.#position()
    if (word.position[0] === cursor && word.position[1] === lastEventId) this.#begin(word, 0)
    else if (this.#waiting !== undefined) this.#hello()
  }

  #begin({ number, status, headers }: Answer, next: number, join?: Seat['join']): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    this.#waiting = undefined
    const start = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
      this.#stream = { number, next, controller }
    }
    const response = new Response(new ReadableStream({ start }), { status, headers: [...headers] })
    waiting.resolve({ response, join })
    for (const word of this.#early.splice(0)) this.#take(word)
  }

  #take(word: Word & { type: 'bytes' }): void {
    const stream = this.#stream
    if (stream === undefined) {
      if (this.#waiting !== undefined) this.#early.push(word)
    } else if (word.number === stream.number && word.place === stream.next) {
      stream.next++
      stream.controller.enqueue(word.piece)
    } else if (word.number === stream.number && word.place > stream.next) this.#reconnect()
  }

  #ended({ number, failure }: Word & { type: 'end' }): void {
    if (number === 0) this.#fail(new Error(failure))
    else if (number === this.#stream?.number) {
      const { controller } = this.#stream
      this.#stream = undefined
      if (failure === undefined) controller.close()
      else controller.error(new Error(failure))
    }
  }

  /** Lets go of what it follows. */
  #drop(): void {
    const stream = this.#stream
    this.#stream = this.#polling = undefined
    this.#polled = []
    this.#early = []
    stream?.controller.error(new Error('no longer wanted'))
    this.#fail(new Error('no longer wanted'))
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error)
    this.#waiting = undefined
  }

  /** A leader that does not answer (frozen, or in an endless loop) has to go. */
  #tick(): void {
    if (this.#leading) return this.#serve()
    this.#silence += 1
    if (this.#silence > PATIENCE) {
      this.#silence = 0
      this.#request(true)
    } else if (this.#silence > 1) this.#ask({ id: this.#id, type: 'ping' })
  }

  #hello(): void {
    this.#ask({ id: this.#id, type: 'hello', position: this.#position() })
  }

  #ask(request: Request): void {
    this.#channel?.postMessage(request)
  }

  #say(word: Word): void {
    this.#channel?.postMessage(word)
  }

  #position(): Position {
    const [cursor, , lastEventId] = this.#machine.position()
    return [cursor, lastEventId]
  }
}

/** In milliseconds. Hidden pages may be woken once a minute: silence is counted in ticks. */
const TICK = 5_000
const PATIENCE = 3
