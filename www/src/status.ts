// How the connection stands: a word with a colour, and every number behind it.

import type { Status } from 'highwater'
import { make, need, setText } from './dom'
import { clock, duration, shortCursor } from './format'
import type { Machine } from './machine'

const FIELDS = {
  cursor: ['Cursor', 'Where the stream would resume: the topic’s life, and the position in it'],
  version: ['Version', 'Moves with every transaction that changed anything'],
  items: ['Items', 'Processes, and the host'],
  resume: ['Last connect', 'Whether the server went on from our cursor, or sent everything'],
  attempt: ['Attempt', 'Connections tried since the state was last live'],
  failures: ['Failures', 'What the back-off counts at present'],
  lag: ['Lag', 'How old the state may be; 0 while live'],
  retry: ['Retry', 'When the next connection is tried'],
  error: ['Last error', 'The last fault, also after it has healed'],
} as const

type Field = keyof typeof FIELDS

export class StatusView {
  readonly #store: Machine
  readonly #fields = new Map<Field, HTMLElement>()
  readonly #phase = need('phase')
  readonly #pause = need<HTMLButtonElement>('pause')
  #lastError: { readonly code: string; readonly message: string; readonly at: number } | undefined
  #seenError: unknown
  #ticking: ReturnType<typeof setInterval> | undefined

  constructor(store: Machine) {
    this.#store = store
    const list = need('status')
    for (const [field, [label, title]] of Object.entries(FIELDS) as [Field, readonly [string, string]][]) {
      const value = make('dd', { 'data-testid': `status-${field}` }, '–')
      list.append(make('div', { class: `field ${field}`, title }, make('dt', {}, label), value))
      this.#fields.set(field, value)
    }
    this.#pause.addEventListener('click', () => this.#togglePause())
    need('reconnect').addEventListener('click', () => this.#reconnect())
    store.onStatus((status) => this.#show(status))
    this.#show(store.status)
  }

  /** What the items are is known to whoever follows the commits. */
  items(count: number): void {
    this.#set('items', String(count))
  }

  #show(status: Status): void {
    const { phase } = status
    if (setText(this.#phase, phase)) document.title = `${phase} · Highwater`
    document.body.dataset['phase'] = phase
    this.#phase.dataset['connected'] = String(status.connected)

    const cursor = status.cursor ?? ''
    this.#set('cursor', cursor === '' ? 'none' : shortCursor(cursor))
    this.#fields.get('cursor')!.dataset['cursor'] = cursor
    this.#fields.get('cursor')!.title = cursor
    this.#set('version', String(status.version))
    this.#set('attempt', String(status.attempt))
    this.#set('failures', String(status.failures))
    const verdict = status.resumed === undefined ? 'none yet' : status.resumed ? 'resumed' : 'snapshot'
    this.#set('resume', verdict)
    this.#fields.get('resume')!.dataset['verdict'] = verdict
    this.#showError(status)

    const paused = phase === 'paused' || phase === 'stopped'
    setText(this.#pause, paused ? 'Connect' : 'Pause')
    this.#tick(status)
  }

  #showError(status: Status): void {
    if (status.error !== undefined && status.error !== this.#seenError) {
      const { code, message } = status.error
      this.#lastError = { code, message, at: Date.now() }
    }
    this.#seenError = status.error
    const value = this.#fields.get('error')!
    value.dataset['healed'] = String(status.error === undefined)
    const last = this.#lastError
    if (last === undefined) return this.#set('error', 'none')
    this.#set('error', `${clock(last.at)} ${last.code}: ${last.message}${status.error === undefined ? ' (healed)' : ''}`)
    value.title = value.textContent
  }

  /** Times that run while nothing is reported; quiet as long as the state is live. */
  #tick(status: Status): void {
    clearInterval(this.#ticking)
    this.#ticking = undefined
    const since = Date.now() - status.lag
    const show = (): void => {
      const now = Date.now()
      this.#set('lag', status.phase === 'live' ? '0' : duration(now - since))
      const wait = status.retryAt === undefined ? undefined : status.retryAt - now
      this.#set('retry', wait === undefined ? '–' : wait > 0 ? `in ${(wait / 1000).toFixed(1)} s` : 'now')
    }
    show()
    if (status.phase !== 'live') this.#ticking = setInterval(show, 100)
  }

  #togglePause(): void {
    const { phase } = this.#store.status
    if (phase === 'stopped') return location.reload() // a store that has stopped stays so
    if (phase === 'paused') this.#store.resume()
    else this.#store.pause()
  }

  #reconnect(): void {
    const { phase } = this.#store.status
    if (phase === 'stopped') return location.reload()
    if (phase === 'paused') this.#store.resume()
    this.#store.reconnect()
  }

  #set(field: Field, text: string): void {
    setText(this.#fields.get(field)!, text)
  }
}
