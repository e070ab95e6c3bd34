// The stores of a tab: of its page, and of the frames in it; and the port to them, which breaks and is
// made again.

import { Stores, type Subject } from '../../../../dist/devtools/stores.js'
import { strangersOf } from '../../../../dist/devtools/page.js'
import { api, type Port } from './api.js'
import { RemoteStore } from './remote.js'
import { type Ask, type Deed, Joiner, type Notice, type Piece, type StoreFacts, type Tell } from './wire.js'

/** What is known of a page, or of a frame. */
interface Agent {
  readonly isTop: boolean
  readonly stores: Map<string, { readonly subject: Subject; readonly live: RemoteStore }>
  strange: readonly (number | null)[]
}

export class TabStores extends Stores {
  readonly #tab: number
  /** Tells panels of one tab apart. */
  readonly #panel = crypto.randomUUID()
  #port: Port | undefined
  readonly #agents = new Map<string, Agent>()
  /** Those that were not heard of since the port was made. */
  #silent = new Set<string>()
  readonly #joiner = new Joiner()
  /** Why a store could not be followed. */
  #failure = ''
  readonly #calls = new Map<number, (answer: number) => void>()
  #call = 0

  constructor(tab: number) {
    super()
    this.#tab = tab
    this.note = 'Looking for stores…'
    this.#connect()
    setInterval(() => this.#sample(), 1000)
    // The background goes to sleep when it hears nothing for half a minute.
    setInterval(() => this.#ask({ ask: 'stores' }), 20_000)
  }

  #connect(): void {
    const port = (this.#port = api.runtime.connect({ name: `panel:${this.#tab}` }))
    this.#silent = new Set(this.#agents.keys())
    this.#joiner.drop()
    port.onMessage.addListener((message) => this.#heard(message as Piece | Notice))
    port.onDisconnect.addListener(() => setTimeout(() => this.#connect(), 100))
    port.postMessage('inject')
    // Pages that were left while there was no port have nobody who could say so.
    setTimeout(() => {
      if (this.#port === port) for (const agent of this.#silent) this.#gone(agent)
    }, 3000)
  }

  #ask(ask: Ask): void {
    try {
      this.#port?.postMessage(ask)
    } catch {
      // It has just broken: everything is asked for again with the next.
    }
  }

  #heard(message: Piece | Notice): void {
    if (!('notice' in message)) {
      const told = this.#joiner.take(message)
      if (told !== undefined) this.#told(told)
    } else if (message.notice === 'gone') this.#gone(message.agent)
    else if (message.error !== undefined) this.note = `The browser lets no extension into this page: ${message.error}`
    else this.note = 'This page has no store of Highwater. Whatever it connects shows up here.'
  }

  #told(told: Tell): void {
    this.#silent.delete(told.agent)
    if (told.tell === 'stores') return this.#have(told)
    if (told.tell === 'done') {
      if (told.panel !== this.#panel) return
      this.#calls.get(told.call)?.(told.answer)
      this.#calls.delete(told.call)
      return
    }
    const live = this.#agents.get(told.agent)?.stores.get(told.store)?.live
    if (told.tell === 'standing') live?.stands(told.standing)
    else if (told.panel === this.#panel) {
      try {
        live?.take(told)
      } catch (error) {
        live?.close()
        this.#failure = `What came of a store cannot be read: ${(error as Error).message}`
        this.#warn()
      }
    }
  }

  #have({ agent: name, isTop, stores, strange }: Extract<Tell, { tell: 'stores' }>): void {
    const agent = this.#agents.get(name) ?? { isTop, stores: new Map(), strange: [] }
    this.#agents.set(name, agent)
    agent.strange = strange
    for (const [store, { subject }] of agent.stores) {
      if (stores.some((facts) => facts.store === store)) continue
      agent.stores.delete(store)
      this.remove(subject)
    }
    for (const facts of stores) {
      const known = agent.stores.get(facts.store)
      if (known === undefined) agent.stores.set(facts.store, this.#add(facts, isTop))
      else known.live.ask()
    }
    this.#warn()
  }

  #add(facts: StoreFacts, isTop: boolean): { subject: Subject; live: RemoteStore } {
    const { store } = facts
    const live = new RemoteStore(facts, {
      more: (from) => this.#ask({ ask: 'entries', panel: this.#panel, store, from }),
      do: (what, ...numbers) => this.#do(store, what, numbers),
    })
    return { live, subject: this.add({ name: isTop ? facts.name : `frame: ${facts.name}`, recording: live.recording, live }) }
  }

  #do(store: string, what: Deed, numbers: readonly number[]): Promise<number> {
    const call = (this.#call += 1)
    return new Promise((resolve) => {
      this.#calls.set(call, resolve)
      this.#ask({ ask: 'do', panel: this.#panel, store, call, what, numbers })
    })
  }

  #gone(name: string): void {
    const agent = this.#agents.get(name)
    if (agent === undefined) return
    this.#agents.delete(name)
    this.#joiner.drop(name)
    for (const { subject } of agent.stores.values()) this.remove(subject)
    this.#warn()
    // The page that came instead may have been too early for what is put into new ones.
    if (agent.isTop) setTimeout(() => this.#inject(), 500)
  }

  #inject(): void {
    try {
      this.#port?.postMessage('inject')
    } catch {
      // As above.
    }
  }

  #warn(): void {
    const strange = [...this.#agents.values()].flatMap(({ strange }) => strange)
    this.warning = [strangersOf(strange), this.#failure].join(' ').trim()
  }

  #sample(): void {
    for (const { live } of this.all) if (live instanceof RemoteStore) live.sample()
  }
}
