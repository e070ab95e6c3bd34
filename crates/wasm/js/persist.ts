// The state, kept from one visit to the next: read before the first connection is made, and written
// when the page has nothing better to do.
//
// - K1: whatever storage does, the store goes on. A fault is told; what is kept then is older, and
//   the stream goes on from there all the same.
// - K2: there is one write at a time, and not one for each change: they take a fiftieth of the time.
// - K3: of pages that share a connection, the one that has it keeps what comes over it.
//
// Nothing is imported that the entries have: a bundler would have to make a third file of it. What
// keeps bytes in IndexedDB is put into this file by the build, so that the package depends on nothing.

import { createStore, del, get, promisifyRequest, type UseStore } from 'idb-keyval'
import type { Machine } from './machine.js'
import type { Options, PersistStorage } from './options.js'

/** Tells of what went wrong. */
type Tell = (code: 'persist' | 'bad-checkpoint', message: string, cause?: unknown) => void

/** What keeps a store's state. */
export class Keeper {
  /** The checkpoint that was kept, if there was one of use. */
  beginning: Uint8Array | undefined
  readonly #storage: PersistStorage
  readonly #key: string
  readonly #maxAge: number | undefined
  readonly #tell: Tell
  #machine: Machine | undefined
  #leads: () => boolean = () => true
  #ends: (() => void)[] = []
  /** Something came that is not kept yet. */
  #due = false
  #isWriting = false
  #isClosed = false
  /** It cannot wait for its turn. */
  #isUrgent = false
  /** Told once, until it works again. */
  #hasFailed = false
  #next = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  /** Reads what was kept of the stream that these describe: it speaks `protocol`. */
  static async of(url: string, protocol: unknown, options: Options, tell: Tell): Promise<Keeper | undefined> {
    const { persist, method, body, poll } = options
    const { name = '', maxAge, storage = undefined } = typeof persist === 'object' ? persist : typeof persist === 'string' ? { name: persist } : {}
    if (storage === undefined && typeof indexedDB === 'undefined') {
      // A server renders pages, and has none of its own.
      if (!isPage()) return undefined
      throw new Error('here is no IndexedDB; give another place as option persist.storage')
    }
    const key = JSON.stringify([url, protocol, name, method, body, poll])
    const keeper = new Keeper(storage ?? inIndexedDB(), key, maxAge, tell)
    // What the application gives is newer.
    if (options.initial === undefined) await keeper.#read()
    return keeper
  }

  private constructor(storage: PersistStorage, key: string, maxAge: number | undefined, tell: Tell) {
    this.#storage = storage
    this.#key = key
    this.#maxAge = maxAge
    this.#tell = tell
  }

  /** Keeps the state of this session, while `leads` says that it is this page's to keep. */
  attend(machine: Machine, leads: () => boolean): void {
    this.#machine = machine
    this.#leads = leads
    this.beginning = undefined
    const hide = (): void => this.#flush()
    const look = (): void => {
      if (document.visibilityState === 'hidden') hide()
    }
    if (typeof document === 'object') {
      document.addEventListener('visibilitychange', look)
      this.#ends.push(() => document.removeEventListener('visibilitychange', look))
    }
    if (typeof addEventListener === 'function') {
      // Before the connection is let go of, and with it the lead.
      addEventListener('pagehide', hide, true)
      this.#ends.push(() => removeEventListener('pagehide', hide, true))
    }
  }

