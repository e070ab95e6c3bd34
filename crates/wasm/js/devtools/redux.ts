// A store's changes in the Redux DevTools extension, for people who have that open anyway.

import { check } from '../options.js'
import type { Store } from '../store.js'
import type { Change, ItemName, Status } from '../types.js'

/** The choices that {@link reduxDevtools} leaves open. */
export interface ReduxDevtoolsOptions {
  /** What the store is called there. Default: `highwater`. */
  readonly name?: string
  /** Transactions within so many milliseconds are shown as one action. Default: 250. */
  readonly every?: number
  /** A state of more bytes is not shown whole, but only what changed of it. Default: 1 MiB. */
  readonly maxBytes?: number
  /**
   * Shows a state of the past, by kind and key: called when somebody jumps to one. The store itself
   * goes on, as it is the server that says what is in it. Default: jumping is answered with an error.
   */
  readonly onJump?: (state: Readonly<Record<string, Readonly<Record<string, unknown>>>>) => void
}

/** What the extension puts into the page, as far as it is used here. */
interface Extension {
  connect(config: { readonly name: string; readonly features: Readonly<Record<string, boolean | 'custom'>> }): Connection
}

interface Connection {
  init(state: unknown): void
  send(action: unknown, state: unknown): void
  error(message: string): void
  subscribe(listener: (message: Message) => void): (() => void) | undefined
}

interface Message {
  readonly type: string
  readonly state?: string
  readonly payload?: { readonly type?: string; readonly status?: boolean; readonly nextLiftedState?: unknown } | string
}

/**
 * Shows what happens to a store in the Redux DevTools extension: an action for each transaction, or for
 * as many as came within a moment. Does nothing where there is no such extension. Returns what ends it.
 *
 * @example
 * reduxDevtools(store, { name: 'flags' })
 */
export function reduxDevtools<T extends object>(store: Store<T>, options: ReduxDevtoolsOptions = {}): () => void {
  check('options', options, { name: 'a string', every: '0..60000', maxBytes: '0..2147483648', onJump: 'a function' }, 'option ')
  const { __REDUX_DEVTOOLS_EXTENSION__: extension } = globalThis as { __REDUX_DEVTOOLS_EXTENSION__?: Extension }
  if (extension === undefined) return () => {}
  const bridge = new Bridge(store as unknown as Store, extension, options)
  return () => bridge.close()
}

class Bridge {
  readonly #store: Store
  readonly #connection: Connection
  readonly #options: Required<Omit<ReduxDevtoolsOptions, 'onJump'>> & Pick<ReduxDevtoolsOptions, 'onJump'>
  readonly #stops: (() => void)[]
  /** Transactions that were not shown yet: how many, what they changed, and whether one was a whole state. */
  #count = 0
  #changed = new Map<string, ItemName>()
  #removed = new Map<string, ItemName>()
  #isSnapshot = false
  #phase: Status['phase']
  #isWanted = true
  #isPaused = false
  #timer: ReturnType<typeof setTimeout> | undefined
  /** How long the last took. */
  #cost = 0

  constructor(store: Store, extension: Extension, { name = 'highwater', every = 250, maxBytes = 1 << 20, onJump }: ReduxDevtoolsOptions) {
    this.#store = store
    this.#options = { name, every, maxBytes, ...(onJump === undefined ? {} : { onJump }) }
    const isJump = onJump !== undefined
    this.#connection = extension.connect({ name, features: { pause: true, export: true, import: 'custom', jump: isJump, skip: false, reorder: false, dispatch: false, lock: false, persist: false, test: false } })
    this.#phase = store.status.phase
    const stop = this.#connection.subscribe((message) => this.#asked(message))
    this.#stops = [() => stop?.(), store.subscribe((change) => this.#moved(change)), store.onStatus((status) => this.#stands(status))]
    this.#connection.init(this.#state())
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const stop of this.#stops.splice(0)) stop()
  }

