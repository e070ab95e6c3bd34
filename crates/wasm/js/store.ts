// The store: one stream, kept up, and its state to be read.

import * as Bit from './bit.js'
import { type Edge, edgeOf, needsEverything } from './edge.js'
import { collectionOf } from './collection.js'
import { HighwaterError } from './errors.js'
import { type Followed, type Follower, Followers } from './followers.js'
import * as Input from './input.js'
import { Items } from './items.js'
import { Listeners, placesOf, report, Subscriptions } from './listeners.js'
import { Machine } from './machine.js'
import { bring, loadModule, loadMore, type Module, type More, moduleFor, type ModuleSource, moreThere, setSources } from './module.js'
import { addressOf, checkOptions, numbersOf, type Options } from './options.js'
import { Materialized, type StoreView } from './materialized.js'
import type { Transacted } from './reads.js'
import { LiveView, type ViewSpec } from './rows.js'
import { heed } from './platform.js'
import type { Prepared } from './prepare.js'
import { type Announced, announce, LEVEL, withdraw } from './registry.js'
import type { Outputs, Schemas } from './schema.js'
import { Standing } from './standing.js'
import { Turns } from './turns.js'
import type { TraceEvent } from './trace.js'
import type { AnyKinds, Change, Collection, ItemName, Scope, Snapshot, Status, Version } from './types.js'

/**
 * Connects to a stream, and keeps its state. Synchronous: what is not there yet reads as
 * `undefined`, and `ready` says when the first whole state is.
 *
 * Throws a {@link HighwaterError} with code `bad-option` if it is called wrongly; what is within the options
 * `schema`, `protocol`, `initial` and `persist` is looked at when code for them is there, which in a browser is later.
 * All that happens afterwards is told by `status`.
 *
 * @example
 * const flags = connect<{ flag: Flag }>('/v1/topics/flags/stream')
 * await flags.ready
 * flags.get('flag', 'dark-mode')
 */
export function connect<S extends Schemas>(url: string | URL, options: Options & { readonly schema: S }): Store<Outputs<S>>
export function connect<T extends object = AnyKinds>(url: string | URL, options?: Options): Store<T>
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

/**
 * For the doors: says where modules come from. A door needs it from here, and so the store is made ready with the
 * door by bundlers, too, that make what is also imported later (more.ts) ready only for those who need it.
 */
