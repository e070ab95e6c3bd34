// The stores that there are, each with what is recorded of it; and sessions that were imported.

import { type Announced, registry } from '../registry.js'
import { Faults } from './faults.js'
import { Recorder } from './recorder.js'
import type { Limits, Recording } from './recording.js'

/** A store under observation, or what was recorded of one. */
export interface Subject {
  readonly name: string
  readonly recording: Recording
  /** What a session that was imported does not have. */
  readonly live: { readonly announced: Announced; readonly recorder: Recorder; readonly faults: Faults } | undefined
}

/** Finds every store of the page, those too that are yet to come, and records them. */
export class Stores {
  readonly #limits: Limits | undefined
  readonly #before: Set<WeakRef<Announced>>
  #subjects: Subject[] = []
  readonly #listeners = new Set<() => void>()
  readonly #timer: ReturnType<typeof setInterval>

  constructor(limits?: Limits) {
    this.#limits = limits
    this.#before = registry()
    registry(new Heard(this.#before, (announced) => this.#add(announced)))
    for (const known of this.#before) {
      const announced = known.deref()
      if (announced !== undefined) this.#add(announced)
    }
    this.#timer = setInterval(() => this.#sample(), 1000)
  }

  get all(): readonly Subject[] {
    return this.#subjects
  }

  /** Adds a session that was imported. */
  import(recording: Recording, name: string): Subject {
    const subject = { name, recording, live: undefined }
    this.#subjects.push(subject)
    this.#tell()
    return subject
  }

  remove(subject: Subject): void {
    this.#subjects = this.#subjects.filter((one) => one !== subject)
    subject.live?.recorder.stop()
    subject.live?.faults.close()
    this.#tell()
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Leaves everything as it was found. */
  close(): void {
    clearInterval(this.#timer)
    registry(new Set(registry()))
    for (const subject of this.#subjects) this.remove(subject)
  }

  #add(announced: Announced): void {
    const limits = this.#limits
    const ended = this.#subjects.filter(({ live }) => live?.announced.store.status.phase === 'stopped')
    for (const subject of ended.slice(0, Math.max(0, ended.length - ENDED))) this.remove(subject)
    const recorder = new Recorder(announced, limits)
    const faults = new Faults(announced)
    const { pathname, host } = new URL(announced.url)
    const name = host === (globalThis.location as Location | undefined)?.host ? pathname : host + pathname
    this.#subjects.push({ name, get recording() { return recorder.recording }, live: { announced, recorder, faults } })
    this.#tell()
  }

  #sample(): void {
    for (const { live } of this.#subjects) {
      if (live === undefined) continue
      const { store } = live.announced
      live.recorder.rates.sample(Date.now(), store.status.lag, store.size)
    }
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** So many stores that have stopped are kept to be looked at. */
const ENDED = 10

/** A set that says what is added to it. */
class Heard extends Set<WeakRef<Announced>> {
  readonly #heard: (announced: Announced) => void

  constructor(before: Iterable<WeakRef<Announced>>, heard: (announced: Announced) => void) {
    super()
    this.#heard = () => {}
    for (const known of before) super.add(known)
    this.#heard = heard
  }

  override add(known: WeakRef<Announced>): this {
    super.add(known)
    const announced = known.deref()
    if (announced !== undefined) this.#heard(announced)
    return this
  }
}
