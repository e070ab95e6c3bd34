// How streams are fed, and what is measured meanwhile.

/**
 * Times the processing of chunks. What happens between an end and the next begin (making the next
 * chunk, other tasks) counts for nothing but the wall clock.
 */
export class Meter {
  /** Milliseconds that chunks took altogether, and the longest of them: how long a page would have frozen. */
  busy = 0
  longest = 0
  /** Called after each chunk, and part of it: what the application does then. */
  after
  #computed
  #since
  #before

  /** `computed`, if there is such a clock: milliseconds that the process has computed. */
  constructor(computed) {
    this.#computed = computed
  }

  begin() {
    this.#before = this.#computed?.()
    this.#since = performance.now()
  }

  end() {
    if (this.#since === undefined) return
    this.after?.()
    let took = performance.now() - this.#since
    // Less, if others had the core meanwhile.
    if (this.#before !== undefined) took = Math.min(took, this.#computed() - this.#before)
    this.#since = undefined
    this.busy += took
    if (took > this.longest) this.longest = took
  }
}

/** Lets other tasks run, as between two reads of a socket. */
export const hop =
  typeof setImmediate === 'function'
    ? () => new Promise((resolve) => setImmediate(resolve))
    : () =>
        new Promise((resolve) => {
          waiting.push(resolve)
          channel.port2.postMessage(0)
        })

const waiting = []
const channel = typeof setImmediate === 'function' ? undefined : new MessageChannel()
if (channel !== undefined) channel.port1.onmessage = () => waiting.shift()()

/** Hands chunks over one by one to whoever takes them synchronously. */
export async function feed(chunks, take, meter) {
  let at = 0
  for (const chunk of chunks) {
    meter.begin()
    take(chunk)
    meter.end()
    at += 1
    if (at % BETWEEN_HOPS === 0) await hop()
  }
}

/**
 * The body of a response, pulled: a chunk is there when it is asked for, and asking for the next
 * one says that it has been processed.
 */
export class Feed {
  #chunks = [].values()
  #meter
  #at = 0
  #drained = () => {}
  #more = () => {}
  #ends = false

  /** Resolves when somebody asks for a chunk and there is none. */
  drained = new Promise((resolve) => (this.#drained = resolve))

  response(headers = { 'content-type': 'text/event-stream' }) {
    return new Response(new ReadableStream({ pull: (controller) => this.#pull(controller) }, { highWaterMark: 0 }), { headers })
  }

  /** Feeds these, and waits until they have been processed. */
  send(chunks, meter, { ends = false } = {}) {
    this.#chunks = chunks[Symbol.iterator]()
    this.#meter = meter
    this.#ends = ends
    this.drained = new Promise((resolve) => (this.#drained = resolve))
    this.#more()
    return this.drained
  }

  async #pull(controller) {
    for (;;) {
      this.#meter?.end()
      const { value, done } = this.#chunks.next()
      if (!done) {
        this.#at += 1
        if (this.#at % BETWEEN_HOPS === 0) await hop()
        this.#meter.begin()
        controller.enqueue(value)
        return
      }
      this.#drained()
      if (this.#ends) {
        // What its reader does with the whole begins now; the reader says when it is done.
        this.#meter.begin()
        controller.close()
        return
      }
      await new Promise((resolve) => (this.#more = resolve))
    }
  }
}

/** Not each time: in a browser a task costs as much as a chunk. */
const BETWEEN_HOPS = 64