export function enter(...sources: Parameters<typeof setSources>): void {
  setSources(...sources)
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

  readonly #url: string
  readonly #options: Options
  readonly #standing = new Standing()
  readonly #changes = new Subscriptions<T>()
  readonly #statuses = new Listeners<Status>()
  readonly #traces = new Listeners<TraceEvent>()
  readonly #followers = new Followers()
  readonly #followed: Followed = {
    begin: (follower) => this.#follow(follower),
    tell: (call) => void this.#turns.push(() => call(this.#thrown)),
    flush: () => this.#turns.run(),
    fail: (error) => this.#told(error),
    hold: (follower, on) => this.#followers.hold(follower, on),
  }
  readonly #collections = new Map<string, Collection<unknown>>()
  /** What was asked for before the module was there. */
  #waiting: ((running: Running) => void)[] = []
  #running: Running | undefined
  /** Whether something was asked for that the lean module does not have. */
  #wants = false
  #closed = false
  /** Why the module is of no use. */
  #broken: HighwaterError | undefined
  /** What options come to, if they were looked into. */
  #prepared: Prepared | undefined
  /** What listeners are to be told: one may cause the next input, and what that brings comes after what this one brought. */
  readonly #turns = new Turns()
  #release: () => void = () => {}
  /** The status that was told last. */
  #lastStatus: Status
  /** What is known of it outside; nobody else holds it. */
  readonly #announced: Announced

  /** @internal Use {@link connect}. */
  constructor(url: string, options: Options) {
    this.#url = url
    this.#options = options
    this.#prepared = moreThere && this.#prepare(moreThere)
    this.ready = this.#standing.ready
    this.#lastStatus = this.status
    this.#announced = { level: LEVEL, store: this as unknown as Store, url, options, running: () => this.#running }
    announce(this.#announced)
    this.#release = heed(url, options, (what, ...why) => this.#input(what, ...why), () => this.close())
    if (this.#closed) this.#release()
    if (this.#closed) return
    const needs = needsEverything(options)
    const gathered =
      this.#prepared !== undefined
        ? this.#prepared.ready()
        : needs || NEED_MORE.some((name) => options[name] !== undefined)
          ? loadMore().then((more) => (this.#prepared = this.#prepare(more)).ready())
          : undefined
    const module = gathered === undefined ? moduleFor(needs) : undefined
    if (module !== undefined) this.#run(module)
    else Promise.all([this.#module(needs), gathered]).then(([loaded]) => this.#run(loaded), (error: unknown) => this.#fail(error))
  }

  /** How the store stands: the same object until that changes. */
  get status(): Status {
    return this.#standing.status(this.#running?.machine, this.#closed || this.#broken !== undefined, this.#broken)
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
    const items = this.#running?.items
    if (kind === undefined) return (items?.names() ?? []) as ItemName<keyof T & string>[]
    return items?.keys(kind) ?? []
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
      collection = collectionOf(this as unknown as Store, kind, () => this.#running?.items.shot(kind))
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
   * The whole state and its position as bytes: what the option `initial` of another store takes up
   * again, in this process or another. Throws as long as the module is not there; after
   * {@link Store.ready} it is.
   *
   * @example
   * const again = connect(url, { initial: store.checkpoint() })
   */
  checkpoint(): Uint8Array {
    if (this.#running === undefined) throw this.#broken ?? new HighwaterError('wasm', 'checkpoint: the WebAssembly module is not there yet; await ready first')
    return this.#running.machine.checkpoint()
  }

  /**
   * Calls a listener once for each committed transaction, after the state has moved. A listener
   * that throws is reported, and stops nobody else. Returns what ends it.
   *
   * @example
   * const stop = store.subscribe(({ changed }) => changed.forEach(draw), { kind: 'process', prefix: '47' })
   */
  subscribe(listener: (change: Change<T>) => void, scope?: Scope<T>): () => void {
    const places = placesOf(scope)
    this.#check('subscribe', listener)
    return this.#changes.add(listener, places)
  }

  /**
   * Lists items that a condition holds for, in order, and keeps the list up to date: a transaction
   * costs what it changes, however many items there are. End it by {@link LiveView.close}, or
   * forget it.
   *
   * Throws a {@link HighwaterError} with code `bad-query` for a spec that is none; if the module is
   * not there yet, that is told by {@link LiveView.error} and `onError`.
   *
   * @example
   * const top = store.view({ kind: 'task', where: { '/done': false }, sort: ['-/votes'], limit: 10 })
   * top.subscribe(() => render(top.rows))
   */
  view<K extends keyof T & string = keyof T & string>(spec: ViewSpec<K> = {}): LiveView<T, K> {
    return new LiveView<T, K>(spec, this.#followed)
  }

  /**
   * Has a view of the application's own follow the state: it is given everything that is there, and
   * from then on what is different. One that throws is told by `status.error` and `onError`, stops
   * nobody else, and is given everything anew. It is told until {@link Materialized.close}.
   *
   * @example
   * const total = store.materialize(votes)
   * total.subscribe(() => render(total.snapshot()))
   */
  materialize<R>(view: StoreView<T, R>): Materialized<R> {
    return new Materialized<R>(view as unknown as StoreView<never, R>, this.#followed)
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
    this.#wants = true
    const follow = (): void => this.#ask(({ edge, machine }) => this.#whole(edge, () => machine.trace(this.#traces.size > 0)))
    follow()
    return () => {
      remove()
      follow()
    }
  }

  /** Lets go of the connection until {@link Store.resume} with the same reason. The state stays. */
  pause(reason = 'pause'): void {
    this.#open('pause')
    this.#input(Input.Pause, String(reason))
  }

  /** Takes a reason to pause away; with the last one gone, the store connects again. */
  resume(reason = 'pause'): void {
    this.#open('resume')
    this.#input(Input.Unpause, String(reason))
  }

  /** Makes a new connection now, and resumes where the stream was left. */
  reconnect(): void {
    this.#open('reconnect')
    // Before there is a connection the first one is meant.
    if (this.#running !== undefined) this.#input(Input.Reconnect)
  }

  /** Ends it. The state stays readable; calling it again does nothing. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#release()
    withdraw(this.#announced)
    this.#guard(() => this.#prepared?.close())
    this.#waiting = []
    if (this.#running === undefined) this.#notify(0)
    else this.#running.edge.input(Input.Stop)
  }

  /**
   * The changes from now on. Whoever is slow loses none: what waits too long is put together. It
   * ends when the store is closed, and throws if that stops for good.
   *
   * @example
   * for await (const { changed } of store) await draw(changed)
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Change<T>> {
    this.#open('iteration')
    // Heard from now on, and told when the rest of the code is there.
    const early: Change<T>[] = []
    let hear = (change: Change<T>): void => void early.push(change)
    const stop = this.subscribe((change) => hear(change))
    const begun = import('./iteration.js').then(({ iterate }) => iterate(this, early, stop, (push) => (hear = push)))
    begun.catch(stop)
    return {
      next: () => begun.then((changes) => changes.next()),
      return: () => begun.then((changes) => changes.return()),
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  [Symbol.dispose](): void {
    this.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  /** The module to begin in: the one with everything if the options need that, or if it was asked for since. */
  async #module(needs: boolean): Promise<Module> {
    await undefined
    const lean = needs || this.#wants ? undefined : await loadModule(false)
    if (lean !== undefined && !this.#wants) return lean
    return loadModule(true).catch((error: unknown) => {
      if (needs) throw error
      // Who asked for it hears of this when the store has begun without.
      return lean ?? loadModule(false)
    })
  }

  #prepare(more: More): Prepared {
    return more.prepare(this.#url, this.#options, (error) => this.#told(error))
  }

  #run(module: Module): void {
    if (this.#closed) return
    const options = this.#options
    const prepared = this.#prepared
    this.#guard(() => {
      const machine = new Machine(module, options.protocol, numbersOf(prepared?.options ?? options, Math.random()))
      const notify = (bits: number): void => this.#notify(bits)
      const edge = edgeOf(machine, this.#url, options, notify, (error) => this.#fail(error))
      const items = new Items(machine, (error) => this.#told(error), prepared?.judge)
      this.#running = { machine, edge, items }
      prepared?.start(machine, notify, () => edge.others?.leads() !== false)
      for (const ask of this.#waiting.splice(0)) ask(this.#running)
      edge.input(Input.Start)
    })
  }

  /** Something went wrong on this side. */
  #told(error: HighwaterError): void {
    this.#standing.fail(error, this.version)
    this.#thrown(error)
  }

  /** Has something follow the state, from now on or when the module is there. */
  #follow(follower: Follower): void {
    const running = this.#running
    this.#wants ||= follower.whole
    if (running === undefined || (follower.whole && !running.machine.module.isWhole)) {
      if (this.#closed) follower.stop()
      this.#ask(({ machine, edge, items }) => {
        const start = (): void => {
          try {
            follower.start(machine, items)
          } catch (error) {
            this.#thrown(error)
          }
        }
        if (follower.whole) this.#whole(edge, start, () => follower.stop())
        else start()
      })
    } else follower.start(running.machine, running.items)
    this.#followers.add(follower)
  }

  /** Asks something of the session in the module with everything, now or when that is there. */
  #whole(edge: Edge, ask: () => void, failed?: () => void): void {
    const then = (): void => {
      ask()
      this.#turns.run()
    }
    edge.whole(then, (error) => {
      failed?.()
      if (!this.#closed) this.#told(error as HighwaterError)
    })
  }

  /** Tells the session of something, now or when it is there. */
  #input(what: number, ...texts: string[]): void {
    this.#ask(({ edge }) => edge.input(what, 0, ...texts))
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
    this.#prepared?.stop()
    this.#running = undefined
    this.#followers.each((follower) => follower.stop())
    this.#notify(0)
  }

  /** The module took something in. */
  #notify(bits: number): void {
    this.#standing.moved()
    if ((bits & Bit.Commits) !== 0) this.#prepared?.moved()
    const running = this.#running
    if (running !== undefined) {
      const unwanted = this.#changes.size === 0 && !this.#followers.hear
      const later = running.items.took(bits, !unwanted)
      if ((bits & Bit.Commits) !== 0) this.#committed(running.items, () => later?.(false) ?? [])
    }
    // How it stands is worked out when somebody asks, or waits for it.
    if (this.#statuses.size > 0 || (!this.#standing.settled && (running === undefined || (bits & SETTLES) !== 0))) {
      this.#turns.push(() => {
        const { status } = this
        if (status === this.#lastStatus) return
        this.#lastStatus = status
        this.#statuses.tell(status, this.#thrown)
      })
    }
    if (this.#traces.size > 0 && running?.machine.module.isWhole === true) {
      const { machine } = running
      const events = machine.module.more.traced(machine, Date.now() - performance.now())
      for (const event of events) this.#turns.push(() => this.#traces.tell(event, this.#thrown))
    }
    this.#turns.run()
  }

  #committed(items: Items, transactions: () => readonly Transacted[]): void {
    this.#guard(() => this.#followers.each((follower) => follower.follow(transactions)))
    if (this.#changes.size === 0) return
    const { version, cursor } = items
    for (const transaction of transactions()) {
      this.#turns.push(() => this.#changes.tell(transaction, version, cursor, this.#thrown))
    }
  }

  readonly #thrown = (error: unknown): void => report(this.#options.onError, error)

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

/** Options that are looked into, though the lean module will do. */
const NEED_MORE = ['schema', 'body', 'poll'] as const
/** What makes `ready` settle. */
const SETTLES = Bit.Synced | Bit.Stopped
const NOTHING = Object.freeze(Object.create(null) as object)
