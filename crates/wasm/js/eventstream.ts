// Event streams over WebSocket: batches that come until somebody says that they were dealt with.
// Nothing of the store is here, and no WebAssembly.

/** An event: what its source put into it, where it belongs and where it stands. */
export interface StreamEvent {
  readonly topic: string
  /** Sorts as events come. */
  readonly sequenceId: string
  readonly [member: string]: unknown
}

/** What is said with a refusal. */
export interface Refusal {
  /** Milliseconds until the batch is to come again; the server's own pause without it. */
  readonly delay?: number
  /** Which event was at fault, counted from 0: those before it were dealt with. */
  readonly event?: number
}

/** Deals with a batch: it is acknowledged when this is over, and refused if this throws. */
export type BatchHandler<E extends StreamEvent = StreamEvent> = (batch: Batch<E>) => unknown

/** How an event stream is read. */
export interface EventStreamOptions {
  /** Ends it. */
  readonly signal?: AbortSignal
  /** What the server asks who this is; a function is asked for each connection. Works in browsers, too. */
  readonly token?: string | (() => string | Promise<string>)
  /** Milliseconds between two words to the server that a batch is still being dealt with. */
  readonly progress?: number
  /** The first and the longest pause before connecting again, in milliseconds. */
  readonly retry?: { readonly initial?: number; readonly maximum?: number }
  /** What a handler threw, and connections that were lost. */
  readonly onError?: (error: unknown) => void
  /** What connects, where the platform has no `WebSocket` (Node before 22), or to send headers. */
  readonly WebSocket?: new (url: string, protocols?: string[]) => Pick<WebSocket, 'addEventListener' | 'close' | 'readyState' | 'send'>
}

/**
 * Takes part in an event stream of a server's `/ws`.
 *
 * With a handler, it is called for one batch after another. Without, the stream is read in a loop:
 * asking for the next batch acknowledges the one before, and whoever leaves the loop has not dealt
 * with its batch, which comes again. What was not acknowledged when a connection broke comes again, too.
 *
 * @example
 * eventStream('wss://example.org/ws', 'billing', async (batch) => {
 *   for (const event of batch) await charge(event)
 * })
 */
export function eventStream<E extends StreamEvent = StreamEvent>(
  url: string | URL,
  name: string,
  handler?: BatchHandler<E> | EventStreamOptions,
  options?: EventStreamOptions,
): EventStream<E> {
  const given = typeof handler === 'function' ? handler : undefined
  const settings = (typeof handler === 'function' ? options : handler) ?? {}
  const stream = new EventStream<E>(address(url), name, settings)
  if (given) void handle(stream, given, settings)
  return stream
}

/** Events that are to be dealt with together. */
export class Batch<E extends StreamEvent = StreamEvent> implements Iterable<E> {
  readonly events: readonly E[]
  /** How the server calls it; nothing of a broadcast, which nobody answers for. */
  readonly number: number | undefined
  /** The message as it came: what a `Materializer` of protocol `eventstream` takes as an event's data. */
  readonly text: string
  #say: ((command: object) => void) | undefined
  #working: ReturnType<typeof setInterval> | undefined

  /** @internal */
  constructor({ events = [], batchNumber }: Message<E>, text: string, progress: number, say: (command: object) => void) {
    this.events = events
    this.number = batchNumber
    this.text = text
    if (batchNumber === undefined) return
    this.#say = say
    this.#working = setInterval(() => this.progress(), progress)
  }

  [Symbol.iterator](): Iterator<E> {
    return this.events[Symbol.iterator]()
  }

  /** Whether there is nothing to answer any more: it was, its connection is gone, or nobody asks. */
  get isAnswered(): boolean {
    return this.#say === undefined
  }

  /** All of it was dealt with. The first answer counts. */
  ack(): void {
    this.#answer({ type: 'ack' })
  }

  /** It was not, and is to come again. */
  nack(message = '', { delay, event }: Refusal = {}): void {
    this.#answer({ type: 'nack', message, delay, event })
  }

  /** It takes longer: the server's patience begins anew. Said by itself from time to time. */
  progress(): void {
    this.#say?.({ type: 'progress', batchNumber: this.number })
  }

  /** @internal Its connection is gone: nobody waits for its answer. */
  forget(): void {
    this.#say = undefined
    clearInterval(this.#working)
  }

  #answer(answer: object): void {
    this.#say?.({ ...answer, batchNumber: this.number })
    this.forget()
  }
}

/** An event stream that is read; by one reader. */
export class EventStream<E extends StreamEvent = StreamEvent> implements AsyncIterable<Batch<E>>, AsyncDisposable {
  readonly #url: string
  readonly #name: string
  readonly #options: EventStreamOptions
  readonly #waiting: Batch<E>[] = []
  #socket: InstanceType<NonNullable<EventStreamOptions['WebSocket']>> | undefined
  #current: Batch<E> | undefined
  #wake: (() => void) | undefined
  #failures = 0
  #again: ReturnType<typeof setTimeout> | undefined
  #closed = false

