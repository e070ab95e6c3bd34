// A long list, of which only what is in sight is in the document.

import { make, oncePerFrame } from './dom'

const HEIGHT = 27

export class List {
  readonly #home: HTMLElement
  readonly #space = make('div', { class: 'space', role: 'list' })
  readonly #draw
  #count = 0
  #texts: (at: number) => readonly string[] = () => []

  /** Fills an element that scrolls. */
  constructor(home: HTMLElement) {
    this.#home = home
    this.#draw = oncePerFrame(() => this.draw())
    home.replaceChildren(this.#space)
    home.addEventListener('scroll', this.#draw)
    new ResizeObserver(this.#draw).observe(home)
  }

  /** Shows so many rows, each with these texts. */
  show(count: number, texts: (at: number) => readonly string[]): void {
    this.#count = count
    this.#texts = texts
    this.draw()
  }

  draw(): void {
    const { scrollTop, clientHeight } = this.#home
    this.#space.style.height = `${this.#count * HEIGHT}px`
    const first = Math.max(0, Math.floor(scrollTop / HEIGHT) - 4)
    const last = Math.min(this.#count, Math.ceil((scrollTop + clientHeight) / HEIGHT) + 4)
    const rows = []
    for (let at = first; at < last; at += 1) {
      const texts = this.#texts(at).map((text) => make('span', { title: text }, text))
      const row = make('div', { role: 'listitem', 'aria-setsize': this.#count, 'aria-posinset': at + 1, 'data-testid': 'item' }, ...texts)
      row.style.top = `${at * HEIGHT}px`
      rows.push(row)
    }
    this.#space.replaceChildren(...rows)
  }
}
