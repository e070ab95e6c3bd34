// The live process table. A row lives as long as its key; only what changed is touched.

import { COLUMNS, comparator, haystack } from './columns'
import type { Column, Entry } from './columns'
import { flash, make, need, oncePerFrame, setText } from './dom'
import { plural } from './format'
import type { Machine, Process } from './machine'
import { staying } from './order'

interface Row extends Entry {
  readonly key: string
  readonly node: HTMLElement
  readonly cells: readonly HTMLElement[]
  process: Process | undefined
  version: number | bigint
  haystack: string
  /** The place among the body's children. */
  position: number
  /** When a deleted row is taken out. */
  goneAt: number | undefined
}

/** How long a deleted row stays to be seen going; as long as the fade in the style sheet. */
const FADE = 1000
/** How long a row is marked as new. */
const NEW = 4000

/** A row without texts: the first state has hundreds of them, which are copied sooner than made. */
const BARE = make('div', { role: 'row', class: 'row', 'data-testid': 'row' },
  ...COLUMNS.map(({ id, numeric }) => make('div', { role: 'cell', class: numeric ? `cell number ${id}` : `cell ${id}` })))

export class ProcessTable {
  readonly #processes
  readonly #body = make('div', { role: 'rowgroup', class: 'body', 'data-testid': 'rows' })
  readonly #headers = new Map<string, HTMLElement>()
  readonly #rows = new Map<string, Row>()
  /** All rows as they stand in the body, the fading ones too. */
  #standing: Row[] = []
  #sort: { column: Column; descending: boolean }
  #words: readonly string[] = []
  #hovered = false
  readonly #count = need('count')
  readonly #held = need('held')
  readonly #table = need('table')
  readonly #arrangeSoon = oncePerFrame(() => this.#arrange())

  constructor(store: Machine) {
    this.#processes = store.collection('process')
    this.#sort = { column: COLUMNS.find((column) => column.id === 'cpu')!, descending: true }
    this.#table.append(this.#header(), this.#body)
    this.#showSort()
    this.#followPointer()
    this.#followScroll(need('processes'))
    this.#followFilter(need<HTMLInputElement>('filter'))
  }

  /** Takes over what a commit did; `first` is for the state that the page begins with. */
  update(changed: Iterable<string>, removed: Iterable<string>, first: boolean): void {
    for (const key of changed) this.#put(key, !first)
    for (const key of removed) this.#remove(key)
    this.#arrangeSoon()
  }

  /** The keys in the table with the version that each row shows: read off the page itself. */
  shown(): Map<string, string> {
    const version = COLUMNS.findIndex((column) => column.id === 'version')
    const shown = new Map<string, string>()
    for (const node of this.#body.children) {
      if (node.classList.contains('gone')) continue
      shown.set((node as HTMLElement).dataset['key'] ?? '', node.children[version]?.textContent ?? '')
    }
    return shown
  }

