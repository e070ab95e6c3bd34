// A list of any length: only the rows in sight are in the document. All are of one height.

import { make } from './dom.js'

/** What a list is made of. */
export interface Rows {
  readonly label: string
  /** In pixels. */
  readonly height: number
  /** What it says when there is nothing. */
  readonly empty: string
  /** Fills a row, which may have been another's, and says which it is. */
  fill(row: HTMLElement, index: number): void
  /** A row was chosen, by click or by key. */
  choose(index: number): void
}

/** A list, as a listbox: arrow keys choose, and what is chosen stays so while rows move. */
export class VirtualList {
  readonly element: HTMLElement
  readonly #rows: Rows
  readonly #body = make('div', { class: 'list-body', role: 'presentation' })
  readonly #nothing = make('p', { class: 'nothing' })
  readonly #pool: HTMLElement[] = []
  readonly #id = `list-${(number += 1)}`
  #count = 0
  #chosen = -1
  /** Sized when it is seen, not read with each frame. */
  #height = 0
  readonly #observer: ResizeObserver

  constructor(rows: Rows) {
    this.#rows = rows
    this.element = make('div', { class: 'list', tabindex: 0 }, this.#nothing, this.#body)
    this.element.addEventListener('scroll', () => this.refresh(), { passive: true })
    this.element.addEventListener('click', (event) => {
      const row = (event.target as Element).closest<HTMLElement>('[data-index]')
      if (row !== null) this.#choose(Number(row.dataset['index']))
    })
    this.element.addEventListener('keydown', (event) => this.#key(event))
    this.#observer = new ResizeObserver(([entry]) => {
      this.#height = entry?.contentRect.height ?? 0
      this.refresh()
    })
    this.#observer.observe(this.element)
    this.#roles()
  }

  /** Whether the last row is in sight. */
  get isAtEnd(): boolean {
    return this.element.scrollTop + this.#height >= this.#count * this.#rows.height - this.#rows.height
  }

  /** Shows so many rows; `chosen` is the one that is marked. */
  show(count: number, chosen: number): void {
    this.#chosen = chosen
    if (count !== this.#count) {
      const had = this.#count > 0
      this.#count = count
      this.#body.style.height = `${count * this.#rows.height}px`
      if (had !== count > 0) this.#roles()
    }
    this.refresh()
  }

  /** Rows before those in sight are gone: what is in sight stays where it is. */
  shift(rows: number): void {
    this.element.scrollTop -= rows * this.#rows.height
  }

  toEnd(): void {
    this.element.scrollTop = this.#count * this.#rows.height
  }

  /** Fills the rows in sight anew. */
  refresh(): void {
    if (this.#height === 0) return
    const { height } = this.#rows
    const first = Math.max(0, Math.floor(this.element.scrollTop / height) - 2)
    const last = Math.min(this.#count, first + Math.ceil(this.#height / height) + 4)
    for (let place = 0; place < last - first; place += 1) {
      const row = this.#pool[place] ?? this.#row()
      const index = first + place
      if (row.dataset['index'] !== String(index)) {
        row.dataset['index'] = String(index)
        row.id = `${this.#id}-${index}`
        row.style.transform = `translateY(${index * height}px)`
        row.setAttribute('aria-posinset', String(index + 1))
      }
      const selected = String(index === this.#chosen)
      if (row.getAttribute('aria-selected') !== selected) row.setAttribute('aria-selected', selected)
      const size = String(this.#count)
      if (row.getAttribute('aria-setsize') !== size) row.setAttribute('aria-setsize', size)
      row.hidden = false
      this.#rows.fill(row, index)
    }
    for (let place = last - first; place < this.#pool.length; place += 1) (this.#pool[place] as HTMLElement).hidden = true
    if (this.#chosen >= first && this.#chosen < last) this.element.setAttribute('aria-activedescendant', `${this.#id}-${this.#chosen}`)
    else this.element.removeAttribute('aria-activedescendant')
  }

  close(): void {
    this.#observer.disconnect()
  }

  #row(): HTMLElement {
    const row = make('div', { class: 'row', role: 'option' })
    row.style.height = `${this.#rows.height}px`
    this.#pool.push(row)
    this.#body.append(row)
    return row
  }

  /** A listbox has options: one without any is none. */
  #roles(): void {
    const isFull = this.#count > 0
    this.element.setAttribute('role', isFull ? 'listbox' : 'region')
    this.element.setAttribute('aria-label', this.#rows.label)
    this.#nothing.textContent = isFull ? '' : this.#rows.empty
    this.#nothing.hidden = isFull
  }

  #choose(index: number): void {
    if (index < 0 || index >= this.#count) return
    const { height } = this.#rows
    const { scrollTop } = this.element
    if (index * height < scrollTop) this.element.scrollTop = index * height
    else if ((index + 1) * height > scrollTop + this.#height) this.element.scrollTop = (index + 1) * height - this.#height
    // Keys may come faster than frames.
    this.#chosen = index
    this.#rows.choose(index)
  }

  #key(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(this.#height / this.#rows.height) - 1)
    const to: Record<string, number> = {
      ArrowDown: this.#chosen + 1,
      ArrowUp: this.#chosen < 0 ? this.#count - 1 : Math.max(0, this.#chosen - 1),
      PageDown: Math.min(this.#count - 1, this.#chosen + page),
      PageUp: Math.max(0, this.#chosen - page),
      Home: 0,
      End: this.#count - 1,
    }
    const index = to[event.key]
    if (index === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    this.#choose(index)
  }
}

let number = 0
