// The store: one stream, kept up, and its state to be read.

import { Edge, isNative, needsEverything } from './edge.js'
import { HighwaterError } from './errors.js'
import { Items } from './items.js'
import { changeOf, Listeners, report, wantsOf, within } from './listeners.js'
import { Bit, Input, Machine } from './machine.js'
import { bring, loadModule, type Module, moduleFor, type ModuleSource } from './module.js'
import { addressOf, checkOptions, numbersOf, type Options } from './options.js'
import type { Transacted } from './reads.js'
import { isSame, partsOf, type StatusParts, statusOf } from './status.js'
import { type TraceEvent, traceOf } from './trace.js'
import type { AnyKinds, Change, Collection, ItemName, Scope, Snapshot, Status, Version } from './types.js'

/**
 * Connects to a stream, and keeps its state. Synchronous: what is not there yet reads as
 * `undefined`, and `ready` says when the first whole state is.
 *
 * Throws a {@link HighwaterError} with code `bad-option` if it is called wrongly. All that
 * happens afterwards is told by `status`.
 *
 * @example
 * const flags = connect<{ flag: Flag }>('/v1/topics/flags/stream')
 * await flags.ready
 * flags.get('flag', 'dark-mode')
 */
export function connect<T extends object = AnyKinds>(url: string | URL, options: Options = {}): Store<T> {
  const address = addressOf('the URL to connect to', url)
  checkOptions(options)
  return new Store<T>(address, { ...options })
}

/**
 * Loads the WebAssembly module with everything, or the one that `source` is. Only `highwater/slim`
 * needs it, and whoever uses other classes than {@link Store}: {@link connect} loads what it wants.
 *
 * @example
 * import { init } from 'highwater/slim'
 * await init(fetch('/assets/core.wasm'))
 */
export async function init(source?: ModuleSource): Promise<void> {
  await (source === undefined ? loadModule(true) : bring(source))
}

/** What there is once the module is there. */
interface Running {
  readonly machine: Machine
  readonly edge: Edge
  readonly items: Items
}

/**
 * One stream, and its state: every item at its newest version, whole transactions at a time.
 * Made by {@link connect}. Reads never throw, and go on after {@link Store.close}.
 */
export class Store<T extends object = AnyKinds> {
  /** The first whole state is there. Rejects only if the store stops for good before that. */
  readonly ready: Promise<void>

  readonly #options: Options
  readonly #changes = new Listeners<Transacted>()
  readonly #statuses = new Listeners<Status>()
  readonly #traces = new Listeners<TraceEvent>()
  readonly #collections = new Map<string, Collection<unknown>>()
  /** What was asked for before the module was there. */
  #waiting: ((running: Running) => void)[] = []
  #running: Running | undefined
  #closed = false
  /** Why the module is of no use. */
  #broken: HighwaterError | undefined
  /** A value that was read and is not JSON: told until the next update, as all faults are. */
  #unreadable: { readonly error: HighwaterError; readonly version: number } | undefined
  #parts: StatusParts = START
  #status: Status = statusOf(START, 0)
  #statusTold = this.#status
  #fresh = true
  /** Whether `ready` is. */
  #settled = false
  #queue: (() => void)[] = []
  #telling = false
  #resolve: () => void = () => {}
  #reject: (error: HighwaterError) => void = () => {}
  #release: () => void = () => {}

