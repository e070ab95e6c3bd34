// Watches the store after a fault was asked for, until the fault has shown and has healed.

import type { Machine } from './machine'
import { duration, plural } from './format'

/** `reconnect`: the connection is lost and made again. `repeat`: what is known comes once more. */
export type Sign = 'reconnect' | 'repeat'

export interface Watching {
  /** What was seen, in words; `undefined` if nothing was within `took` milliseconds. */
  readonly done: Promise<{ readonly seen: string | undefined; readonly took: number }>
  stop(): void
}

const PATIENCE = 30_000
/** Repeats come in batches: told of when no more come. */
const QUIET = 1_600

export function watch(store: Machine, sign: Sign): Watching {
  const begun = performance.now()
  const took = (): number => performance.now() - begun
  let lostAt: number | undefined
  let repeats = 0
  let fault: string | undefined
  let quiet: ReturnType<typeof setTimeout> | undefined
  let finish: (seen: string | undefined) => void = () => undefined
  const done = new Promise<{ seen: string | undefined; took: number }>((resolve) => {
    finish = (seen) => {
      stop()
      resolve({ seen, took: took() })
    }
  })

  const stopStatus = store.onStatus((status) => {
    if (status.error !== undefined) fault = status.error.code
    if (sign !== 'reconnect') return
    if (!status.connected || status.phase !== 'live') lostAt ??= performance.now()
    else if (lostAt !== undefined) {
      const verdict = status.resumed === true ? 'resumed' : 'took a new snapshot'
      finish(`${fault ?? 'lost'}, ${verdict} after ${duration(performance.now() - lostAt)}`)
    }
  })
  const stopTrace = store.trace((event) => {
    for (const step of event.steps) {
      if (step.action === 'fault') fault = step.reason ?? 'fault'
      if (step.action === 'seen') repeats += 1
    }
    if (sign === 'repeat' && repeats > 0 && event.steps.some((step) => step.action === 'seen')) {
      clearTimeout(quiet)
      quiet = setTimeout(() => finish(`${plural(repeats, 'repeated transaction')} changed nothing`), QUIET)
    }
  })
  const timer = setTimeout(() => finish(undefined), PATIENCE)
  const stop = (): void => {
    clearTimeout(timer)
    clearTimeout(quiet)
    stopStatus()
    stopTrace()
  }
  return { done, stop }
}
