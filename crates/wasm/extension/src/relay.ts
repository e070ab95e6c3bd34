// Beside the page, in a world of its own: passes on what the agent says, and what it is asked.

import type { Ask, Piece } from './wire.js'
import { api, type Port } from './api.js'
import { PORT, WANTED } from './wire.js'

class Relay {
  /** To the background. */
  #port: Port | undefined
  /** To the agent. */
  #channel: MessagePort | undefined

  constructor() {
    addEventListener('message', ({ source, data }) => {
      if (source === window && data === WANTED) this.#meet()
    })
    // Coming back, a page finds that its connections were closed meanwhile.
    addEventListener('pageshow', ({ persisted }) => {
      if (persisted) this.connect()
    })
  }

  /** Makes the connection to the background, unless there is one. */
  connect(): void {
    if (this.#port !== undefined) return
    const port = (this.#port = api.runtime.connect({ name: 'relay' }))
    port.onMessage.addListener((ask) => this.#channel?.postMessage(ask as Ask))
    port.onDisconnect.addListener(() => {
      if (this.#port === port) this.#port = undefined
      this.#channel?.postMessage('gone')
    })
    this.#meet()
  }

  /** Gives the agent a port, if it is there; it asks for one when it comes. */
  #meet(): void {
    if (this.#port === undefined) return
    const { port1, port2 } = new MessageChannel()
    this.#channel = port1
    port1.onmessage = ({ data }: MessageEvent<Piece>) => this.#port?.postMessage(data)
    postMessage(PORT, location.origin === 'null' ? '*' : location.origin, [port2])
  }
}

const world = globalThis as { highwaterRelay?: Relay }
;(world.highwaterRelay ??= new Relay()).connect()