  /** @internal Use {@link connect}. */
  constructor(url: string, options: Options) {
    this.#options = options
    this.ready = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Who does not wait for it need not catch it.
    this.ready.catch(() => {})
    this.#heed(url)
    if (this.#closed) return
    const everything = needsEverything(options)
    const module = moduleFor(everything)
    if (module !== undefined) this.#run(url, module)
    else {
      loadModule(everything).then(
        (loaded) => this.#run(url, loaded),
        (error: unknown) => this.#fail(error),
      )
    }
  }

  /** How the store stands: the same object until that changes. */
  get status(): Status {
    this.#refresh()
    return this.#status
  }

  /** Moves with every transaction that changed anything. */
  get version(): number {
    return this.#running?.items.version ?? 0
  }

  /** How many items there are. */
  get size(): number {
    return this.#running?.items.size ?? 0
  }

  /**
   * The value of an item: parsed when it is first read, and the same object until the item's
   * version moves.
   *
   * @example
   * store.get('process', '4711')?.name
   */
  get<K extends keyof T & string>(kind: K, key: string): T[K] | undefined {
    return this.#running?.items.get(kind, key) as T[K] | undefined
  }

  /** Whether there is such an item. */
  has(kind: keyof T & string, key: string): boolean {
    return this.#running?.items.has(kind, key) ?? false
  }

  /** The item's version, exact: a bigint where a number cannot be. */
  versionOf(kind: keyof T & string, key: string): Version | undefined {
    return this.#running?.items.versionOf(kind, key)
  }

  /** The keys of a kind; or all items, by kind and key. */
  keys(kind: keyof T & string): string[]
  keys(): ItemName<keyof T & string>[]
  keys(kind?: keyof T & string): string[] | ItemName<keyof T & string>[] {
    const names = this.#running?.items.names(kind) ?? []
    return kind === undefined ? (names as ItemName<keyof T & string>[]) : names.map(({ key }) => key)
  }

  /** Keys and values of a kind. */
  entries<K extends keyof T & string>(kind: K): [string, T[K]][] {
    return (this.#running?.items.entries(kind) ?? []) as [string, T[K]][]
  }

  /**
   * The same reads over one kind.
   *
   * @example
   * const processes = store.collection('process')
   * for (const [pid, process] of processes) console.log(pid, process.name)
   */
  collection<K extends keyof T & string>(kind: K): Collection<T[K]> {
    let collection = this.#collections.get(kind)
    if (collection === undefined) {
      collection = this.#collect(kind)
      this.#collections.set(kind, collection)
    }
    return collection as Collection<T[K]>
  }

  /**
   * The whole state at this moment: it never changes, and is the same object until the store's
   * version moves. Kinds that did not change are the same objects too.
   *
   * @example
   * const { flag } = store.snapshot()
   * flag?.get('dark-mode')
   */
  snapshot(): Snapshot<T> {
    return (this.#running?.items.snapshot() ?? NOTHING) as Snapshot<T>
  }

  /**
   * Calls a listener once for each committed transaction, after the state has moved. A listener
   * that throws is reported, and stops nobody else. Returns what ends it.
   *
   * @example
   * const stop = store.subscribe(({ changed }) => changed.forEach(draw), { kind: 'process', prefix: '47' })
   */
  subscribe(listener: (change: Change<T>) => void, scope?: Scope<T>): () => void {
    const wants = wantsOf(scope)
    this.#check('subscribe', listener)
    return this.#changes.add((transaction) => {
      const part = within(transaction, wants)
      if (part !== undefined) listener(changeOf<T>(part, this.version, this.#running?.items.cursor))
    })
  }

  /** Calls a listener whenever the status has changed. Returns what ends it. */
  onStatus(listener: (status: Status) => void): () => void {
    this.#check('onStatus', listener)
    return this.#statuses.add(listener)
  }

  /**
   * Calls a listener with every event of the wire and what came of it. Recorded only while
   * somebody listens. Returns what ends it.
   *
   * @example
   * store.trace(({ event, steps }) => console.log(event, steps.map((step) => step.action)))
   */
  trace(listener: (event: TraceEvent) => void): () => void {
    this.#check('trace', listener)
    const remove = this.#traces.add(listener)
    const follow = (): void => this.#ask(({ edge }) => edge.withEverything((machine) => machine.trace(this.#traces.size > 0), this.#thrown))
    follow()
    return () => {
      remove()
      if (!this.#closed) follow()
    }
  }

  /** Lets go of the connection until {@link Store.resume} with the same reason. The state stays. */
  pause(reason = 'pause'): void {
    this.#open('pause')
    this.#ask(({ edge }) => edge.input(Input.Pause, 0, 0, String(reason)))
  }

  /** Takes a reason to pause away; with the last one gone, the store connects again. */
  resume(reason = 'pause'): void {
    this.#open('resume')
    this.#ask(({ edge }) => edge.input(Input.Unpause, 0, 0, String(reason)))
  }

  /** Makes a new connection now, and resumes where the stream was left. */
  reconnect(): void {
    this.#open('reconnect')
    this.#ask(({ edge }) => edge.input(Input.Reconnect))
  }

  /** Ends it. The state stays readable; calling it again does nothing. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#release()
    this.#waiting = []
    const running = this.#running
    if (running !== undefined && this.#broken === undefined) {
      running.edge.input(Input.Stop)
      if (this.#traces.size > 0) this.#guard(() => running.edge.withEverything((machine) => machine.trace(false), this.#thrown))
    } else this.#notify(0)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close()
    return Promise.resolve()
  }

  /** Heeds the signal, and the platform's word on the network. */
  #heed(url: string): void {
    const { signal } = this.#options
    const close = (): void => this.close()
    const offline = (): void => this.#ask(({ edge }) => edge.input(Input.Offline))
    const online = (): void => this.#ask(({ edge }) => edge.input(Input.Online))
    // This machine is there without a network too.
    const listens = typeof globalThis.addEventListener === 'function' && !LOCAL.test(new URL(url).hostname)
    this.#release = () => {
      signal?.removeEventListener('abort', close)
      if (!listens) return
      globalThis.removeEventListener('offline', offline)
      globalThis.removeEventListener('online', online)
    }
    signal?.addEventListener('abort', close)
    if (listens) {
      globalThis.addEventListener('offline', offline)
      globalThis.addEventListener('online', online)
    }
    if (signal?.aborted === true) this.close()
  }

  #run(url: string, module: Module): void {
    if (this.#closed) return
    const options = this.#options
    // The platform's event source hides comments: their absence means nothing.
    const chosen: Options = isNative(options) && options.idle === undefined ? { ...options, idle: false } : options
    this.#guard(() => {
      const machine = new Machine(module, options.protocol, numbersOf(chosen, { seed: Math.random() }))
      const edge = new Edge(machine, url, options, (bits) => this.#notify(bits), (error) => this.#fail(error))
      const items = new Items(machine, (error) => {
        this.#unreadable = { error, version: this.version }
        this.#fresh = false
        report(options.onError, error)
      })
      this.#running = { machine, edge, items }
      for (const ask of this.#waiting.splice(0)) ask(this.#running)
      edge.input(Input.Start)
    })
  }

  /** Asks something of the session, now or when it is there. */
  #ask(ask: (running: Running) => void): void {
    if (this.#closed || this.#broken !== undefined) return
    const running = this.#running
    if (running === undefined) this.#waiting.push(ask)
    else this.#guard(() => ask(running))
  }

  /** The module does not throw, unless it has failed. */
  #guard(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    this.#broken ??=
      error instanceof HighwaterError
        ? error
        : new HighwaterError('wasm', `the WebAssembly module failed: ${String(error)}`, { cause: error, terminal: true })
    this.#release()
    this.#running = undefined
    this.#notify(0)
  }

  /** The module took something in. */
  #notify(bits: number): void {
    this.#fresh = false
    const running = this.#running
    const transactions = running?.items.took(bits, this.#changes.size > 0 ? 'changes' : 'nothing') ?? []
    for (const transaction of transactions) {
      this.#queue.push(() => this.#changes.tell(transaction, this.#thrown))
    }
    // How it stands is worked out when somebody asks, or waits for it.
    if (this.#statuses.size > 0 || (!this.#settled && (running === undefined || (bits & SETTLES) !== 0))) {
      this.#queue.push(() => this.#tellStatus())
    }
    if (this.#traces.size > 0 && running?.machine.module.isWhole === true) {
      const events = traceOf(running.machine.traced(), Date.now() - performance.now())
      for (const event of events) this.#queue.push(() => this.#traces.tell(event, this.#thrown))
    }
    // A listener may cause the next input: what it brings is told after what this one brought.
    if (this.#telling) return
    this.#telling = true
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) next()
    this.#telling = false
  }

  #tellStatus(): void {
    this.#refresh()
    if (this.#status === this.#statusTold) return
    this.#statusTold = this.#status
    this.#statuses.tell(this.#status, this.#thrown)
  }

  readonly #thrown = (error: unknown): void => report(this.#options.onError, error)

  #refresh(): void {
    if (this.#fresh) return
    this.#fresh = true
    let parts: StatusParts & { synced: boolean; news: number }
    if (this.#running === undefined) {
      const stopped = this.#closed || this.#broken !== undefined
      const error = this.#broken
      parts = { ...this.#parts, phase: stopped ? 'stopped' : 'connecting', connected: false, error, synced: false, news: 0 }
    } else {
      parts = partsOf(this.#running.machine, this.#parts)
    }
    const { synced, news: _, ...rest } = parts
    const unreadable = this.#unreadable?.version === rest.version ? this.#unreadable.error : undefined
    const next = { ...rest, error: rest.error ?? unreadable }
    this.#settled ||= synced || next.phase === 'stopped'
    if (synced) this.#resolve()
    else if (next.phase === 'stopped') {
      this.#reject(next.error ?? new HighwaterError('closed', 'the store was closed before its first state was there'))
    }
    if (isSame(this.#parts, next)) return
    this.#parts = next
    this.#status = statusOf(next, Date.now() - performance.now())
  }

  #collect(kind: string): Collection<unknown> {
    const store = this as unknown as Store
    return {
      kind,
      get size() {
        return store.keys(kind).length
      },
      get: (key) => store.get(kind, key),
      has: (key) => store.has(kind, key),
      versionOf: (key) => store.versionOf(kind, key),
      keys: () => store.keys(kind),
      values: () => store.entries(kind).map(([, value]) => value),
      entries: () => store.entries(kind),
      snapshot: () => this.#running?.items.shot(kind) ?? EMPTY,
      subscribe: (listener) => store.subscribe(listener, kind),
      [Symbol.iterator]: () => store.entries(kind)[Symbol.iterator](),
    }
  }

  #check(method: string, listener: unknown): void {
    this.#open(method)
    if (typeof listener !== 'function') {
      throw new HighwaterError('bad-option', `${method} needs a function, not ${typeof listener}`)
    }
  }

  #open(method: string): void {
    if (this.#closed) throw new HighwaterError('closed', `${method}: the store was closed`)
  }
}

const START: StatusParts = {
  phase: 'connecting',
  connected: false,
  attempt: 0,
  failures: 0,
  resumed: undefined,
  version: 0,
  cursor: undefined,
  retryAt: undefined,
  staleSince: undefined,
  error: undefined,
  received: 0,
  target: undefined,
}

/** What makes `ready` settle. */
const SETTLES = Bit.Synced | Bit.Stopped
const NOTHING = Object.freeze(Object.create(null) as object)
const EMPTY: ReadonlyMap<string, never> = new Map<string, never>()
const LOCAL = /^(localhost|127\.[0-9.]+|\[::1\])$|\.localhost$/
