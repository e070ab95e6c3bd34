// The timeline of wire events, newest first. It never holds the page up: rows are made once a
// frame, at most so many are kept, and while somebody reads further down nothing moves.

import type { TraceEvent } from 'highwater'
import { make, need, oncePerFrame, setText } from './dom'
import { bytes, clockMillis, plural, shortCursor } from './format'
import { GROUPS, entry, folded, stepText } from './trace'
import type { Chip, Entry, Group } from './trace'

/** Rows at most. */
const ROWS = 500

interface Shown {
  readonly entry: Entry
  readonly node: HTMLElement
  /** Events that the row told of when it was last written. */
  written: number
}

export class Timeline {
  readonly #list = need('timeline')
  readonly #scroller = need('timeline-scroller')
  readonly #count = need('timeline-count')
  readonly #news = need<HTMLButtonElement>('timeline-new')
  readonly #hold = need<HTMLButtonElement>('timeline-pause')
  /** Newest last, as they came; not on the page yet. */
  #pending: Entry[] = []
  /** Oldest first. */
  #shown: Shown[] = []
  #latest: Entry | undefined
  #lastId = ''
  #total = 0
  #paused = false
  readonly #wanted = new Set<Group>()
  readonly #showSoon = oncePerFrame(() => this.#show())

  constructor() {
    this.#filters()
    this.#hold.addEventListener('click', () => {
      this.#paused = !this.#paused
      this.#hold.setAttribute('aria-pressed', String(this.#paused))
      setText(this.#hold, this.#paused ? 'Go on' : 'Hold')
      this.#showSoon()
    })
    need('timeline-clear').addEventListener('click', () => this.#clear())
    this.#news.addEventListener('click', () => {
      if (this.#paused) this.#hold.click()
      this.#scroller.scrollTop = 0
      this.#showSoon()
    })
    this.#scroller.addEventListener('scroll', this.#showSoon, { passive: true })
  }

  add(event: TraceEvent): void {
    this.#total += 1
    if (!folded(this.#latest, event)) {
      this.#latest = entry(event, this.#lastId)
      this.#pending.push(this.#latest)
      if (this.#pending.length > 2 * ROWS) this.#pending.splice(0, ROWS)
    }
    this.#lastId = event.id
    this.#showSoon()
  }

  #show(): void {
    setText(this.#count, `${plural(this.#total, 'event')}, ${plural(this.#shown.length, 'row')}`)
    const reading = this.#paused || this.#scroller.scrollTop > 4
    this.#news.hidden = !reading || this.#pending.length === 0
    if (reading) return void setText(this.#news, `${this.#pending.length} new ↑`)

    const newest = this.#shown.at(-1)
    if (newest !== undefined && newest.written !== newest.entry.count) write(newest)
    const made = this.#pending.slice(-ROWS).map((entry) => this.#row(entry))
    this.#pending = []
    if (made.length === 0) return
    this.#list.prepend(...made.map((row) => row.node).reverse())
    this.#shown.push(...made)
    for (const old of this.#shown.splice(0, Math.max(0, this.#shown.length - ROWS))) old.node.remove()
    setText(this.#count, `${plural(this.#total, 'event')}, ${plural(this.#shown.length, 'row')}`)
  }

  #row(entry: Entry): Shown {
    const head = make('button', { type: 'button', class: 'event-head', 'aria-expanded': 'false' })
    const node = make('li', { class: 'event', 'data-testid': 'event', 'data-event': entry.event }, head)
    const shown: Shown = { entry, node, written: 0 }
    head.addEventListener('click', () => toggle(shown, head))
    write(shown)
    node.hidden = !this.#matches(entry)
    return shown
  }

  #clear(): void {
    this.#pending = []
    this.#shown = []
    this.#latest = undefined
    this.#total = 0
    this.#list.replaceChildren()
    this.#showSoon()
  }

  #filters(): void {
    const home = need('timeline-filters')
    for (const group of GROUPS) {
      const attributes = { type: 'button', class: 'chip', 'data-group': group, 'data-testid': `show-${group}` }
      const button = make('button', { ...attributes, 'aria-pressed': 'false' }, group)
      button.addEventListener('click', () => {
        if (!this.#wanted.delete(group)) this.#wanted.add(group)
        button.setAttribute('aria-pressed', String(this.#wanted.has(group)))
        for (const { entry, node } of this.#shown) node.hidden = !this.#matches(entry)
      })
      home.append(button)
    }
  }

  /** Nothing chosen means everything. */
  #matches(entry: Entry): boolean {
    if (this.#wanted.size === 0) return true
    return [...entry.chips.values()].some((chip) => this.#wanted.has(chip.group))
  }
}

function write(shown: Shown): void {
  const { entry, node } = shown
  const head = node.firstElementChild!
  const order = (chip: Chip): number => GROUPS.indexOf(chip.group)
  const chips = [...entry.chips.values()].sort((a, b) => order(a) - order(b)).map(({ group, label, count }) =>
    make('span', { class: 'chip', 'data-group': group }, count > 1 ? `${label} ${count}` : label),
  )
  const id = make('span', { class: 'id', title: entry.id }, entry.id === '' ? '' : shortCursor(entry.id))
  head.replaceChildren(
    make('time', {}, clockMillis(entry.first)),
    make('span', { class: 'type' }, entry.count > 1 ? `${entry.event} ×${entry.count}` : entry.event),
    id,
    make('span', { class: 'size' }, bytes(entry.bytes)),
    make('span', { class: 'chips' }, ...chips),
  )
  shown.written = entry.count
}

/** The body is made when it is looked at, and dropped again. */
function toggle({ entry, node }: Shown, head: HTMLButtonElement): void {
  const open = head.getAttribute('aria-expanded') !== 'true'
  head.setAttribute('aria-expanded', String(open))
  if (open) node.append(body(entry))
  else node.lastElementChild!.remove()
}

function body(entry: Entry): HTMLElement {
  const home = make('div', { class: 'event-body', 'data-testid': 'event-body' })
  const [only] = entry.kept
  if (entry.count === 1 && only !== undefined) {
    home.append(...details(only))
    return home
  }
  for (const event of entry.kept) {
    const summary = make('summary', {}, event.steps.map(stepText).join(', ') || event.event)
    const inner = make('details', {}, summary)
    inner.addEventListener('toggle', () => inner.childElementCount === 1 && inner.append(...details(event)), { once: true })
    home.append(inner)
  }
  if (entry.count > entry.kept.length) home.append(make('p', {}, `and ${entry.count - entry.kept.length} more, not kept`))
  return home
}

function details(event: TraceEvent): HTMLElement[] {
  const steps = event.steps.map((step) => make('li', {}, stepText(step)))
  const cut = new TextEncoder().encode(event.data).length < event.bytes
  return [
    make('ul', { class: 'steps' }, ...steps),
    make('pre', { tabindex: 0, 'aria-label': 'Raw data' }, cut ? `${event.data}\n… (${bytes(event.bytes)} in all)` : pretty(event.data)),
  ]
}

/** Indented if it is JSON; else exactly what came. */
function pretty(data: string): string {
  try {
    return JSON.stringify(JSON.parse(data), null, 1)
  } catch {
    return data
  }
}
