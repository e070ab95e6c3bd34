// In the page itself: records its stores for as long as a panel looks, and leaves everything as it was
// when none does any more.

import { PageStore, PageStores } from '../../../../dist/devtools/page.js'
import type { Entry } from '../../../../dist/devtools/recording.js'
import type { Subject } from '../../../../dist/devtools/stores.js'
import { type Ask, piecesOf, PORT, type Standing, type StoreFacts, type Tell, WANTED } from './wire.js'

class Agent {
  readonly #name = [...crypto.getRandomValues(new Uint32Array(3))].map((number) => number.toString(36)).join('')
  #port: MessagePort | undefined
  #stores: PageStores | undefined
  #ids = new Map<Subject, string>()
  #number = 0
  /** Who waits for entries of which store, from where on. */
  #reads = new Map<string, Extract<Ask, { ask: 'entries' }>>()
  #timer: ReturnType<typeof setInterval> | undefined
  #leaving: ReturnType<typeof setTimeout> | undefined
  #flushing = false
  /** By store, what was told last of how it stands. */
  readonly #told = new Map<string, string>()

  /** Speaks through this port from now on. */
  attach(port: MessagePort): void {
    clearTimeout(this.#leaving)
    this.#port?.close()
    this.#port = port
    this.#reads.clear()
    this.#told.clear()
    port.onmessage = ({ data }: MessageEvent<Ask | 'gone'>) => {
      if (data === 'gone') this.#leaving = setTimeout(() => this.#leave(), PATIENCE)
      else void this.#asked(data)
    }
    if (this.#stores === undefined) {
      const stores = (this.#stores = new PageStores())
      stores.onChange(() => this.#tellStores())
      this.#timer = setInterval(() => this.#tellStandings(), 250)
    }
    this.#tellStores()
  }

  /** Nobody looks any more. */
  #leave(): void {
    clearInterval(this.#timer)
    this.#stores?.close()
    this.#stores = this.#timer = undefined
    this.#ids = new Map()
    this.#port?.close()
    this.#port = undefined
  }

  #tell(message: Tell): void {
    for (const piece of piecesOf(message)) this.#port?.postMessage(piece)
  }

  async #asked(ask: Ask): Promise<void> {
    if (ask.ask === 'stores') return this.#tellStores()
    const subject = this.#subject(ask.store)
    if (!(subject?.live instanceof PageStore)) return
    if (ask.ask === 'entries') {
      this.#reads.set(`${ask.panel} ${ask.store}`, ask)
      this.#flushSoon()
    } else {
      const answer = await done(subject.live, ask)
      this.#tell({ tell: 'done', agent: this.#name, panel: ask.panel, call: ask.call, answer })
      this.#tellStandings()
    }
  }

  #tellStores(): void {
    if (this.#stores === undefined) return
    for (const subject of this.#ids.keys()) if (!this.#stores.all.includes(subject)) this.#ids.delete(subject)
    const stores = this.#stores.all.map((subject): StoreFacts => {
      let store = this.#ids.get(subject)
      if (store === undefined) {
        this.#ids.set(subject, (store = `${this.#name}/${(this.#number += 1)}`))
        subject.live?.onMore(() => this.#flushSoon())
      }
      const { url, protocol } = subject.recording
      return { store, name: subject.name, url, protocol, isPossible: subject.live?.faults.isPossible === true }
    })
    const strange = this.#stores.strange.map((level) => level ?? null)
    this.#tell({ tell: 'stores', agent: this.#name, isTop: window === window.top, stores, strange })
    this.#tellStandings()
  }

  #tellStandings(): void {
    for (const [subject, store] of this.#ids) {
      if (!(subject.live instanceof PageStore)) continue
      const standing = standingOf(subject.live)
      const words = JSON.stringify(standing)
      if (words === this.#told.get(store)) continue
      this.#told.set(store, words)
      this.#tell({ tell: 'standing', agent: this.#name, store, standing })
    }
  }

  /** Not for each event: what comes within a moment goes together. */
  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    setTimeout(() => {
      this.#flushing = false
      this.#flush()
    }, 50)
  }

  #flush(): void {
    for (const [name, { panel, store, from }] of this.#reads) {
      const recording = this.#subject(store)?.recording
      if (recording === undefined || from === recording.end) continue
      // What is not there any more is made up for by the state that the window begins with.
      const begin = from > recording.end || from < recording.first ? recording.first : from
      const entries: Entry[] = []
      let to = begin
      for (let size = 0; to < recording.end && size < MOST; to += 1) {
        const entry = recording.at(to) as Entry
        size += entry.type === 'event' ? entry.data.length + 200 : 200
        // What the state was is worked out there, too; it is wanted to begin with.
        if (entry.type !== 'base' || entry.why !== 'key' || to === recording.first) entries.push(entry)
      }
      this.#reads.delete(name)
      this.#tell({ tell: 'entries', agent: this.#name, panel, store, asked: from, from: begin, to, entries })
    }
    this.#tellStandings()
  }

  #subject(store: string): Subject | undefined {
    return [...this.#ids].find(([, id]) => id === store)?.[0]
  }
}

function standingOf(live: PageStore): Standing {
  const { error, ...status } = live.status
  const { isTapped, conditions, pending } = live.faults
  // A version beyond 2^53 cannot be: it counts transactions.
  return { status: { ...status, error: error && { code: error.code, message: error.message } }, size: live.size, isTapped, conditions, pending }
}

async function done(live: PageStore, { what, numbers }: Extract<Ask, { ask: 'do' }>): Promise<number> {
  const [one = 0, two = 0] = numbers
  const { faults } = live
  if (what === 'replay') return faults.replay(one)
  if (what === 'conditions') faults.conditions = { delay: one, rate: two }
  else if (what === 'duplicate') faults.duplicate(one)
  else if (what === 'refuse') faults.refuse(one, two)
  else if (what === 'cut' || what === 'reorder' || what === 'heal') faults[what]()
  else if (what === 'reconnect' || what === 'pause' || what === 'resume') live[what]()
  return 0
}

/** So many milliseconds a panel may be away: it comes back at once when the background was put to sleep. */
const PATIENCE = 10_000
/** So many characters go together, about. */
const MOST = 1 << 19

// Injected again, it is the one that is there.
const page = window as { [WANTED]?: Agent }
if (page[WANTED] === undefined) {
  const agent = new Agent()
  Object.defineProperty(page, WANTED, { value: agent })
  addEventListener('message', ({ source, data, ports: [port] }) => {
    if (source === window && data === PORT && port !== undefined) agent.attach(port)
  })
}
postMessage(WANTED, location.origin === 'null' ? '*' : location.origin)
