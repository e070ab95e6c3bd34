// How a store stands, worked out when somebody asks; and whether there was ever a whole state.

import { HighwaterError } from './errors.js'
import { errorOf } from './faults.js'
import type { Machine } from './machine.js'
import type { Phase, Status } from './types.js'

/** How a store stands. */
export class Standing {
  /** The first whole state is there; or it will never be. */
  readonly ready: Promise<void>
  /** Whether `ready` is. */
  settled = false
  #resolve: () => void = () => {}
  #reject: (error: HighwaterError) => void = () => {}
  #parts = START
  #status = statusOf(START, undefined)
  #fresh = true
  /** What went wrong on this side: told until the next update, as all faults are. */
  #fault: { readonly error: HighwaterError; readonly version: number } | undefined

  constructor() {
    this.ready = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Who does not wait for it need not catch it.
    this.ready.catch(() => {})
  }

  /** The same object until something changes. Without a session it is told whether it is over, and why. */
  status(machine: Machine | undefined, stopped: boolean, broken: HighwaterError | undefined): Status {
    if (!this.#fresh) this.#refresh(machine, stopped, broken)
    return this.#status
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

  #refresh(machine: Machine | undefined, stopped: boolean, broken: HighwaterError | undefined): void {
    this.#fresh = true
    // Without a session all but its phase is as it was.
    const parts = (machine?.status() as Parts | undefined) ?? ([stopped ? 'stopped' : 'connecting', 0, ...this.#parts.slice(2)] as unknown as Parts)
    const [phase, , , , , version, cursor, , , , , synced, , fault] = parts
    const last = this.#status.error
    let error = machine === undefined ? broken : fault === null ? undefined : errorOf(fault, cursor ?? undefined)
    // The same fault is the same object.
    if (error?.message === last?.message && error?.code === last?.code) error = last
    if (this.#fault?.version === version) error ??= this.#fault.error
    const stops = phase === 'stopped'
    this.settled ||= synced === 1 || stops
    if (synced === 1) this.#resolve()
    else if (stops) this.#reject(error ?? new HighwaterError('closed', 'the store was closed before its first state was there'))
    if (error === last && parts.every((part, at) => at > TARGET || part === this.#parts[at])) return
    this.#parts = parts
    this.#status = statusOf(parts, error)
  }
}

/** What a status is made of, as the module says it; times are those of its clock. */
type Parts = readonly [
  phase: Phase,
  connected: number,
  attempt: number,
  failures: number,
  resumed: number | null,
  version: number,
  cursor: string | null,
  retryAt: number | null,
  staleSince: number | null,
  received: number,
  target: number | null,
  synced: number,
  news: number,
  fault: unknown,
]

const START: Parts = ['connecting', 0, 0, 0, null, 0, null, null, null, 0, null, 0, 0, null]
/** The last that a status has as it is. */
const TARGET = 10

function statusOf(
  [phase, connected, attempt, failures, resumed, version, cursor, retryAt, staleSince, received, target]: Parts,
  error: HighwaterError | undefined,
): Status {
  return Object.freeze({
    phase,
    connected: connected === 1,
    cursor: cursor ?? undefined,
    version,
    attempt,
    failures,
    resumed: resumed === null ? undefined : resumed === 1,
    retryAt: retryAt === null ? undefined : Math.round(retryAt + Date.now() - performance.now()),
    error,
    progress: received === 0 ? undefined : Object.freeze({ received, target: target ?? undefined }),
    get lag() {
      return staleSince === null ? 0 : Math.max(0, Math.round(performance.now() - staleSince))
    },
  })
}
