// How a store stands, worked out when somebody asks; and whether there was ever a whole state.

import { HighwaterError } from './errors.js'
import type { Machine } from './machine.js'
import { isSame, partsOf, type StatusParts, statusOf } from './status.js'
import type { Status } from './types.js'

/** The session, as long as there is one; without one, whether it is over, and why. */
type Look = () => { readonly machine: Machine | undefined; readonly stopped: boolean; readonly broken: HighwaterError | undefined }

/** How a store stands. */
export class Standing {
  /** The first whole state is there; or it will never be. */
  readonly ready: Promise<void>
  /** Whether `ready` is. */
  settled = false
  readonly #look: Look
  #resolve: () => void = () => {}
  #reject: (error: HighwaterError) => void = () => {}
  #parts: StatusParts = START
  #status: Status = statusOf(START, 0)
  #told = this.#status
  #fresh = true
  /** What went wrong on this side: told until the next update, as all faults are. */
  #fault: { readonly error: HighwaterError; readonly version: number } | undefined

  constructor(look: Look) {
    this.#look = look
    this.ready = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Who does not wait for it need not catch it.
    this.ready.catch(() => {})
  }

  /** The same object until something changes. */
  get status(): Status {
    if (!this.#fresh) this.#refresh()
    return this.#status
  }

  /** The status, if it is another than was told last. */
  get news(): Status | undefined {
    const { status } = this
    if (status === this.#told) return undefined
    this.#told = status
    return status
  }

  /** It may be another by now. */
  moved(): void {
    this.#fresh = false
  }

  /** Something went wrong on this side, at this version. */
  fail(error: HighwaterError, version: number): void {
    this.#fault = { error, version }
    this.#fresh = false
  }

  #refresh(): void {
    this.#fresh = true
    const { machine, stopped, broken } = this.#look()
    const { synced, news: _, ...rest } =
      machine === undefined
        ? { ...this.#parts, phase: stopped ? 'stopped' : 'connecting', connected: false, error: broken, synced: false, news: 0 } as const
        : partsOf(machine, this.#parts)
    const own = this.#fault?.version === rest.version ? this.#fault.error : undefined
    const next = { ...rest, error: rest.error ?? own }
    this.settled ||= synced || next.phase === 'stopped'
    if (synced) this.#resolve()
    else if (next.phase === 'stopped') {
      this.#reject(next.error ?? new HighwaterError('closed', 'the store was closed before its first state was there'))
    }
    if (isSame(this.#parts, next)) return
    this.#parts = next
    this.#status = statusOf(next, Date.now() - performance.now())
  }
}

const START: StatusParts = {
  phase: 'connecting',
  connected: false,
  attempt: 0,
  failures: 0,
  resumed: undefined,
  version: 0,
  cursor: undefined,
  retryAt: undefined,
  staleSince: undefined,
  error: undefined,
  received: 0,
  target: undefined,
}
