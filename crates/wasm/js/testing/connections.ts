// The other end of `fetch`: responses that are open, and what the client has read of them.

/** A request that the client made. */
export interface Request {
  /** Its address, query and all. */
  readonly url: string
  /** What was sent with it. */
  readonly headers: Headers
  /** The cursor that it wants to go on from. */
  readonly basis: string | undefined
}

interface Connection {
  readonly controller: ReadableStreamDefaultController<Uint8Array>
}

/** The open responses of a source. */
export class Connections {
  readonly #open = new Set<Connection>()
  #awaited: (() => void)[] = []

  get size(): number {
    return this.#open.size
  }

  /** Answers with an event stream that begins with this text, until the request is aborted. */
  answer(text: string, signal: AbortSignal | null | undefined): Response {
    let connection: Connection | undefined
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => void this.#open.add((connection = { controller })),
        cancel: () => void (connection !== undefined && this.#open.delete(connection)),
      },
      // What nobody has read yet shows as what is wanted below nothing.
      { highWaterMark: 0 },
    )
    signal?.addEventListener('abort', () => {
      if (connection !== undefined) this.#fail(connection, signal.reason)
    })
    if (connection !== undefined && text !== '') send(connection, text)
    for (const awaited of this.#awaited.splice(0)) awaited()
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }

  /** Sends a text on every one. */
  send(text: string): void {
    for (const connection of this.#open) send(connection, text)
  }

  /** Breaks every one, as a network does. */
  cut(): void {
    for (const connection of this.#open) this.#fail(connection, new TypeError('the connection was cut'))
  }

  /** Resolves when there is one. */
  async opened(): Promise<void> {
    if (this.#open.size === 0) await new Promise<void>((resolve) => this.#awaited.push(resolve))
    await turn()
  }

  /** Resolves when everything that was sent has been read, and acted upon. */
  async read(): Promise<void> {
    do await turn()
    while ([...this.#open].some(({ controller }) => (controller.desiredSize ?? 0) < 0))
    await turn()
  }

  #fail(connection: Connection, error: unknown): void {
    if (this.#open.delete(connection)) connection.controller.error(error)
  }
}

/** Resolves after everything that is due now: no timer, so that no fake clock holds it up. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
}

function send({ controller }: Connection, text: string): void {
  controller.enqueue(encoder.encode(text))
}

const encoder = new TextEncoder()