  #moved({ changed, removed, snapshot }: Change): void {
    if (!this.#isWanted || this.#isPaused) return
    this.#count += 1
    this.#isSnapshot ||= snapshot
    for (const name of changed) {
      this.#changed.set(nameOf(name), name)
      this.#removed.delete(nameOf(name))
    }
    for (const name of removed) {
      this.#removed.set(nameOf(name), name)
      this.#changed.delete(nameOf(name))
    }
    // Nine tenths of the time are the application's, however large the state is.
    this.#timer ??= setTimeout(() => this.#flush(), Math.max(this.#options.every, 9 * this.#cost))
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#count === 0) return
    const begun = performance.now()
    const { version, cursor } = this.#store.status
    const action = { type: this.#title(), transactions: this.#count, changed: listed(this.#changed), removed: listed(this.#removed), version, cursor }
    this.#connection.send(action, this.#state())
    this.#forget()
    this.#cost = performance.now() - begun
  }

  #stands({ phase, error }: Status): void {
    if (phase === this.#phase) return
    this.#phase = phase
    if (!this.#isWanted || this.#isPaused) return
    this.#flush()
    this.#connection.send({ type: `status: ${phase}`, ...(error === undefined ? {} : { error: `${error.code}: ${error.message}` }) }, this.#state())
  }

  #title(): string {
    if (this.#isSnapshot) return 'snapshot'
    const [one, ...others] = [...[...this.#changed.values()].map((name) => ['changed', name] as const), ...[...this.#removed.values()].map((name) => ['removed', name] as const)]
    if (one !== undefined && others.length === 0) return `${one[0]} ${one[1].kind}/${one[1].key}`
    return [[this.#changed.size, 'changed'] as const, [this.#removed.size, 'removed'] as const].filter(([count]) => count > 0).map(([count, word]) => `${word} ${count}`).join(', ')
  }

  /** What is there now, by kind and key; of what is too large, only what changed. */
  #state(): Record<string, unknown> {
    const { maxBytes } = this.#options
    const bytes = bytesOf(this.#store)
    if (bytes <= maxBytes) return Object.fromEntries(Object.entries(this.#store.snapshot()).map(([kind, items]) => [kind, Object.fromEntries(items as ReadonlyMap<string, unknown>)]))
    const some: Record<string, Record<string, unknown>> = {}
    for (const { kind, key } of [...this.#changed.values()].slice(0, MOST)) (some[kind] ??= {})[key] = this.#store.get(kind, key)
    return { '(not whole)': `${this.#store.size} items of ${bytes} bytes, more than maxBytes (${maxBytes}): only what changed is here`, ...some }
  }

  #forget(): void {
    this.#count = 0
    this.#changed = new Map()
    this.#removed = new Map()
    this.#isSnapshot = false
  }

  #asked({ type, state, payload }: Message): void {
    if (type === 'START') this.#isWanted = true
    else if (type === 'STOP') this.#isWanted = false
    if (type === 'START' || type === 'STOP') {
      this.#forget()
      if (this.#isWanted) this.#connection.init(this.#state())
      return
    }
    if (type === 'ACTION') return this.#connection.error('highwater: nothing can be dispatched; the server says what is in the store')
    if (type !== 'DISPATCH' || typeof payload !== 'object') return
    if (payload.type === 'PAUSE_RECORDING') {
      this.#isPaused = payload.status === true
      this.#forget()
    } else if (payload.type === 'COMMIT') this.#connection.init(this.#state())
    else if (payload.type === 'IMPORT_STATE') this.#connection.send(null, payload.nextLiftedState)
    else if (payload.type === 'JUMP_TO_STATE' || payload.type === 'JUMP_TO_ACTION') this.#jump(state)
    else this.#connection.error(`highwater: ${String(payload.type)} cannot be done; the server says what is in the store`)
  }

  #jump(state: string | undefined): void {
    const { onJump } = this.#options
    if (onJump === undefined) return this.#connection.error('highwater: the store stays as the server has it; the option onJump shows a state of the past')
    try {
      onJump(JSON.parse(state ?? '') as Record<string, Record<string, unknown>>)
    } catch (error) {
      this.#connection.error(`highwater: onJump: ${(error as Error).message}`)
    }
  }
}

/** About how large a state is: its checkpoint has every value as it came. */
function bytesOf(store: Store): number {
  try {
    return store.checkpoint().length
  } catch {
    // The module is not there yet, and so nothing else.
    return 0
  }
}

function listed(names: ReadonlyMap<string, ItemName>): string[] {
  const all = [...names.values()].map(({ kind, key }) => `${kind}/${key}`)
  return all.length <= MOST ? all : [...all.slice(0, MOST), `and ${all.length - MOST} more`]
}

function nameOf({ kind, key }: ItemName): string {
  return JSON.stringify([kind, key])
}

/** So many names are listed. */
const MOST = 100
