// Everything that came, in order, with what it did and why not.

import { type Entry, type Recording } from '../recording.js'
import type { Subject } from '../stores.js'
import { button, make, onDo, setText } from './dom.js'
import { bytes, clock, count, type Group, groupOf, GROUPS, mainStep, sentence, summary } from './format.js'
import { VirtualList } from './list.js'
import type { Panelled, Tab } from './tab.js'

type Shown = Group | 'status'

export class WireTab implements Tab {
  readonly element = make('div', { class: 'split' })
  readonly #panel: Panelled
  readonly #search = make('input', { type: 'search', 'aria-label': 'Search events', placeholder: 'Search type, data, cursor', spellcheck: 'false', autocomplete: 'off', 'data-testid': 'wire-search' })
  readonly #count = make('span', { class: 'count', 'data-testid': 'wire-count' })
  readonly #follow = button('Follow', 'follow', { 'aria-pressed': 'true', 'data-testid': 'wire-follow' })
  readonly #list: VirtualList
  readonly #detail = make('section', { class: 'detail', 'aria-label': 'Event', tabindex: 0, hidden: true, 'data-testid': 'event-detail' })
  readonly #wanted = new Set<Shown>()
  #recording: Recording | undefined
  #subject: Subject | undefined
  #stop: () => void = () => {}
  /** The numbers of the entries that are shown; and up to where was looked. */
  #numbers: number[] = []
  #looked = 0
  #chosen: number | undefined
  #following = true

