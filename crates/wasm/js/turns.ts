// What is to be done, one thing after the other.

/** Calls that wait for their turn: what is asked for meanwhile comes after what is there. */
export class Turns {
  readonly #calls: (() => void)[] = []
  #busy = false

  push(call: () => void): void {
    this.#calls.push(call)
  }

  clear(): void {
    this.#calls.length = 0
  }

  /** Carries them out, unless that is under way. */
  run(): void {
    if (this.#busy) return
    this.#busy = true
    for (let next = this.#calls.shift(); next !== undefined; next = this.#calls.shift()) next()
    this.#busy = false
  }
}
