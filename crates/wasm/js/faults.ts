// Errors out of what the module says of a fault.

import { type ErrorCode, type ErrorDetails, HEADERS_FAILED, HighwaterError } from './errors.js'
import { moreThere } from './module.js'

/** A fault as the core tells it: code, words, place, key, number, class. */
export type FaultParts = [ErrorCode, string, string, string | null, number | null, number]

/** Makes a sentence of a fault's parts. */
export function errorOf(parts: unknown, cursor?: string): HighwaterError {
  const [code, words, , , number, severity] = parts as FaultParts
  const details: ErrorDetails = { terminal: severity === 2, ...(cursor !== undefined && { cursor }) }
  if (words.startsWith(HEADERS_FAILED)) return new HighwaterError('headers', words, details)
  const text = TEXTS[code + (words === '' ? '' : ' $')] ?? TEXTS[code]
  const known = text !== undefined && number !== 0
  const [message, more] = known
    ? [text.replace(/[$#]/g, (place) => String(place === '$' ? words : number)) + (code === 'status' && severity === 2 ? ', which trying again cannot heal' : ''), code === 'status' ? { status: number as number } : {}]
    : (moreThere?.sentenceOf(parts as FaultParts) ?? [`${code}: ${words}`])
  return new HighwaterError(code, message, { ...details, ...more })
}

/** The same, of what the lean module says: the place of the code, and whether it is terminal, or the code of the last of many. */
export function faultOf(code: number, words: string, number: number | null, detail: number): FaultParts {
  const last = code === 7 ? (CODES[detail] ?? 'goodbye') : words
  return [CODES[code] as ErrorCode, last, '', null, number, code === 1 && detail === 1 ? 2 : 0]
}

/** Faults that may be met in the lean module, too: `$` is their words, `#` their number. */
const TEXTS: Readonly<Record<string, string>> = {
  gap: 'the transactions up to $ never came',
  status: 'the server answered #',
  'content-type': 'the answer names no content type; an event stream has text/event-stream',
  network: 'the connection failed: $',
  closed: 'the server closed the stream',
  silent: 'nothing, not even a heartbeat, came for # ms',
  'snapshot-timeout': 'the snapshot did not end within # ms (option snapshotTimeout)',
  loop: '# connections in a row ended within a second of being made; the last: $',
  'connect-timeout': 'no answer within # ms (option connectTimeout)',
  'content-type $': 'the answer is $, and not an event stream (text/event-stream or application/x-ndjson)',
}
/** Their codes, in the order in which the lean module counts them. */
const CODES = Object.keys(TEXTS)
