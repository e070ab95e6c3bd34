// Sentences of faults that are met only with the module with everything.

import { type ErrorDetails, HighwaterError } from './errors.js'
import type { FaultParts } from './faults.js'
import type { Thing } from './module.js'

/** Makes a sentence of a fault's parts, and says where it was met. */
export function sentenceOf([code, words, place, key, number]: FaultParts): [message: string, where?: ErrorDetails] {
  const at = number === null ? {} : { at: number }
  switch (code) {
    case 'bad-data':
      return [`the data of event '${place}' is not what the protocol says: ${words} at byte ${number}`, { event: place, ...at }]
    case 'bad-value':
      return [`the value of ${place}/${key} is not JSON: ${words} at byte ${number}`, { kind: place, ...(key === null ? {} : { key }), ...at }]
    case 'bad-checkpoint':
      return [`the checkpoint cannot be taken up: ${words}, at byte ${number}`, at]
    case 'too-large':
      return [`an event is larger than the limit of ${number} bytes (option maxBytes)`]
    case 'out-of-order':
      return [`event '${place}' came out of order: ${words}`, { event: place }]
    case 'view':
      return [`the view refused a transaction: ${words}`]
    case 'status':
      return ['the poll address did not answer']
    case 'aborted':
      return ['the server asked for everything to be read again']
    case 'server':
      return [`the server reported: ${words}`]
    default:
      return [words]
  }
}

/** Why an object in the module cannot be used. */
export function unusable({ isBusy }: Thing): HighwaterError {
  return isBusy
    ? new HighwaterError('busy', 'not from within View.update: use the changes that it was given')
    : new HighwaterError('closed', 'it was disposed of')
}
