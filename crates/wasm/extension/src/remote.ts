// A store in another page: what was recorded of it comes by messages, and its state is worked out here
// again, from the same events. So there is everything to look at that there is in the page.

import { HighwaterError, type ErrorCode } from '../../../../dist/errors.js'
import type { Conditions } from '../../../../dist/devtools/faults.js'
import type { Breakable, Live, Names } from '../../../../dist/devtools/live.js'
import { Rates, type Second } from '../../../../dist/devtools/rates.js'
import { type Entry, type EventEntry, Recording } from '../../../../dist/devtools/recording.js'
import { Replica } from '../../../../dist/devtools/replica.js'
import type { Machine } from '../../../../dist/machine.js'
import type { ItemName, Status } from '../../../../dist/types.js'
import type { Deed, Standing, StoreFacts, Tell } from './wire.js'

/** The way to the store's page. */
export interface Line {
  /** Asks for the entries from this number on. */
  more(from: number): void
  /** Has something done, and hears what came of it. */
  do(what: Deed, ...numbers: number[]): Promise<number>
}

/** The store, as the panel sees it. */
export class RemoteStore implements Live {
  readonly recording: Recording
  readonly faults: RemoteFaults
  readonly #line: Line
  readonly #rates = new Rates()
  #mirror: Replica | undefined
  /** The number, in the page, of the entry that is to come. */
  #next = -1
  #standing: Standing | undefined
  #isRecording = true
  /** The state is to be noted before anything else. */
  #owed = false
  readonly #changes = new Set<(names?: Names) => void>()
  readonly #more = new Set<() => void>()

  constructor({ url, protocol, isPossible }: StoreFacts, line: Line) {
    this.recording = new Recording(url, protocol)
    this.faults = new RemoteFaults(isPossible, line)
    this.#line = line
    this.ask()
  }

  get status(): Status {
    const { error, ...rest } = this.#standing?.status ?? UNKNOWN
    return { ...NOTHING, ...rest, error: error && new HighwaterError(error.code as ErrorCode, error.message) }
  }

  get size(): number {
    return this.#standing?.size ?? 0
  }

  get machine(): Machine | undefined {
    return this.#mirror?.machine
  }

  get seconds(): readonly Second[] {
    return this.#rates.seconds
  }

  get isRecording(): boolean {
    return this.#isRecording
  }

  names(): readonly ItemName[] {
    return this.#mirror?.names() ?? []
  }

  /** What is not recorded is followed all the same: the items are there in the page, too. */
  record(on: boolean): void {
    this.#owed = on && !this.#isRecording
    this.#isRecording = on
    this.#look()
  }

  clear(): void {
    this.recording.clear()
    this.#owed = this.#isRecording
    this.#look()
    this.#tell()
  }

  reconnect(): void {
    void this.#line.do('reconnect')
  }

  pause(): void {
    void this.#line.do('pause')
  }

  resume(): void {
    void this.#line.do('resume')
  }

  onChange(listener: (names?: Names) => void): () => void {
    this.#changes.add(listener)
    return () => void this.#changes.delete(listener)
  }

  onMore(listener: () => void): () => void {
    this.#more.add(listener)
    return () => void this.#more.delete(listener)
  }

  close(): void {
    this.#mirror?.[Symbol.dispose]()
    this.#mirror = undefined
    this.#next = Infinity
  }

