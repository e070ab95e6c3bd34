// The stores of this page: found, recorded, and broken on request.

import type { Machine } from '../machine.js'
import { type Announced, LEVEL, registry } from '../registry.js'
import type { ItemName, Status } from '../types.js'
import { Faults } from './faults.js'
import type { Live, Names } from './live.js'
import type { Second } from './rates.js'
import { Recorder } from './recorder.js'
import type { Limits } from './recording.js'
import { Stores } from './stores.js'

/** Finds every store of the page, those too that are yet to come, and records them. */
export class PageStores extends Stores {
  /** The levels of those that are of another Highwater than this, and cannot be read; the oldest had none. */
  readonly strange: (number | undefined)[] = []
  readonly #limits: Limits | undefined
  readonly #stop: () => void
  readonly #timer: ReturnType<typeof setInterval>

  constructor(limits?: Limits) {
    super()
    this.#limits = limits
    this.#stop = hear((announced) => this.#found(announced))
    for (const known of registry()) {
      const announced = known.deref()
      if (announced !== undefined) this.#found(announced)
    }
    this.#timer = setInterval(() => {
      for (const { live } of this.all) if (live instanceof PageStore) live.sample()
    }, 1000)
  }

  override close(): void {
    clearInterval(this.#timer)
    this.#stop()
    super.close()
  }

  #found(announced: Announced): void {
    if (announced.level !== LEVEL) {
      this.strange.push(announced.level)
      this.warning = strangersOf(this.strange)
      return
    }
    const ended = this.all.filter(({ live }) => live?.status.phase === 'stopped')
    for (const subject of ended.slice(0, Math.max(0, ended.length - ENDED))) this.remove(subject)
    const live = new PageStore(announced, this.#limits)
    this.add({ name: nameOf(announced), get recording() { return live.recorder.recording }, live })
  }
}

/** A store of this page. */
export class PageStore implements Live {
  readonly recorder: Recorder
  readonly faults: Faults
  readonly #announced: Announced

  constructor(announced: Announced, limits?: Limits) {
    this.#announced = announced
    this.recorder = new Recorder(announced, limits)
    this.faults = new Faults(announced)
  }

  get status(): Status {
    return this.#announced.store.status
  }

  get size(): number {
    return this.#announced.store.size
  }

  get machine(): Machine | undefined {
    return this.#announced.running()?.machine
  }

  get seconds(): readonly Second[] {
    return this.recorder.rates.seconds
  }

  get isRecording(): boolean {
    return this.recorder.isOn
  }

  names(): ItemName[] {
    return this.#announced.store.keys()
  }

  record(on: boolean): void {
    if (on) this.recorder.start()
    else this.recorder.stop()
  }

  clear(): void {
    this.recorder.clear()
  }

  reconnect(): void {
    if (this.#isOpen) this.#announced.store.reconnect()
  }

  pause(): void {
    if (this.#isOpen) this.#announced.store.pause(PAUSE)
  }

  resume(): void {
    if (this.#isOpen) this.#announced.store.resume(PAUSE)
  }

  onChange(listener: (names?: Names) => void): () => void {
    return this.#isOpen ? this.#announced.store.subscribe(listener) : () => {}
  }

  onMore(listener: () => void): () => void {
    return this.recorder.onMore(listener)
  }

  /** Notes how things are now. */
  sample(): void {
    this.recorder.rates.sample(Date.now(), this.status.lag, this.size)
  }

  close(): void {
    this.recorder.stop()
    this.faults.close()
  }

  get #isOpen(): boolean {
    return this.status.phase !== 'stopped'
  }
}

/** What a store is called: its address, as far as it is not the page's. */
export function nameOf({ url }: Announced): string {
  const { pathname, host } = new URL(url)
  return host === (globalThis.location as Location | undefined)?.host ? pathname : host + pathname
}

/** What there is to say of stores that cannot be read. */
export function strangersOf(levels: readonly (number | null | undefined)[]): string {
  if (levels.length === 0) return ''
  const [stores, versions] = levels.length === 1 ? ['A store', 'another version'] : [`${levels.length} stores`, 'other versions']
  const advice = levels.some((level) => (level ?? 0) > LEVEL) ? 'bring these devtools up to date' : 'update highwater in the page'
  return `${stores} of this page cannot be shown, being of ${versions} of Highwater: ${advice}. (Level ${levels.map((level) => level ?? 0).join(', ')}; this is ${LEVEL}.)`
}

/** A list that says what is added to it. Whoever listens may be of another bundle. */
type Heard = Set<WeakRef<Announced>> & { heard?: Set<(announced: Announced) => void> }

/** Calls with every store that is made from now on. Returns what ends it. */
export function hear(listener: (announced: Announced) => void): () => void {
  const stores = registry() as Heard
  const heard = (stores.heard ??= listened(stores))
  heard.add(listener)
  return () => {
    heard.delete(listener)
    if (heard.size > 0 || stores.heard !== heard) return
    // As it was: the set's own.
    delete (stores as { add?: unknown }).add
    delete stores.heard
  }
}

function listened(stores: Heard): Set<(announced: Announced) => void> {
  const heard = new Set<(announced: Announced) => void>()
  stores.add = (known) => {
    Set.prototype.add.call(stores, known)
    const announced = known.deref()
    if (announced !== undefined) for (const listener of heard) listener(announced)
    return stores
  }
  return heard
}

/** No application pauses for this reason. */
const PAUSE = 'highwater devtools'
/** So many stores that have stopped are kept to be looked at. */
const ENDED = 10
