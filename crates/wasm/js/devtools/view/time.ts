// Any moment of the window: the state then, and what is different from another moment.

import type { Recording } from '../recording.js'
import { type Held, Replica } from '../replica.js'
import type { Subject } from '../stores.js'
import { byName, type Difference, difference, stateAt } from '../travel.js'
import { button, make, onDo, setText } from './dom.js'
import { clock, count, summary } from './format.js'
import { ItemDetail } from './item.js'
import { treeOf } from './json.js'
import { VirtualList } from './list.js'
import type { Panelled, Tab } from './tab.js'

/** What a row shows: an item, or a difference. */
type Row = Held | Difference

export class TimeTab implements Tab {
  readonly element = make('div', { class: 'split' })
  readonly #panel: Panelled
  readonly #moment = make('input', { type: 'range', 'aria-label': 'Moment', 'data-testid': 'time-moment' })
  readonly #other = make('input', { type: 'range', 'aria-label': 'Moment to compare with', 'data-testid': 'time-other' })
  readonly #says = make('output', { 'data-testid': 'time-says' })
  readonly #otherSays = make('output')
  readonly #otherBar = make('div', { class: 'bar moment', hidden: true }, make('span', { class: 'label' }, 'since'), this.#other, this.#otherSays)
  readonly #compare = make('input', { type: 'checkbox', 'data-testid': 'time-compare' })
  readonly #search = make('input', { type: 'search', 'aria-label': 'Search keys and values', placeholder: 'Search keys and values', spellcheck: 'false', autocomplete: 'off' })
  readonly #count = make('span', { class: 'count', 'data-testid': 'time-count' })
  readonly #list: VirtualList
  readonly #item: ItemDetail
  readonly #difference = make('section', { class: 'detail', 'aria-label': 'Difference', tabindex: 0, hidden: true, 'data-testid': 'time-difference' })
  #subject: Subject | undefined
  /** The numbers of the entries; the second is compared with. */
  #to = -1
  #from = -1
  /** The state at `#at`. */
  #replica: Replica | undefined
  #at = -1
  #recording: Recording | undefined
  #rows: Row[] = []
  #all: Row[] = []
  #shown = ''
  #chosen: string | undefined
  #stop: () => void = () => {}