  #put(key: string, mark: boolean): void {
    const process = this.#processes.get(key)
    const version = this.#processes.versionOf(key) ?? 0
    const known = this.#rows.get(key)
    const row = known ?? this.#add(key, mark)
    row.process = process
    row.version = version
    row.haystack = haystack(row)
    if (row.goneAt !== undefined) {
      row.goneAt = undefined
      row.node.classList.remove('gone')
    }
    COLUMNS.forEach((column, index) => {
      const cell = row.cells[index]!
      const text = column.text(row)
      const moved = setText(cell, text)
      if (!moved) return
      if (column.title !== undefined) cell.title = column.title(row)
      if (column.bar !== undefined) cell.style.setProperty('--fill', String(column.bar(row)))
      if (mark && known !== undefined && column.quiet !== true) flash(cell)
    })
    row.node.hidden = !this.#matches(row)
  }

  #add(key: string, mark: boolean): Row {
    const node = BARE.cloneNode(true) as HTMLElement
    node.dataset['key'] = key
    const row: Row = {
      key,
      node,
      cells: [...node.children] as HTMLElement[],
      process: undefined,
      version: 0,
      haystack: '',
      position: this.#standing.length,
      goneAt: undefined,
    }
    if (mark) {
      node.classList.add('new')
      setTimeout(() => node.classList.remove('new'), NEW)
    }
    this.#rows.set(key, row)
    this.#standing.push(row)
    this.#body.append(node)
    return row
  }

  #remove(key: string): void {
    const row = this.#rows.get(key)
    if (row === undefined || row.goneAt !== undefined) return
    row.goneAt = performance.now() + FADE
    row.node.classList.add('gone')
    setTimeout(this.#arrangeSoon, FADE + 50)
  }

  /** Puts the rows into order, unless somebody is about to point at one. */
  #arrange(): void {
    if (!this.#hovered) {
      this.#bury()
      const sorted = this.#standing.slice().sort(comparator(this.#sort.column, this.#sort.descending))
      const stays = staying(sorted.map((row) => row.position))
      let next: Node | null = null
      for (let place = sorted.length - 1; place >= 0; place -= 1) {
        const row = sorted[place]!
        if (!stays[place]) this.#body.insertBefore(row.node, next)
        row.position = place
        next = row.node
      }
      this.#standing = sorted
    }
    this.#showCount()
  }

  #bury(): void {
    const now = performance.now()
    const dead = this.#standing.filter((row) => row.goneAt !== undefined && row.goneAt <= now)
    if (dead.length === 0) return
    for (const row of dead) {
      row.node.remove()
      this.#rows.delete(row.key)
    }
    this.#standing = this.#standing.filter((row) => !dead.includes(row))
  }

  #showCount(): void {
    const living = this.#standing.filter((row) => row.goneAt === undefined)
    const matching = living.filter((row) => !row.node.hidden).length
    const text =
      this.#words.length === 0
        ? plural(living.length, 'process', 'processes')
        : `${matching} of ${plural(living.length, 'process', 'processes')}`
    setText(this.#count, text)
    this.#table.setAttribute('aria-rowcount', String(matching + 1))
    this.#body.dataset['empty'] = matching > 0 ? '' : living.length > 0 ? 'nothing matches the filter' : 'no state yet'
  }

  #header(): HTMLElement {
    const headers = COLUMNS.map((column) => {
      const button = make('button', { type: 'button', 'data-testid': `sort-${column.id}` }, column.label)
      button.addEventListener('click', () => this.#sortBy(column))
      const classes = column.numeric ? 'cell number' : 'cell'
      const header = make('div', { role: 'columnheader', class: classes, 'aria-sort': 'none' }, button)
      this.#headers.set(column.id, header)
      return header
    })
    return make('div', { role: 'rowgroup', class: 'heading' }, make('div', { role: 'row', class: 'row' }, ...headers))
  }

  #sortBy(column: Column): void {
    const again = this.#sort.column === column
    this.#sort = { column, descending: again ? !this.#sort.descending : column.numeric }
    this.#showSort()
    this.#arrange()
  }

  #showSort(): void {
    for (const [id, header] of this.#headers) {
      const chosen = id === this.#sort.column.id
      header.setAttribute('aria-sort', chosen ? (this.#sort.descending ? 'descending' : 'ascending') : 'none')
    }
  }

  /** While a mouse is over the rows they keep their places: nobody wants to click what just moved. */
  #followPointer(): void {
    const hold = (hovered: boolean): void => {
      this.#hovered = hovered
      this.#held.hidden = !hovered
      if (!hovered) this.#arrangeSoon()
    }
    this.#body.addEventListener('pointerenter', (event) => hold(event.pointerType === 'mouse'))
    this.#body.addEventListener('pointerleave', () => hold(false))
  }

  /** Scrolled sideways, the table has its first column stand still. */
  #followScroll(scroller: HTMLElement): void {
    scroller.addEventListener('scroll', () => this.#table.toggleAttribute('data-aside', scroller.scrollLeft > 0), { passive: true })
  }

  #followFilter(input: HTMLInputElement): void {
    input.addEventListener('input', () => {
      this.#words = input.value.toLowerCase().split(/\s+/).filter((word) => word !== '')
      for (const row of this.#standing) row.node.hidden = !this.#matches(row)
      this.#showCount()
    })
    input.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return
      if (input.value === '') return input.blur()
      input.value = ''
      input.dispatchEvent(new Event('input'))
    })
    document.addEventListener('keydown', (event) => {
      const typing = event.target instanceof HTMLElement && event.target.matches('input, textarea, select')
      if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return
      event.preventDefault()
      input.focus()
      input.select()
    })
  }

  #matches(row: Row): boolean {
    return this.#words.every((word) => row.haystack.includes(word))
  }
}
