// What goes wrong, as one class with a code.

/** What went wrong, for programs to compare. */
export type ErrorCode =
  | 'bad-data'
  | 'too-large'
  | 'bad-value'
  | 'out-of-order'
  | 'gap'
  | 'view'
  | 'status'
  | 'content-type'
  | 'network'
  | 'headers'
  | 'closed'
  | 'aborted'
  | 'server'
  | 'silent'
  | 'loop'
  | 'snapshot-timeout'
  | 'connect-timeout'
  | 'bad-option'
  | 'bad-query'
  | 'schema'
  | 'bad-checkpoint'
  | 'busy'
  | 'share'
  | 'persist'
  | 'wasm'

/** What a schema has against a value. */
export interface Issue {
  /** What is wrong, in the words of the schema. */
  readonly message: string
  /** Where in the value. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** Where an error was met, and with what; each member is there only where it says something. */
export interface ErrorDetails {
  /** The type of the event. */
  readonly event?: string
  /** The kind of the item. */
  readonly kind?: string
  /** The key of the item. */
  readonly key?: string
  /** The byte of the data, or of the value, at which it was wrong. */
  readonly at?: number
  /** The HTTP status. */
  readonly status?: number
  /** Where the stream stood. */
  readonly cursor?: string
  /** What the schema has against the value. */
  readonly issues?: readonly Issue[]
  /** Whether trying again cannot help. */
  readonly terminal?: boolean
  /** The exception behind it. */
  readonly cause?: unknown
}

/**
 * Something went wrong: `code` says what, for programs; the message says what and where, for
 * people.
 *
 * @example
 * const { error } = store.status
 * if (error?.code === 'status' && error.status === 403) signIn()
 */
export class HighwaterError extends Error {
  /** What went wrong. */
  declare readonly code: ErrorCode
  /** The type of the event that it was met in. */
  declare readonly event: string | undefined
  /** The kind of the item that it is about. */
  declare readonly kind: string | undefined
  /** Its key. */
  declare readonly key: string | undefined
  /** At which byte of the data. */
  declare readonly at: number | undefined
  /** What the server answered. */
  declare readonly status: number | undefined
  /** Where the stream stood. */
  declare readonly cursor: string | undefined
  /** What a schema found wrong with a value. */
  declare readonly issues: readonly Issue[] | undefined
  /** Whether trying again cannot help: the store has stopped. */
  declare readonly terminal: boolean

  constructor(code: ErrorCode, message: string, { cause, ...details }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause })
    Object.assign(this, { terminal: false, ...details, name: 'HighwaterError', code })
  }
}

/** What words of the transport begin with that are those of the application's headers function. */
export const HEADERS_FAILED = 'the headers function failed: '

/** What an exception says, its cause included. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause
  if (!(cause instanceof Error)) return error.message
  const code = (cause as { code?: unknown }).code
  const words = cause.message === '' ? String(code ?? cause.name) : cause.message
  return error.message === '' ? words : `${error.message}: ${words}`
}