  constructor(panel: Panelled) {
    this.#panel = panel
    this.#list = new VirtualList({
      label: 'Events',
      height: 22,
      empty: 'Nothing yet.',
      fill: (row, index) => this.#fill(row, index),
      choose: (index) => this.#choose(index),
    })
    this.#list.element.dataset['testid'] = 'wire'
    const chips = make('div', { class: 'chips', role: 'group', 'aria-label': 'Show only what did this' })
    for (const group of [...GROUPS, 'status']) chips.append(button(group, 'filter', { class: 'chip', 'data-group': group, 'aria-pressed': 'false', 'data-testid': `wire-${group}` }))
    this.element.append(make('div', { class: 'main' }, make('div', { class: 'bar' }, this.#search, this.#follow, this.#count), chips, this.#list.element), this.#detail)
    this.#search.addEventListener('input', () => this.#again())
    // Whoever scrolls wants to read.
    const read = (event: Event): void => {
      if (!(event instanceof WheelEvent) || event.deltaY < 0) this.#setFollowing(false)
    }
    for (const type of ['wheel', 'touchmove', 'pointerdown']) this.#list.element.addEventListener(type, read, { passive: true })
    onDo(this.element, (action, target) => {
      if (action === 'follow') this.#setFollowing(!this.#following)
      else if (action === 'filter') this.#toggle(target)
      else if (action === 'close') this.#close()
      else if (action === 'travel' && this.#chosen !== undefined) panel.travel(this.#chosen)
      else if (action === 'since' && this.#chosen !== undefined) panel.travel((this.#recording?.end ?? 1) - 1, this.#chosen)
    })
  }

  begin(subject: Subject): void {
    this.end()
    if (subject !== this.#subject) this.#close()
    this.#subject = subject
    this.#stop = subject.live?.onMore(() => this.#panel.drawSoon()) ?? this.#stop
    this.#again()
  }

  end(): void {
    this.#stop()
    this.#stop = () => {}
  }

  draw(): void {
    const recording = this.#subject?.recording
    if (recording === undefined) return
    this.#recording = recording
    const gone = this.#numbers.findIndex((number) => number >= recording.first)
    const shift = gone < 0 ? this.#numbers.length : gone
    this.#numbers.splice(0, shift)
    for (let number = Math.max(this.#looked, recording.first); number < recording.end; number += 1) {
      if (this.#fits(recording.at(number) as Entry)) this.#numbers.push(number)
    }
    this.#looked = recording.end
    if (this.#chosen !== undefined && this.#chosen < recording.first) this.#close()
    if (shift > 0 && !this.#following) this.#list.shift(shift)
    this.#list.show(this.#numbers.length, this.#chosen === undefined ? -1 : this.#numbers.indexOf(this.#chosen))
    if (this.#following) this.#list.toEnd()
    const all = recording.end - recording.first
    const shown = this.#numbers.length === all ? '' : `${this.#numbers.length.toLocaleString('en')} of `
    const dropped = recording.dropped === 0 ? '' : `, ${recording.dropped.toLocaleString('en')} older ones went`
    setText(this.#count, `${shown}${count(all, 'entry', 'entries')}${dropped}`)
  }

  #setFollowing(on: boolean): void {
    this.#following = on
    this.#follow.setAttribute('aria-pressed', String(on))
    this.#panel.drawSoon()
  }

  #toggle(chip: HTMLElement): void {
    const group = chip.dataset['group'] as Shown
    if (!this.#wanted.delete(group)) this.#wanted.add(group)
    chip.setAttribute('aria-pressed', String(this.#wanted.has(group)))
    this.#again()
  }

  /** Looks through everything once more. */
  #again(): void {
    this.#numbers = []
    this.#looked = 0
    this.#panel.drawSoon()
  }

  #fits(entry: Entry): boolean {
    if (this.#wanted.size > 0) {
      const groups: readonly Shown[] = entry.type === 'event' ? entry.steps.map(groupOf) : ['status']
      if (!groups.some((group) => this.#wanted.has(group))) return false
    }
    const text = this.#search.value.trim().toLowerCase()
    if (text === '') return true
    const all = entry.type === 'event' ? `${entry.event} ${entry.id} ${entry.data}` : summary(entry)
    return all.toLowerCase().includes(text)
  }

  #fill(row: HTMLElement, index: number): void {
    const entry = this.#recording?.at(this.#numbers[index] ?? -1)
    if (entry === undefined) return
    if (row.childElementCount === 0) row.append(make('time'), make('span', { class: 'type' }), make('span', { class: 'did' }), make('span', { class: 'size' }))
    const [time, type, did, size] = row.children as unknown as [HTMLElement, HTMLElement, HTMLElement, HTMLElement]
    setText(time, clock(entry.at))
    setText(type, entry.type === 'event' ? entry.event : entry.type === 'status' ? 'status' : 'connection')
    setText(did, summary(entry))
    const main = mainStep(entry)
    const group = entry.type === 'event' ? (main === undefined ? 'ignored' : groupOf(main)) : entry.type === 'status' && entry.error !== undefined ? 'fault' : 'link'
    if (did.dataset['group'] !== group) did.dataset['group'] = group
    setText(size, entry.type === 'event' ? bytes(entry.bytes) : '')
  }

  #choose(index: number): void {
    this.#chosen = this.#numbers[index]
    const entry = this.#recording?.at(this.#chosen ?? -1)
    if (entry === undefined) return
    this.#setFollowing(false)
    this.#detail.hidden = false
    this.#detail.replaceChildren(...details(entry))
    this.#detail.scrollTop = 0
  }

  #close(): void {
    this.#chosen = undefined
    this.#detail.hidden = true
    this.#panel.drawSoon()
  }
}

function details(entry: Entry): HTMLElement[] {
  const bar = make('div', { class: 'bar' }, button('State then', 'travel', { 'data-testid': 'event-travel' }), button('What changed since', 'since'), button('✕', 'close', { class: 'close', 'aria-label': 'Close' }))
  const title = make('h3', {}, entry.type === 'event' ? entry.event : summary(entry))
  const facts = make('p', { class: 'count' }, clock(entry.at), ...(entry.type === 'event' ? [`, ${bytes(entry.bytes)}`, entry.id === '' ? '' : `, id ${entry.id}`] : []))
  if (entry.type !== 'event') return [title, facts, bar]
  const said = entry.steps.filter((step) => !isOutcome(groupOf(step)))
  const did = entry.steps.filter((step) => isOutcome(groupOf(step)))
  const lines = (steps: typeof did): HTMLElement =>
    make('ul', { class: 'steps' }, ...steps.map((step) => make('li', { 'data-group': groupOf(step) }, sentence(step))))
  return [
    title,
    facts,
    bar,
    make('h4', {}, 'It says'),
    said.length === 0 ? make('p', { class: 'nothing' }, 'Nothing that the protocol knows.') : lines(said),
    make('h4', {}, 'It did'),
    did.length === 0 ? make('p', { class: 'nothing' }, said.some(({ action }) => action === 'stage') ? 'It takes effect with its transaction.' : 'Nothing to the items.') : lines(did),
    make('h4', {}, 'Raw'),
    make('pre', { tabindex: 0, 'aria-label': 'Raw data', 'data-testid': 'event-raw' }, pretty(entry.data)),
  ]
}

function isOutcome(group: Group): boolean {
  return group === 'insert' || group === 'updated' || group === 'delete' || group === 'refused' || group === 'fault' || group === 'ignored'
}

/** Indented if it is JSON; else exactly what came. */
function pretty(data: string): string {
  if (data.length > LONGEST) return `${data.slice(0, LONGEST)}\n… ${bytes(data.length)} in all: export the session for the rest`
  try {
    return JSON.stringify(JSON.parse(data), null, 1)
  } catch {
    return data
  }
}

const LONGEST = 64 << 10
