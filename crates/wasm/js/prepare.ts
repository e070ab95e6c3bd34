// Options that are not only handed on: checked, and made what the store works with.

import { checkRest } from './checks.js'
import { type Beginning, beginningOf } from './initial.js'
import type { Options } from './options.js'
import { type Judge, judgeOf } from './schema.js'

/** What options come to. */
export interface Prepared {
  /** What to begin with. */
  readonly beginning: Beginning | undefined
  /** What judges values. */
  readonly judge: Judge | undefined
}

/** Looks into options; throws what is wrong with them. */
export function prepare(options: Options): Prepared {
  const { initial, schema } = options
  checkRest(options)
  return { beginning: beginningOf(initial), judge: schema && judgeOf(schema) }
}
