// One item in full, and what became of it within the window.

import type { Version } from '../../types.js'
import type { Subject } from '../stores.js'
import { historyOf, type Turn } from '../travel.js'
import { button, make, onDo, setText } from './dom.js'
import { clock, count, sentence } from './format.js'
import { treeOf } from './json.js'
import type { Panelled } from './tab.js'

/** The part beside a list. */
export class ItemDetail {
  readonly element = make('section', { class: 'detail', 'aria-label': 'Item', tabindex: 0, hidden: true })
  readonly #title = make('h3', { 'data-testid': 'item-title' })
  readonly #value = make('div', { 'data-testid': 'item-value' })
  readonly #note = make('p', { class: 'count' })
  readonly #turns = make('ol', { class: 'turns', 'data-testid': 'item-history' })
  #subject: Subject | undefined
  #name = ''
  #kind = ''
  #key = ''
  #shown: string | undefined

  /** `closed` is called when nobody wants to see it any more. */
  constructor(panel: Panelled, closed: () => void) {
    this.element.append(
      make('div', { class: 'bar' }, this.#title, button('History', 'history', { 'data-testid': 'item-history-show' }), button('✕', 'close', { class: 'close', 'aria-label': 'Close' })),
      this.#value,
      this.#note,
      this.#turns,
    )
    onDo(this.element, (action, target) => {
      if (action === 'history') this.#history()
      else if (action === 'close') closed()
      else panel.travel(Number(target.dataset['number']))
    })
  }

  show(subject: Subject, kind: string, key: string, text: string | undefined, version: Version | undefined): void {
    this.element.hidden = false
    const name = JSON.stringify([kind, key])
    if (name !== this.#name || subject !== this.#subject) {
      this.#subject = subject
      this.#name = name
      ;[this.#kind, this.#key] = [kind, key]
      this.#shown = undefined
      this.#turns.replaceChildren()
      setText(this.#note, '')
    }
    const now = `${String(version)} ${text ?? ''}`
    if (now === this.#shown) return
    this.#shown = now
    setText(this.#title, `${kind}/${key}${version === undefined ? '' : ` v${version}`}`)
    this.#value.replaceChildren(text === undefined ? make('p', { class: 'nothing' }, 'It is not there.') : treeOf(text))
  }

  clear(): void {
    this.element.hidden = true
    this.#name = ''
  }

  #history(): void {
    if (this.#subject === undefined) return
    const turns = historyOf(this.#subject.recording, this.#kind, this.#key)
    setText(this.#note, `${count(turns.length, 'entry', 'entries')} within the window, the newest first`)
    this.#turns.replaceChildren(...turns.slice(-MOST).reverse().map(line))
  }
}

function line({ number, at, action, step, item }: Turn): HTMLElement {
  const words = step === undefined ? `${action === 'there' ? 'was there' : action}${item === undefined ? '' : ` v${item.version}`}` : sentence(step)
  const head = button('', 'travel', { class: 'turn', 'data-number': number, title: 'Show the state at this moment' })
  head.append(make('time', {}, clock(at)), make('span', { 'data-group': action === 'noop' ? 'refused' : action }, words))
  return make('li', {}, head, make('code', {}, (item?.text ?? '').slice(0, 300)))
}

const MOST = 200
