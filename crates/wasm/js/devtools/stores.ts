// What the panel can be about: stores, wherever they are, and sessions that were imported.

import type { Live } from './live.js'
import type { Recording } from './recording.js'

/** A store under observation, or what was recorded of one. */
export interface Subject {
  readonly name: string
  readonly recording: Recording
  /** What a session that was imported does not have. */
  readonly live: Live | undefined
}

/** All of them. Who finds stores adds them. */
export class Stores {
  #subjects: Subject[] = []
  #note = 'This page has no store yet. Whatever it connects shows up here.'
  #warning = ''
  readonly #listeners = new Set<() => void>()

  get all(): readonly Subject[] {
    return this.#subjects
  }

  /** What there is to say as long as there is none. */
  get note(): string {
    return this.#note
  }

  set note(text: string) {
    if (text === this.#note) return
    this.#note = text
    this.#tell()
  }

  /** What there is to say besides; empty if nothing. */
  get warning(): string {
    return this.#warning
  }

  set warning(text: string) {
    if (text === this.#warning) return
    this.#warning = text
    this.#tell()
  }

  add(subject: Subject): Subject {
    this.#subjects.push(subject)
    this.#tell()
    return subject
  }

  /** Adds a session that was imported. */
  import(recording: Recording, name: string): Subject {
    return this.add({ name, recording, live: undefined })
  }

  remove(subject: Subject): void {
    this.#subjects = this.#subjects.filter((one) => one !== subject)
    subject.live?.close()
    this.#tell()
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Leaves everything as it was found. */
  close(): void {
    for (const subject of this.#subjects) this.remove(subject)
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