  /** A transaction came. */
  moved(): void {
    if (this.#due || this.#isClosed || !this.#leads()) return
    this.#due = true
    if (!this.#isWriting) this.#schedule()
  }

  /** Keeps what is not kept yet, for the last time. */
  close(): void {
    this.#flush()
    this.#end()
  }

  /** Keeps nothing more: the module has failed. */
  stop(): void {
    this.#machine = undefined
    this.#end()
  }

  #end(): void {
    this.#isClosed = true
    for (const end of this.#ends.splice(0)) end()
    clearTimeout(this.#timer)
  }

  async #read(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>((_, reject) => {
      const error = new Error(`storage did not answer within ${PATIENCE} ms`)
      timer = setTimeout(() => reject(error), PATIENCE)
    })
    try {
      const kept: unknown = await Promise.race([this.#storage.get(this.#key), late])
      if (kept === undefined || kept === null) return
      const [bytes, at] = opened(kept)
      const age = Date.now() - at
      if (this.#maxAge === undefined || age <= this.#maxAge) this.beginning = bytes
      else {
        this.#tell('bad-checkpoint', `what was kept ${Math.round(age / 1000)} s ago is not taken up: it is older than option persist.maxAge allows`)
        await Promise.race([this.#storage.delete(this.#key), late])
      }
    } catch (error) {
      if (error instanceof NotKept) this.#tell('bad-checkpoint', error.message)
      else this.#failed(`what was kept cannot be read: ${wordsOf(error)}`, error)
    } finally {
      clearTimeout(timer)
    }
  }

  /** When the page has nothing better to do, but not before its turn. */
  #schedule(): void {
    clearTimeout(this.#timer)
    const write = (): void => {
      if (!this.#isClosed) void this.#write()
    }
    this.#timer = setTimeout(() => {
      if (typeof requestIdleCallback === 'function') requestIdleCallback(write, { timeout: PATIENCE })
      else write()
    }, Math.max(SOON, this.#next - performance.now()))
  }

  /** Now: there may be no later. */
  #flush(): void {
    // What is as it was has become no older.
    if (this.#maxAge !== undefined && this.#leads() && this.#machine?.status()[0] === 'live') this.#due = true
    if (this.#isWriting) this.#isUrgent = this.#due
    else void this.#write()
  }

  async #write(): Promise<void> {
    const machine = this.#machine
    if (!this.#due || this.#isWriting || machine === undefined) return
    this.#due = this.#isUrgent = false
    this.#isWriting = true
    const begun = performance.now()
    let rest = 0
    try {
      await this.#storage.set(this.#key, sealed(machine.checkpoint(HEAD)))
      rest = (performance.now() - begun) * SHARE
      this.#hasFailed = false
    } catch (error) {
      this.#due = true
      rest = RETRY
      this.#failed(`the state is not kept: ${wordsOf(error)}`, error)
    }
    this.#isWriting = false
    this.#next = performance.now() + rest
    if (this.#isUrgent) void this.#write()
    else if (this.#due && !this.#isClosed) this.#schedule()
  }

  #failed(message: string, error: unknown): void {
    if (!this.#hasFailed) this.#tell('persist', `option persist: ${message}`, error)
    this.#hasFailed = true
  }
}

/** What was kept is not what was written. */
class NotKept extends Error {}

/** Writes, into the room in front of a checkpoint, what tells later whether it is whole, and how old. */
function sealed(bytes: Uint8Array): Uint8Array {
  const head = new DataView(bytes.buffer, bytes.byteOffset, HEAD)
  head.setUint32(0, MARK)
  head.setFloat64(8, Date.now())
  head.setUint32(4, sumOf(bytes))
  return bytes
}

/** The checkpoint, and when it was kept. */
function opened(kept: unknown): [bytes: Uint8Array, at: number] {
  if (!(kept instanceof Uint8Array)) throw new NotKept('what was kept cannot be taken up: storage answered with something else than bytes')
  // As numbers it is read from multiples of their size on.
  const bytes = kept.byteOffset % 4 === 0 ? kept : kept.slice()
  const head = bytes.length < HEAD ? undefined : new DataView(bytes.buffer, bytes.byteOffset, HEAD)
  if (head?.getUint32(0) !== MARK) throw new NotKept('what was kept cannot be taken up: it is of another version, or nothing that was kept here')
  if (head.getUint32(4) !== sumOf(bytes)) throw new NotKept('what was kept cannot be taken up: it is not whole')
  return [bytes.subarray(HEAD), head.getFloat64(8)]
}

/** A number that is another one when a word of what is behind it is. */
function sumOf({ buffer, byteOffset, length }: Uint8Array): number {
  const words = new Int32Array(buffer, byteOffset, length >>> 2)
  let sum = length
  const add = (word: number): void => {
    sum = Math.imul(sum ^ word, PRIME)
    sum = (sum << 13) | (sum >>> 19)
  }
  for (let at = 2; at < words.length; at++) add(words[at] as number)
  for (const byte of new Uint8Array(buffer, byteOffset + (length & ~3), length & 3)) add(byte)
  return sum >>> 0
}

/** A database of this origin. It is opened when it is wanted, and let go of when somebody deletes it. */
function inIndexedDB(): PersistStorage {
  let store: UseStore | undefined
  const use: UseStore = async (mode, call) => {
    store ??= createStore('highwater', 'checkpoints')
    return store(mode, (objects) => {
      const { db } = objects.transaction
      db.onversionchange = () => {
        store = undefined
        db.close()
      }
      return call(objects)
    })
  }
  return {
    get: (key) => get<Uint8Array>(key, use),
    set: (key, bytes) =>
      use('readwrite', (objects) => {
        objects.put(bytes, key)
        // A page that is left has no time to see for itself that there is no more to come.
        objects.transaction.commit()
        return promisifyRequest(objects.transaction)
      }),
    delete: (key) => del(key, use),
  }
}

function isPage(): boolean {
  return typeof document === 'object' || 'WorkerGlobalScope' in globalThis
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

/** In front of a checkpoint: mark and version, sum, time. */
const HEAD = 16
const MARK = 0x48574b01
const PRIME = 0x01000193
/** In milliseconds. */
const SOON = 1_000
const PATIENCE = 4_000
const RETRY = 60_000
/** So many times as long as a write took, none follows it. */
const SHARE = 50