  /** Asks for what is to come; once more when the line was broken. */
  ask(): void {
    if (this.#next !== Infinity) this.#line.more(this.#next)
  }

  /** Notes how things are now. */
  sample(): void {
    this.#rates.sample(Date.now(), this.status.lag, this.size)
  }

  stands(standing: Standing): void {
    this.#standing = standing
    this.faults.stands(standing)
    this.#tell()
  }

  /** Takes in what was asked for. Throws what is wrong with it. */
  take({ asked, from, to, entries }: Extract<Tell, { tell: 'entries' }>): void {
    // An answer may come twice, if the line broke in between.
    if (asked !== this.#next) return
    const isAnew = this.#mirror === undefined || from !== asked
    if (isAnew) {
      this.#mirror?.[Symbol.dispose]()
      this.#mirror = new Replica(this.recording.protocol)
    }
    this.#next = to
    const names: { changed: ItemName[]; removed: ItemName[]; isAll: boolean } = { changed: [], removed: [], isAll: !isAnew }
    entries.forEach((entry, index) => {
      // Where something is missing, the state that is noted there is another.
      const moved = isAnew && index === 0 && entry.type === 'base' && entry.state !== undefined
      this.#entry(moved ? { ...entry, why: 'moved' } : entry, names)
    })
    for (const listener of this.#changes) listener(names.isAll ? names : undefined)
    this.#tell()
    this.ask()
  }

  #entry(entry: Entry, names: { changed: ItemName[]; removed: ItemName[]; isAll: boolean }): void {
    const mirror = this.#mirror as Replica
    const before = mirror.size
    mirror.take(entry)
    if (entry.type === 'event') {
      this.#rates.count(entry)
      const difference = changesOf(entry, names)
      // Of very many steps only the first are told.
      if (mirror.size !== before + difference) names.isAll = false
    } else if (entry.type === 'base' && entry.state !== undefined) names.isAll = false
    if (!this.#isRecording) return
    if (!this.#owed) this.recording.push(entry)
    // A connection's beginning is no less than a state to go on from.
    else if (entry.type === 'base') this.#owed = false
    this.#look()
  }

  /** Notes the state, if that is due and nothing is under way. */
  #look(): void {
    const mirror = this.#mirror
    if (mirror === undefined || !this.#isRecording || !(this.#owed || this.recording.wantsBase)) return
    const { module, handle } = mirror.machine
    const standing = module.session_standing(handle)
    if (mirror.isConnected && standing < 0) return
    this.recording.push({ type: 'base', at: Date.now(), why: this.#owed ? 'moved' : 'key', state: mirror.machine.checkpoint(), standing })
    this.#owed = false
  }

  #tell(): void {
    for (const listener of this.#more) listener()
  }
}

/** Collects what an event changed, and says by how much there are more items. */
function changesOf({ steps }: EventEntry, names: { changed: ItemName[]; removed: ItemName[]; isAll: boolean }): number {
  let more = 0
  for (const { action, kind, key } of steps) {
    if (kind === undefined || key === undefined) continue
    if (action === 'insert' || action === 'updated') names.changed.push({ kind, key })
    if (action === 'delete') names.removed.push({ kind, key })
    more += action === 'insert' ? 1 : action === 'delete' ? -1 : 0
  }
  return more
}

/** A wire in another page. */
export class RemoteFaults implements Breakable {
  readonly isPossible: boolean
  readonly #line: Line
  #standing: Standing | undefined
  readonly #listeners = new Set<() => void>()

  constructor(isPossible: boolean, line: Line) {
    this.isPossible = isPossible
    this.#line = line
  }

  get isTapped(): boolean {
    return this.#standing?.isTapped === true
  }

  get pending(): readonly string[] {
    return this.#standing?.pending ?? []
  }

  get conditions(): Conditions {
    return this.#standing?.conditions ?? { delay: 0, rate: 0 }
  }

  set conditions(conditions: Conditions) {
    if (this.#standing !== undefined) this.#standing = { ...this.#standing, conditions }
    void this.#line.do('conditions', conditions.delay, conditions.rate)
  }

  cut(): void {
    void this.#line.do('cut')
  }

  duplicate(count: number): void {
    void this.#line.do('duplicate', count)
  }

  reorder(): void {
    void this.#line.do('reorder')
  }

  replay(count: number): Promise<number> {
    return this.#line.do('replay', count)
  }

  refuse(status: number, count: number): void {
    void this.#line.do('refuse', status, count)
  }

  heal(): void {
    void this.#line.do('heal')
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  stands(standing: Standing): void {
    this.#standing = standing
    for (const listener of this.#listeners) listener()
  }
}

/** JSON leaves out what is undefined. */
const NOTHING = { cursor: undefined, resumed: undefined, retryAt: undefined, progress: undefined }
const UNKNOWN: Standing['status'] = { ...NOTHING, phase: 'connecting', connected: false, version: 0, attempt: 0, failures: 0, lag: 0, error: undefined }
