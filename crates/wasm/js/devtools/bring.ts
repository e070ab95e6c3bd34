// A recording is brought in by the application.

import { check } from '../options.js'
import { loadModule } from '../module.js'
import { isProtocol } from '../protocols.js'
import { HighwaterError } from '../errors.js'
import type { Imported, ImportOptions } from './index.js'
import type { Limits } from './recording.js'
import { type Fault, readSession } from './session-file.js'
import type { Stores, Subject } from './stores.js'
import { disposing, stateAt } from './travel.js'

/** Reads a recording, puts it among the stores, and says what it leads to. */
export async function bring(stores: Stores, limits: Limits, text: string, options: ImportOptions = {}): Promise<[Subject, Imported]> {
  if (typeof text !== 'string') throw new HighwaterError('bad-option', 'import: the recording must be a string')
  check('options', options, { name: 'a string', protocol: '*' }, 'option ')
  const { name = 'a recording', protocol }: ImportOptions = options
  isProtocol(protocol)
  await loadModule(true)
  const faults: Fault[] = []
  const recording = readSession(text, protocol, limits, faults)
  const events = recording.slice().filter((entry) => entry.type === 'event')
  const ignored = events.filter(({ steps }) => steps.length > 0 && steps.every(({ action }) => action === 'ignored'))
  const items = disposing(stateAt(recording, recording.end - 1), (replica) => [...replica.items()])
  const subject = stores.import(recording, name)
  const close = (): void => stores.remove(subject)
  return [subject, { protocol: recording.protocol, events: events.length, ignored: ignored.length, items, faults, close }]
}
