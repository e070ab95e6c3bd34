// The view: the orders as they are now, and how far the worker is with each.

import type { Row, Store } from 'highwater'
import { flash, make, need, setText } from '../dom'
import { plural } from '../format'
import { addOne, cancel } from './shop'
import type { Kinds, Order } from './shop'
import type { Worker } from './worker'

export class OrdersView {
  readonly #store: Store<Kinds>
  readonly #worker: Worker
  readonly #view
  readonly #body = need('orders')
  readonly #attempt: (work: Promise<void>) => void

  /** `attempt` says what went wrong with a request. */
  constructor(store: Store<Kinds>, worker: Worker, attempt: (work: Promise<void>) => void) {
    this.#store = store
    this.#worker = worker
    this.#attempt = attempt
    this.#view = store.view({ kind: 'order', sort: ['-/placed'] })
    this.#view.subscribe(({ removed, inserted, updated }) => {
      for (const at of [...removed].reverse()) this.#body.children[at]?.remove()
      for (const { at, row } of inserted) this.#body.insertBefore(this.#row(row), this.#body.children[at] ?? null)
      for (const { at, row } of updated) this.#fill(this.#body.children[at]!, row, true)
      this.progress()
    })
    for (const row of this.#view.rows) this.#body.append(this.#row(row))
    this.progress()
  }

  /** The keys of the orders, the newest first. */
  get keys(): string[] {
    return this.#view.rows.map(({ key }) => key)
  }

  /** Says how far the worker is. */
  progress(): void {
    const { state, deliveries } = this.#worker
    const inHand = new Set(deliveries.filter(({ outcome }) => outcome === 'in hand').flatMap(({ keys }) => keys))
    let behind = state.keys('order').filter(({ key }) => !this.#store.has('order', key)).length
    for (const row of this.#body.children as HTMLCollectionOf<HTMLElement>) {
      const key = row.dataset['key']!
      const done = state.versionOf('order', key) === this.#store.versionOf('order', key)
      const word = done ? 'done' : inHand.has(key) ? 'in hand' : 'waiting'
      behind += done ? 0 : 1
      const cell = row.children[4]!.firstElementChild as HTMLElement
      cell.dataset['state'] = word
      setText(cell, word)
    }
    setText(need('count'), plural(this.#view.count, 'order'))
    const verdict = need('verdict')
    verdict.dataset['result'] = behind === 0 ? 'ok' : 'busy'
    setText(verdict, behind === 0 ? 'the worker’s state equals the view ✓' : `the worker is ${plural(behind, 'order')} behind`)
  }

  #row(row: Row<Kinds>): HTMLElement {
    const { key } = row
    const more = make('button', { type: 'button', class: 'small', 'aria-label': `+1 piece of ${key}`, 'data-testid': 'more' }, '+1')
    const end = make('button', { type: 'button', class: 'small', 'aria-label': `Cancel ${key}`, 'data-testid': 'cancel' }, 'Cancel')
    const order = (): Order | undefined => this.#store.get('order', key)
    more.addEventListener('click', () => this.#attempt(order() === undefined ? Promise.resolve() : addOne(key, order()!)))
    end.addEventListener('click', () => this.#attempt(cancel(key)))
    const line = make('tr', { 'data-key': key, 'data-testid': 'order' },
      make('th', { scope: 'row', class: 'value' }, key), make('td'), make('td', { class: 'number' }), make('td', { class: 'number' }),
      make('td', {}, make('span', { class: 'badge' })), make('td', { class: 'acts' }, more, end))
    this.#fill(line, row, false)
    return line
  }

  #fill(line: Element, { key, value }: Row<Kinds>, mark: boolean): void {
    const [, item, pieces, version] = line.children as unknown as HTMLElement[]
    const texts = [[item!, value?.item ?? ''], [pieces!, String(value?.pieces ?? '')], [version!, String(this.#store.versionOf('order', key) ?? '')]] as const
    for (const [cell, text] of texts) if (setText(cell, text) && mark) flash(cell)
  }
}
