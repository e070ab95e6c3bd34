// Faults on the live store, and what came of them.

import type { Breakable } from '../live.js'
import type { Subject } from '../stores.js'
import { button, choice, make, onDo, setText } from './dom.js'
import { count } from './format.js'
import type { Panelled, Tab } from './tab.js'

interface Fault {
  readonly name: string
  readonly label: string
  readonly does: string
  readonly cause: (faults: Breakable) => string | Promise<string>
}

const FAULTS: readonly Fault[] = [
  { name: 'cut', label: 'Cut', does: 'Breaks the connection.', cause: (faults) => (faults.cut(), 'The connection was cut.') },
  { name: 'duplicate', label: 'Duplicate', does: 'Sends each of the next 5 transactions twice.', cause: (faults) => (faults.duplicate(5), 'The next 5 transactions come twice.') },
  { name: 'reorder', label: 'Reorder', does: 'Swaps the next two transactions.', cause: (faults) => (faults.reorder(), 'The next two transactions are swapped.') },
  { name: 'replay', label: 'Stale replay', does: 'Sends the last 20 transactions again.', cause: async (faults) => `${count(await faults.replay(20), 'transaction')} sent again.` },
  { name: 'refuse', label: 'Server error', does: 'Breaks the connection; the next 3 attempts get a 503.', cause: (faults) => (faults.refuse(503, 3), 'The next 3 attempts get a 503.') },
]

export class BreakTab implements Tab {
  readonly element = make('div', { class: 'scroll pad', tabindex: 0, role: 'region', 'aria-label': 'Faults' })
  readonly #panel: Panelled
  readonly #note = make('p', { class: 'note', 'data-testid': 'break-note' })
  readonly #tap = button('Reconnect through the panel', 'tap', { 'data-testid': 'break-tap' })
  readonly #pending = make('p', { class: 'count', 'data-testid': 'break-pending' })
  readonly #delay = choice('Delay', 'delay', [['0', 'no delay'], ['100', '100 ms later'], ['1000', '1 s later'], ['5000', '5 s later']])
  readonly #rate = choice('Speed', 'rate', [['0', 'as fast as it comes'], ['50000', '50 kB a second'], ['5000', '5 kB a second'], ['500', '500 bytes a second']])
  readonly #cards = make('div', { class: 'cards' })
  readonly #controls = make('div', {}, this.#cards)
  #subject: Subject | undefined
  #stop: () => void = () => {}

  constructor(panel: Panelled) {
    this.#panel = panel
    for (const { name, label, does } of FAULTS) {
      const card = button('', name, { class: 'card', 'data-testid': `break-${name}` })
      card.append(make('strong', {}, label), make('span', {}, does))
      this.#cards.append(card)
    }
    this.#controls.append(make('div', { class: 'bar' }, make('span', { class: 'label' }, 'Network'), this.#delay, this.#rate, button('Heal everything', 'heal', { 'data-testid': 'break-heal' })), this.#pending)
    this.element.append(this.#note, this.#tap, this.#controls)
    const conditions = (): void => {
      const faults = this.#faults
      if (faults !== undefined) faults.conditions = { delay: Number(this.#delay.value), rate: Number(this.#rate.value) }
    }
    this.#delay.addEventListener('change', conditions)
    this.#rate.addEventListener('change', conditions)
    onDo(this.element, (action) => void this.#cause(action))
  }

  begin(subject: Subject): void {
    this.end()
    this.#subject = subject
    this.#stop = subject.live?.faults.onChange(() => this.#panel.drawSoon()) ?? this.#stop
  }

  end(): void {
    this.#stop()
    this.#stop = () => {}
  }

  draw(): void {
    const faults = this.#faults
    const isTapped = faults?.isTapped === true
    this.#tap.hidden = faults === undefined || isTapped || !faults.isPossible
    this.#controls.hidden = faults === undefined || !faults.isPossible
    for (const card of this.#cards.children) (card as HTMLButtonElement).disabled = !isTapped && (card as HTMLElement).dataset['do'] !== 'refuse'
    setText(
      this.#note,
      faults === undefined
        ? 'A session that was imported has no wire to break.'
        : !faults.isPossible
          ? 'The platform’s own event source makes its connection by itself: there is no way in between.'
          : isTapped
            ? 'The store’s connection goes through the panel. Whatever is done to it here, the state has to be right in the end.'
            : 'The connection at hand does not go through the panel, or there is none.',
    )
    setText(this.#pending, faults === undefined || faults.pending.length === 0 ? '' : `Waiting: ${faults.pending.join('; ')}.`)
    if (faults === undefined) return
    this.#delay.value = String(faults.conditions.delay)
    this.#rate.value = String(faults.conditions.rate)
  }

  get #faults(): Breakable | undefined {
    return this.#subject?.live?.faults
  }

  async #cause(action: string): Promise<void> {
    const faults = this.#faults
    if (faults === undefined) return
    if (action === 'heal') faults.heal()
    else if (action === 'tap') this.#subject?.live?.reconnect()
    else {
      const fault = FAULTS.find(({ name }) => name === action)
      if (fault !== undefined) this.#panel.say(await fault.cause(faults))
    }
    this.#panel.drawSoon()
  }
}
