// The worker: it makes a state of what it is told, and keeps that from one visit to the next.

import { Materializer } from 'highwater'
import { eventStream } from 'highwater/eventstream'
import type { Batch, EventStream } from 'highwater/eventstream'
import { ask } from '../server'
import type { Kinds } from './shop'

/** A batch as it was delivered, and what became of it. */
export interface Delivery {
  readonly number: number
  readonly keys: readonly string[]
  /** It was delivered before, and not acknowledged. */
  readonly again: boolean
  outcome: 'in hand' | 'acknowledged' | 'refused' | 'lost'
}

export interface Facts {
  events: number
  acknowledged: number
  refused: number
  again: number
  /** Events that came before one that precedes them, or after having been acknowledged. */
  disorder: number
}

export class Worker {
  /** What the worker has dealt with. The module has to be there. */
  readonly state = new Materializer<Kinds>({ protocol: 'eventstream' })
  readonly facts: Facts = { events: 0, acknowledged: 0, refused: 0, again: 0, disorder: 0 }
  /** The newest first. */
  readonly deliveries: Delivery[] = []
  /** The event stream of this tab. */
  readonly stream: string
  /** Milliseconds that a batch takes. */
  pace = 0
  failsNext = false
  readonly #changed: () => void
  #connection: EventStream | undefined
  /** The last event that was delivered, and the last that was acknowledged. */
  #seen = ''
  #dealt = ''

  constructor(changed: () => void) {
    this.#changed = changed
    this.stream = sessionStorage.getItem(STREAM) ?? `orders-${crypto.randomUUID().slice(0, 8)}`
    sessionStorage.setItem(STREAM, this.stream)
  }

  get isConnected(): boolean {
    return this.#connection !== undefined
  }

  /** Makes the stream, or finds it as it was left, and takes up what was kept of it. */
  async open(): Promise<void> {
    const spec = { type: 'websocket', source: 'orders', batchSize: 5, batchTimeout: '200ms' }
    const { status } = await ask('PUT', `/v1/eventstreams/${this.stream}`, spec)
    const kept = sessionStorage.getItem(STATE)
    if (status !== 200 || kept === null) return
    this.state.restore(Uint8Array.from(atob(kept), (char) => char.charCodeAt(0)))
    this.#seen = this.#dealt = this.state.cursor ?? ''
  }

  connect(): void {
    this.#connection ??= eventStream('/ws', this.stream, (batch) => this.#handle(batch), { retry: { maximum: 2000 } })
    this.#changed()
  }

  /** In the midst of whatever it does. */
  disconnect(): void {
    void this.#connection?.close()
    this.#connection = undefined
    this.#changed()
  }

  async #handle(batch: Batch): Promise<void> {
    const ids = batch.events.map(({ sequenceId }) => sequenceId)
    const again = (ids[0] ?? '') <= this.#seen
    const keys = [...new Set(batch.events.map(({ key }) => String(key)))]
    const delivery: Delivery = { number: batch.number ?? 0, keys, again, outcome: 'in hand' }
    this.facts.events += ids.length
    this.facts.again += again ? 1 : 0
    this.facts.disorder += ids.filter((id, at) => id <= (at === 0 ? this.#dealt : ids[at - 1]!)).length
    this.#seen = [this.#seen, ids.at(-1) ?? ''].sort()[1]!
    this.deliveries.unshift(delivery)
    this.deliveries.splice(SHOWN)
    this.#changed()

    await new Promise((resolve) => setTimeout(resolve, this.pace))
    if (batch.isAnswered) delivery.outcome = 'lost'
    else if (this.failsNext) {
      this.failsNext = false
      batch.nack('told to fail', { delay: 1000 })
      this.facts.refused += 1
      delivery.outcome = 'refused'
    } else {
      this.state.pushEvent({ data: batch.text })
      // Before it is acknowledged: what comes again changes nothing, what is lost never comes.
      sessionStorage.setItem(STATE, btoa(String.fromCharCode(...this.state.checkpoint())))
      batch.ack()
      this.#dealt = ids.at(-1) ?? this.#dealt
      this.facts.acknowledged += 1
      delivery.outcome = 'acknowledged'
    }
    this.#changed()
  }
}

const STREAM = 'highwater-orders-stream'
const STATE = 'highwater-orders-state'
/** So many deliveries are shown. */
const SHOWN = 12
