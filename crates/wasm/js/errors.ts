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
  | 'wasm'

/** What a schema has against a value. */
export interface Issue {
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
  readonly code: ErrorCode
  readonly event: string | undefined
  readonly kind: string | undefined
  readonly key: string | undefined
  readonly at: number | undefined
  readonly status: number | undefined
  readonly cursor: string | undefined
  readonly issues: readonly Issue[] | undefined
  /** Whether trying again cannot help: the store has stopped. */
  readonly terminal: boolean

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.name = 'HighwaterError'
    this.code = code
    this.event = details.event
    this.kind = details.kind
    this.key = details.key
    this.at = details.at
    this.status = details.status
    this.cursor = details.cursor
    this.issues = details.issues
    this.terminal = details.terminal ?? false
  }
}

/** An error as the core tells it: code, words, place, key, number, class. */
export type ErrorParts = [ErrorCode, string, string, string | undefined, number | undefined, number]

/** Marks words of the transport that are those of the application's headers function. */
export const HEADERS_FAILED = '\u0001headers '

/** Makes a sentence of an error's parts. */
export function errorOf(parts: unknown, cursor?: string): HighwaterError {
  const [code, words, place, key, number, severity] = parts as ErrorParts
  const details = { terminal: severity === 2, ...(cursor === undefined ? {} : { cursor }) }
  const make = (message: string, more: ErrorDetails = {}): HighwaterError =>
    new HighwaterError(code, message, { ...details, ...more })
  switch (code) {
    case 'bad-data':
      return make(`the data of event '${place}' is not what the protocol says: ${words} at byte ${number}`, {
        event: place,
        ...at(number),
      })
    case 'bad-value':
      return make(`the value of ${place}/${key} is not JSON: ${words} at byte ${number}`, {
        kind: place,
        ...(key === undefined ? {} : { key }),
        ...at(number),
      })
    case 'bad-checkpoint':
      return make(`the checkpoint cannot be taken up: ${words}, at byte ${number}`, at(number))
    case 'too-large':
      return make(`an event is larger than the limit of ${number} bytes (option maxBytes)`)
    case 'out-of-order':
      return make(`event '${place}' came out of order: ${words}`, { event: place })
    case 'gap':
      return make(`the transactions up to ${words} never came`)
    case 'view':
      return make(`the view refused a transaction: ${words}`)
    case 'status': {
      if (number === 0) return make('the poll address did not answer')
      const end = severity === 2 ? ', which trying again cannot heal' : ''
      return make(`the server answered ${number}${end}`, number === undefined ? {} : { status: number })
    }
    case 'content-type':
      return make(
        words === ''
          ? 'the answer names no content type; an event stream has text/event-stream'
          : `the answer is ${words}, and not an event stream (text/event-stream or application/x-ndjson)`,
      )
    case 'network':
      if (words.startsWith(HEADERS_FAILED)) {
        const message = `the headers function failed: ${words.slice(HEADERS_FAILED.length)}`
        return new HighwaterError('headers', message, details)
      }
      return make(`the connection failed: ${words}`)
    case 'closed':
      return make('the server closed the stream')
    case 'aborted':
      return make('the server asked for everything to be read again')
    case 'server':
      return make(`the server reported: ${words}`)
    case 'silent':
      return make(`nothing, not even a heartbeat, came for ${number} ms`)
    case 'loop':
      return make(`${number} connections in a row ended within a second of being made; the last: ${words}`)
    case 'snapshot-timeout':
      return make(`the snapshot did not end within ${number} ms (option snapshotTimeout)`)
    case 'connect-timeout':
      return make(`no answer within ${number} ms (option connectTimeout)`)
    default:
      return make(words)
  }
}

/** What an exception says, its cause included. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause
  if (!(cause instanceof Error)) return error.message
  const code = (cause as { code?: unknown }).code
  const words = cause.message === '' ? String(code ?? cause.name) : cause.message
  return error.message === '' ? words : `${error.message}: ${words}`
}

function at(number: number | undefined): { at?: number } {
  return number === undefined ? {} : { at: number }
}
