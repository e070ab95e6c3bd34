// The items as they are now: a list to search, and one of them in full, with what became of it.

import type { Version } from '../../types.js'
import { ItemsList } from '../items-list.js'
import { textOf, versionIn } from '../reading.js'
import type { Replica } from '../replica.js'
import type { Subject } from '../stores.js'
import { stateAt } from '../travel.js'
import { choice, make, setText } from './dom.js'
import { count } from './format.js'
import { ItemDetail } from './item.js'
import { VirtualList } from './list.js'
import type { Panelled, Tab } from './tab.js'

/** Transactions with more than this are cause to begin anew. */
const MANY = 2000
/** What a frame may spend on searching. */
const SLICE = 5

export class ItemsTab implements Tab {
  readonly element = make('div', { class: 'split' })
  readonly #panel: Panelled
  readonly #search = make('input', { type: 'search', 'aria-label': 'Search keys and values', placeholder: 'Search keys and values', spellcheck: 'false', autocomplete: 'off', 'data-testid': 'items-search' })
  readonly #kind = choice('Kind', 'kind', [['', 'all kinds']])
  readonly #count = make('span', { class: 'count', 'data-testid': 'items-count' })
  readonly #list: VirtualList
  readonly #detail: ItemDetail
  #subject: Subject | undefined
  #items: ItemsList | undefined
  #replica: Replica | undefined
  #stop: () => void = () => {}
  #chosen: { readonly kind: string; readonly key: string } | undefined
  /** The place of what is chosen, when it was last looked up. */
  #at = -1
  #kinds = ''

  constructor(panel: Panelled) {
    this.#panel = panel
    this.#detail = new ItemDetail(panel, () => this.#choose(-1))
    this.#list = new VirtualList({
      label: 'Items',
      height: 24,
      empty: 'No items.',
      fill: (row, index) => this.#fill(row, index),
      choose: (index) => this.#choose(index),
    })
    this.#list.element.dataset['testid'] = 'items'
    const bar = make('div', { class: 'bar' }, this.#search, this.#kind, this.#count)
    this.element.append(make('div', { class: 'main' }, bar, this.#list.element), this.#detail.element)
    const search = (): void => {
      this.#items?.search(this.#search.value, this.#kind.value === '' ? undefined : this.#kind.value)
      this.#at = -1
      this.#list.element.scrollTop = 0
      panel.drawSoon()
    }
    this.#search.addEventListener('input', search)
    this.#kind.addEventListener('change', search)
  }

  begin(subject: Subject): void {
    this.end()
    const other = subject !== this.#subject
    this.#subject = subject
    if (other) this.#chosen = undefined
    const { live, recording } = subject
    if (live === undefined) this.#replica = stateAt(recording, recording.end - 1)
    this.#items = new ItemsList(() => this.#machine, this.#replica?.names() ?? live?.names() ?? [])
    this.#items.search(this.#search.value, this.#kind.value === '' ? undefined : this.#kind.value)
    const stops = [
      live?.onChange((names) => {
        if (names === undefined || names.changed.length + names.removed.length > MANY) this.#items?.rebuild(live.names())
        else this.#items?.change(names)
        this.#panel.drawSoon()
      }),
      live?.onMore(() => this.#panel.drawSoon()),
    ]
    this.#stop = () => {
      for (const stop of stops) stop?.()
    }
    this.#at = -1
  }

  end(): void {
    this.#stop()
    this.#stop = () => {}
    this.#replica?.[Symbol.dispose]()
    this.#replica = this.#items = undefined
  }

  draw(): void {
    const items = this.#items
    if (items === undefined) return
    items.work(SLICE)
    if (!items.isDone) this.#panel.drawSoon()
    const { names } = items
    const chosen = this.#chosen
    if (chosen !== undefined && !isName(names[this.#at], chosen)) this.#at = names.findIndex((name) => isName(name, chosen))
    this.#list.show(names.length, this.#at)
    this.#showKinds()
    const of = names.length === items.size ? '' : ` of ${items.size.toLocaleString('en')}`
    setText(this.#count, `${names.length.toLocaleString('en')}${of} ${items.size === 1 ? 'item' : 'items'}${items.isDone ? '' : ', searching…'}`)
    if (chosen !== undefined && this.#subject !== undefined) this.#detail.show(this.#subject, chosen.kind, chosen.key, this.#text(chosen), this.#version(chosen))
    else this.#detail.clear()
  }

  get #machine(): Replica['machine'] | undefined {
    return this.#replica?.machine ?? this.#subject?.live?.machine
  }

  #text({ kind, key }: { readonly kind: string; readonly key: string }): string | undefined {
    const machine = this.#machine
    return machine === undefined ? undefined : textOf(machine, kind, key)
  }

  #version({ kind, key }: { readonly kind: string; readonly key: string }): Version | undefined {
    const machine = this.#machine
    return machine === undefined ? undefined : versionIn(machine, kind, key)
  }

  #fill(row: HTMLElement, index: number): void {
    const name = this.#items?.names[index]
    if (name === undefined) return
    if (row.childElementCount === 0) row.append(make('span', { class: 'kind' }), make('span', { class: 'key' }), make('span', { class: 'version' }), make('span', { class: 'value' }))
    const [kind, key, version, value] = row.children as unknown as [Element, Element, Element, Element]
    setText(kind, name.kind)
    setText(key, name.key)
    setText(version, `v${String(this.#version(name) ?? '')}`)
    setText(value, (this.#text(name) ?? '').slice(0, 200))
  }

  #choose(index: number): void {
    this.#chosen = this.#items?.names[index]
    this.#at = index
    this.#panel.drawSoon()
  }

  #showKinds(): void {
    const kinds = [...(this.#items?.kinds ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))
    const words = JSON.stringify(kinds.map(([kind]) => kind))
    if (words === this.#kinds) return
    this.#kinds = words
    const { value } = this.#kind
    this.#kind.replaceChildren(make('option', { value: '' }, count(kinds.length, 'kind')), ...kinds.map(([kind]) => make('option', { value: kind }, kind)))
    this.#kind.value = kinds.some(([kind]) => kind === value) ? value : ''
  }
}

function isName(a: { readonly kind: string; readonly key: string } | undefined, b: { readonly kind: string; readonly key: string }): boolean {
  return a?.kind === b.kind && a.key === b.key
}
