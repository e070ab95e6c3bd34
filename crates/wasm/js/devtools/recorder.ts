// Records what happens to a store. The application notices nothing of it: what is recorded is what the
// store tells any listener.

import type { Announced } from '../registry.js'
import type { TraceEvent } from '../trace.js'
import type { Status } from '../types.js'
import { Rates } from './rates.js'
import { type Limits, LIMITS, Recording, type StatusEntry } from './recording.js'

/** Records one store, from when it is made until it is closed. */
export class Recorder {
  readonly announced: Announced
  readonly rates = new Rates()
  #recording: Recording
  #stops: (() => void)[] = []
  #last: StatusEntry | undefined
  /** A status is told before the events that led to it, and noted behind them. */
  #statuses: StatusEntry[] = []
  /** The state is to be noted at the next moment at which nothing is under way. */
  #owed = false
  /** And before that, events mean nothing: what they build on was not seen. */
  #gap = false
  /** What a connection begins with may have been read before anything was told of it. */
  #late = false
  /** The state moved, and no event has told so yet. */
  #moved = false
  #looking = false
  readonly #listeners = new Set<() => void>()

  constructor(announced: Announced, limits: Limits = LIMITS) {
    this.announced = announced
    const { url, options } = announced
    this.#recording = new Recording(url, options.protocol, limits)
    this.start()
  }

  get recording(): Recording {
    return this.#recording
  }

  /** Whether what happens is recorded. */
  get isOn(): boolean {
    return this.#stops.length > 0
  }

  /** Begins, or goes on; what happened meanwhile is one step. */
  start(): void {
    const { store } = this.announced
    if (this.isOn || store.status.phase === 'stopped') return
    this.#owed = this.#gap = store.status.connected || store.version > 0
    this.#late = this.announced.running()?.machine.module.isWhole === false
    this.#stops = [
      store.subscribe(() => {
        this.#moved = true
        this.#lookSoon()
      }),
      store.onStatus((status) => this.#status(status)),
      store.trace((event) => this.#event(event)),
    ]
    this.#status(store.status, false)
    this.#lookSoon()
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop()
    this.#noteStatuses()
    this.#tell()
  }

  /** Forgets what was recorded, and goes on from the state as it is. */
  clear(): void {
    this.#recording.clear()
    this.#last = undefined
    this.#owed = this.#gap = true
    this.#status(this.announced.store.status, false)
    this.#lookSoon()
    this.#tell()
  }

  /** Calls a listener whenever there is more. Returns what ends it. */
  onMore(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #status({ phase, connected, attempt, resumed, error }: Status, isNews = true): void {
    const last = this.#last
    const opened = isNews && connected && last?.connected !== true
    const at = Date.now()
    const told = error === undefined ? undefined : { code: error.code, message: error.message }
    const isSame = last?.phase === phase && last.connected === connected && last.resumed === resumed && last.error?.message === told?.message
    if (isSame) return
    this.#last = { type: 'status', at, phase, connected, attempt, resumed, error: told }
    if (opened) this.#opened()
    this.#statuses.push(this.#last)
    if (phase === 'stopped') this.stop()
    else this.#lookSoon()
  }

  #opened(): void {
    if (!this.#owed) return this.#base('connection', undefined, -1)
    const machine = this.announced.running()?.machine
    if (machine?.module.isWhole === true && !this.#late) this.#base('connection', machine.checkpoint(), -1)
  }

  #event(event: TraceEvent): void {
    if (event.steps.some(({ action }) => action === 'commit' || action === 'seen')) this.#moved = false
    this.rates.count(event)
    this.#lookSoon()
    if (this.#gap) return
    this.#recording.push({ type: 'event', ...event })
    this.#tell()
  }

  /** After everything that an input brought has been told. */
  #lookSoon(): void {
    if (this.#looking) return
    this.#looking = true
    queueMicrotask(() => {
      this.#looking = false
      if (this.isOn) this.#look()
    })
  }

  #noteStatuses(): void {
    for (const status of this.#statuses.splice(0)) this.#recording.push(status)
  }

  #look(): void {
    if (this.#statuses.length > 0) {
      this.#noteStatuses()
      this.#tell()
    }
    this.#owed ||= this.#moved
    this.#moved = false
    const wanted = this.#owed || this.#recording.wantsBase
    const machine = wanted ? this.announced.running()?.machine : undefined
    if (machine === undefined || !machine.module.isWhole) return
    const { connected } = this.announced.store.status
    const standing = machine.module.session_standing(machine.handle)
    if (connected && standing < 0) return
    this.#base(this.#owed ? 'moved' : 'key', machine.checkpoint(), standing)
    this.#tell()
  }

  #base(why: 'connection' | 'moved' | 'key', state: Uint8Array | undefined, standing: number): void {
    this.#noteStatuses()
    this.#recording.push({ type: 'base', at: Date.now(), why, state, standing })
    if (state !== undefined) this.#owed = this.#late = false
    this.#gap = false
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