  constructor(panel: Panelled) {
    this.#panel = panel
    this.#item = new ItemDetail(panel, () => {
      this.#chosen = undefined
      this.#choose(undefined)
    })
    this.#list = new VirtualList({
      label: 'Items at this moment',
      height: 24,
      empty: 'No items at this moment, or no difference.',
      fill: (row, index) => this.#fill(row, index),
      choose: (index) => this.#choose(this.#rows[index]),
    })
    this.#list.element.dataset['testid'] = 'time-items'
    const compare = make('label', { class: 'check' }, this.#compare, 'Compare')
    const steps = [button('◀', 'back', { 'aria-label': 'Previous change', 'data-testid': 'time-back' }), button('▶', 'on', { 'aria-label': 'Next change', 'data-testid': 'time-on' }), button('Now', 'now')]
    this.element.append(
      make('div', { class: 'main' },
        make('div', { class: 'bar moment' }, make('span', { class: 'label' }, 'state at'), this.#moment, this.#says),
        this.#otherBar,
        make('div', { class: 'bar' }, ...steps, compare, this.#search, this.#count),
        this.#list.element),
      this.#item.element,
      this.#difference,
    )
    this.#moment.addEventListener('input', () => this.#go(Number(this.#moment.value), this.#from))
    this.#other.addEventListener('input', () => this.#go(this.#to, Number(this.#other.value)))
    this.#compare.addEventListener('change', () => this.#go(this.#to, this.#compare.checked ? (this.#recording?.first ?? 0) : -1))
    this.#search.addEventListener('input', () => {
      this.#filter()
      panel.drawSoon()
    })
    onDo(this.element.firstElementChild as HTMLElement, (action) => this.#step(action))
  }

  begin(subject: Subject): void {
    this.end()
    if (subject !== this.#subject) this.#to = this.#from = -1
    this.#subject = subject
    this.#recording = subject.recording
    this.#stop = subject.live?.onMore(() => this.#panel.drawSoon()) ?? this.#stop
    if (this.#to < 0) this.#to = subject.recording.end - 1
  }

  end(): void {
    this.#stop()
    this.#stop = () => {}
    this.#replica?.[Symbol.dispose]()
    this.#replica = undefined
    this.#at = -1
    this.#shown = ''
  }

  /** Shows the state after an entry, and what is different there since another. */
  travel(to: number, from = -1): void {
    this.#go(to, from)
  }

  draw(): void {
    const recording = this.#subject?.recording
    if (recording === undefined) return
    this.#recording = recording
    const { first, end } = recording
    for (const slider of [this.#moment, this.#other]) {
      slider.min = String(first)
      slider.max = String(Math.max(first, end - 1))
      slider.disabled = end === first
    }
    // What it was about is not in the window any more.
    this.#to = Math.min(Math.max(this.#to, first), end - 1)
    if (this.#from >= 0) this.#from = Math.min(Math.max(this.#from, first), end - 1)
    this.#moment.value = String(this.#to)
    this.#other.value = String(Math.max(this.#from, first))
    this.#compare.checked = this.#from >= 0
    this.#otherBar.hidden = this.#from < 0
    this.#say(this.#says, this.#moment, this.#to)
    this.#say(this.#otherSays, this.#other, this.#from)
    const wanted = `${this.#from} ${this.#to}`
    if (end > first && wanted !== this.#shown) {
      this.#shown = wanted
      this.#work(recording)
    }
    const noun = this.#from < 0 ? 'item' : 'difference'
    setText(this.#count, `${this.#rows.length === this.#all.length ? '' : `${this.#rows.length.toLocaleString('en')} of `}${count(this.#all.length, noun)}`)
    this.#list.show(this.#rows.length, this.#chosen === undefined ? -1 : this.#rows.findIndex((row) => nameOf(row) === this.#chosen))
  }

  #say(output: HTMLElement, slider: HTMLInputElement, number: number): void {
    const entry = this.#recording?.at(number)
    const words = entry === undefined ? '' : `${clock(entry.at)} ${entry.type === 'event' ? `${entry.event}: ` : ''}${summary(entry)}`
    setText(output, words)
    slider.setAttribute('aria-valuetext', words)
  }

  #go(to: number, from: number): void {
    this.#to = to
    this.#from = from
    this.#panel.drawSoon()
  }

  #step(action: string): void {
    const recording = this.#recording
    if (recording === undefined) return
    if (action === 'now') return this.#go(recording.end - 1, this.#from)
    const way = action === 'back' ? -1 : 1
    for (let number = this.#to + way; recording.at(number) !== undefined; number += way) {
      const entry = recording.at(number)
      if (entry?.type === 'base' ? entry.why === 'moved' : entry?.type === 'event' && entry.steps.some(({ action }) => CHANGES.includes(action))) return this.#go(number, this.#from)
    }
  }

  #work(recording: Recording): void {
    const replica = this.#reached(recording)
    this.#all = this.#from < 0 ? [...replica.items()].sort(byName) : difference(recording, Math.min(this.#from, this.#to), Math.max(this.#from, this.#to))
    this.#filter()
    this.#choose(this.#all.find((row) => nameOf(row) === this.#chosen))
  }

  /** The state at the moment: gone on with if it is not far. */
  #reached(recording: Recording): Replica {
    const isOnTheWay = this.#replica !== undefined && this.#at <= this.#to && recording.baseOf(this.#to) <= this.#at
    if (!isOnTheWay) {
      this.#replica?.[Symbol.dispose]()
      this.#replica = stateAt(recording, this.#to)
    } else for (const entry of recording.slice(this.#at + 1, this.#to + 1)) this.#replica?.take(entry)
    this.#at = this.#to
    return this.#replica as Replica
  }

  #filter(): void {
    const words = this.#search.value.toLowerCase().split(/\s+/).filter((word) => word !== '')
    this.#rows = words.length === 0 ? this.#all : this.#all.filter((row) => words.every((word) => textOf(row).toLowerCase().includes(word)))
  }

  #fill(row: HTMLElement, index: number): void {
    const shown = this.#rows[index]
    if (shown === undefined) return
    if (row.childElementCount === 0) row.append(make('span', { class: 'kind' }), make('span', { class: 'key' }), make('span', { class: 'version' }), make('span', { class: 'value' }))
    const [kind, key, version, value] = row.children as unknown as [HTMLElement, HTMLElement, HTMLElement, HTMLElement]
    setText(kind, shown.kind)
    setText(key, shown.key)
    const group = 'text' in shown ? '' : actionOf(shown)
    if (version.dataset['group'] !== group) version.dataset['group'] = group
    setText(version, 'text' in shown ? `v${shown.version}` : group)
    setText(value, ('text' in shown ? shown.text : `${shown.before?.text ?? '–'} → ${shown.after?.text ?? '–'}`).slice(0, 200))
  }

  #choose(row: Row | undefined): void {
    this.#chosen = row === undefined ? this.#chosen : nameOf(row)
    const isItem = row !== undefined && 'text' in row
    this.#difference.hidden = row === undefined || isItem
    if (isItem && this.#subject !== undefined) this.#item.show(this.#subject, row.kind, row.key, row.text, row.version)
    else this.#item.clear()
    if (row !== undefined && !isItem) this.#difference.replaceChildren(...sides(row as Difference))
    this.#panel.drawSoon()
  }
}

function sides(difference: Difference): HTMLElement[] {
  const side = (title: string, item: Held | undefined): HTMLElement[] => [
    make('h4', {}, item === undefined ? title : `${title} v${item.version}`),
    item === undefined ? make('p', { class: 'nothing' }, 'It was not there.') : treeOf(item.text),
  ]
  return [make('h3', {}, `${difference.kind}/${difference.key}`), ...side('Before', difference.before), ...side('After', difference.after)]
}

function actionOf({ before, after }: Difference): 'insert' | 'delete' | 'updated' {
  return before === undefined ? 'insert' : after === undefined ? 'delete' : 'updated'
}

function textOf(row: Row): string {
  return `${row.kind}/${row.key} ${'text' in row ? row.text : `${row.before?.text ?? ''} ${row.after?.text ?? ''}`}`
}

function nameOf({ kind, key }: Row): string {
  return JSON.stringify([kind, key])
}

const CHANGES: readonly string[] = ['insert', 'updated', 'delete']
