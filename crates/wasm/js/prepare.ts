// Options that are not only handed on: checked, and made what the store works with.

import { checkRest } from './checks.js'
import { isKept, isNative } from './edge.js'
import type { HighwaterError } from './errors.js'
import { beginningOf } from './initial.js'
import { keep } from './keep.js'
import type { Machine } from './machine.js'
import type { Options } from './options.js'
import type { Keeper } from './persist.js'
import { restore } from './restore.js'
import { type Judge, judgeOf } from './schema.js'

/** What options come to. */
export interface Prepared {
  /** What the session is made with. */
  readonly options: Options
  /** What judges values. */
  readonly judge: Judge | undefined
  /** Reads what was kept, if anything is to be. */
  ready(): Promise<void> | undefined
  /** Has a session take up what there is to begin with, which `notify` hears of; keeps its state from then on, while `leads` says so. */
  start(machine: Machine, notify: (bits: number) => void, leads: () => boolean): void
  /** A transaction came. */
  moved(): void
  /** Keeps what is not kept yet, for the last time. */
  close(): void
  /** The module is of no use any more. */
  stop(): void
}

/** Looks into options; throws what is wrong with them. `told` hears of what cannot be taken up. */
export function prepare(url: string, options: Options, told: (error: HighwaterError) => void): Prepared {
  checkRest(options)
  const { initial, schema, idle } = options
  let beginning = beginningOf(initial)
  let found: Keeper | undefined
  let keeper: Keeper | undefined
  return {
    // The platform's event source hides comments: their absence means nothing.
    options: isNative(options) && idle === undefined ? { ...options, idle: false } : options,
    judge: schema && judgeOf(schema),
    ready: () => (isKept(options) ? keep(url, options, told).then((kept) => void (found = kept)) : undefined),
    start(machine, notify, leads) {
      beginning ??= found?.beginning
      if (beginning !== undefined) {
        const [bits, error] = restore(machine, performance.now(), beginning)
        beginning = undefined
        if (error !== undefined) told(error)
        notify(bits)
      }
      keeper = found
      keeper?.attend(machine, leads)
    },
    moved: () => keeper?.moved(),
    close: () => keeper?.close(),
    stop: () => keeper?.stop(),
  }
}