  /** @internal */
  constructor(url: string, name: string, options: EventStreamOptions) {
    this.#url = url
    this.#name = name
    this.#options = options
    if (!socketOf(options)) throw new TypeError('eventStream: there is no WebSocket here: give one as an option')
    options.signal?.addEventListener('abort', () => void this.close(), { once: true })
    if (options.signal?.aborted) this.#closed = true
    else void this.#connect()
  }

  /** Ends it: its reader finds no more, and a batch that was not answered comes again, to whoever is there. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#again)
    this.#forget()
    this.#socket?.close()
    this.#wake?.()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch<E>, void, undefined> {
    try {
      for (;;) {
        const batch = await this.#next()
        if (!batch) return
        yield batch
        batch.ack() // asked for the next: unless it was answered already
      }
    } finally {
      // Left in the midst of a batch, by `break` or by an exception.
      if (!this.#closed) this.#current?.nack('its reader has gone')
      await this.close()
    }
  }

  async #next(): Promise<Batch<E> | undefined> {
    while (!this.#closed) {
      this.#current = this.#waiting.shift()
      if (this.#current) return this.#current
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    return undefined
  }

  async #connect(): Promise<void> {
    const Socket = socketOf(this.#options)
    const { token, onError } = this.#options
    if (!Socket) return
    let protocols: string[] | undefined
    try {
      const given = typeof token === 'function' ? await token() : token
      if (given) protocols = offering(given)
    } catch (error) {
      onError?.(error)
      return this.#lost()
    }
    if (this.#closed) return
    const socket = (this.#socket = new Socket(this.#url, protocols))
    socket.addEventListener('open', () => socket.send(JSON.stringify({ type: 'start', stream: this.#name })))
    socket.addEventListener('message', ({ data }) => this.#take(String(data), socket))
    // An error is always followed by a close.
    socket.addEventListener('error', () => {})
    socket.addEventListener('close', () => this.#lost())
  }

  #take(text: string, socket: Pick<WebSocket, 'readyState' | 'send'>): void {
    const message = read<E>(text)
    if (!message) {
      this.#options.onError?.(new Error(`event stream ${this.#name}: a message that is no JSON object`))
      return
    }
    // A broadcast batch may leave out the name.
    const ours = message.stream === this.#name || message.stream === ''
    if (message.type !== 'event_batch' || !ours || this.#closed) return
    this.#failures = 0
    const say = (command: object) => {
      if (socket.readyState === OPEN) socket.send(JSON.stringify({ ...command, stream: this.#name }))
    }
    const progress = this.#options.progress ?? PROGRESS
    this.#waiting.push(new Batch(message, text, progress, say))
    this.#wake?.()
  }

  #lost(): void {
    this.#forget()
    if (this.#closed) return
    const { initial = 250, maximum = 30_000 } = this.#options.retry ?? {}
    const pause = Math.min(maximum, initial * 2 ** Math.min(this.#failures++, 30))
    this.#options.onError?.(new Error(`the connection of event stream ${this.#name} is lost: again in ${pause} ms`))
    // Not all at the same moment.
    this.#again = setTimeout(() => void this.#connect(), pause * (0.5 + Math.random() / 2))
  }

  /** What came over the connection that is gone comes again: broadcast batches never. */
  #forget(): void {
    this.#current?.forget()
    const kept = this.#waiting.filter((batch) => batch.number === undefined)
    for (const batch of this.#waiting) batch.forget()
    this.#waiting.splice(0, Infinity, ...kept)
  }
}

async function handle<E extends StreamEvent>(
  stream: EventStream<E>,
  handler: BatchHandler<E>,
  { onError }: EventStreamOptions,
): Promise<void> {
  for await (const batch of stream) {
    try {
      await handler(batch)
      batch.ack()
    } catch (error) {
      batch.nack(error instanceof Error ? error.message : String(error))
      onError?.(error)
    }
  }
}

/** A message as the server sends it. */
interface Message<E> {
  readonly type?: string
  readonly stream?: string
  readonly batchNumber?: number
  readonly events?: E[]
}

function read<E>(text: string): Message<E> | undefined {
  try {
    const message: unknown = JSON.parse(text)
    return typeof message === 'object' && message !== null ? message : undefined
  } catch {
    return undefined
  }
}

function socketOf({ WebSocket }: EventStreamOptions): EventStreamOptions['WebSocket'] {
  return WebSocket ?? globalThis.WebSocket
}

/** All that a browser's WebSocket can say of who it is, in the words of Kubernetes; the server takes up the other one. */
function offering(token: string): string[] {
  const bytes = String.fromCharCode(...new TextEncoder().encode(token))
  const encoded = btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  return ['highwater', `base64url.bearer.authorization.${encoded}`]
}

/** A page may leave out its own host, and write http for ws. */
function address(url: string | URL): string {
  const absolute = new URL(url, globalThis.location?.href)
  absolute.protocol = absolute.protocol.replace(/^http/, 'ws')
  return absolute.href
}

/** `WebSocket.OPEN`, which not every implementation has at its class. */
const OPEN = 1
/** Half a minute: a server waits for two by default. */
const PROGRESS = 30_000
