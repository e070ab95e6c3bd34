// How the store stands, and how it stood before.

import type { StatusEntry } from '../recording.js'
import type { Subject } from '../stores.js'
import { button, make, onDo, setText } from './dom.js'
import { clock, duration, summary } from './format.js'
import { VirtualList } from './list.js'
import type { Panelled, Tab } from './tab.js'

const FIELDS = ['Address', 'Protocol', 'Phase', 'Cursor', 'Version', 'Items', 'Last connection', 'Attempt', 'Failures', 'Lag', 'Next attempt', 'Last fault'] as const

export class ConnectionTab implements Tab {
  readonly element = make('div', { class: 'split' })
  readonly #panel: Panelled
  readonly #fields = new Map(FIELDS.map((name) => [name as string, make('dd', { 'data-testid': `field-${name.toLowerCase().replace(/ /g, '-')}` }, '–')]))
  readonly #list: VirtualList
  readonly #buttons = make('div', { class: 'bar' }, button('Reconnect', 'reconnect'), button('Pause', 'pause'), button('Resume', 'resume'))
  #subject: Subject | undefined
  #history: StatusEntry[] = []
  #looked = 0
  #stop: () => void = () => {}

  constructor(panel: Panelled) {
    this.#panel = panel
    this.#list = new VirtualList({ label: 'Connection history', height: 22, empty: 'Nothing yet.', fill: (row, index) => this.#fill(row, index), choose: () => undefined })
    this.#list.element.dataset['testid'] = 'connection-history'
    const fields = make('dl', { class: 'fields', 'data-testid': 'store-status' })
    for (const [name, value] of this.#fields) fields.append(make('div', {}, make('dt', {}, name), value))
    this.element.append(make('div', { class: 'main scroll', tabindex: 0, role: 'region', 'aria-label': 'Status' }, this.#buttons, fields), make('section', { class: 'detail fixed', 'aria-label': 'History' }, make('h3', {}, 'History, the newest first'), this.#list.element))
    onDo(this.#buttons, (action) => {
      const live = this.#subject?.live
      if (action === 'reconnect') live?.reconnect()
      else if (action === 'pause') live?.pause()
      else live?.resume()
    })
  }

  begin(subject: Subject): void {
    this.end()
    this.#subject = subject
    this.#history = []
    this.#looked = 0
    this.#buttons.hidden = subject.live === undefined
    const timer = setInterval(() => this.#panel.drawSoon(), 250)
    const stop = subject.live?.onMore(() => this.#panel.drawSoon())
    this.#stop = () => {
      clearInterval(timer)
      stop?.()
    }
  }

  end(): void {
    this.#stop()
    this.#stop = () => {}
  }

  draw(): void {
    if (this.#subject === undefined) return
    const { recording, live } = this.#subject
    if (this.#looked > recording.end || this.#looked < recording.first) this.#history = []
    for (let number = Math.max(this.#looked, recording.first); number < recording.end; number += 1) {
      const entry = recording.at(number)
      if (entry?.type === 'status') this.#history.push(entry)
    }
    this.#looked = recording.end
    this.#list.show(this.#history.length, -1)
    const protocol = typeof recording.protocol === 'string' ? recording.protocol : recording.protocol.name
    this.#set('Address', recording.url)
    this.#set('Protocol', protocol)
    const last = this.#history.at(-1)
    if (live === undefined) return this.#set('Phase', last === undefined ? 'recorded' : `recorded, ${last.phase} at the end`)
    const { phase, connected, cursor, version, resumed, attempt, failures, lag, retryAt, error } = live.status
    const fault = error ?? this.#history.filter((entry) => entry.error !== undefined).at(-1)?.error
    this.#set('Phase', `${phase}${connected ? ', connected' : ', not connected'}`)
    this.#set('Cursor', cursor ?? 'none')
    this.#set('Version', String(version))
    this.#set('Items', live.size.toLocaleString('en'))
    this.#set('Last connection', resumed === undefined ? 'none yet' : resumed ? 'went on from the cursor' : 'began anew')
    this.#set('Attempt', String(attempt))
    this.#set('Failures', String(failures))
    this.#set('Lag', phase === 'live' ? '0' : duration(lag))
    this.#set('Next attempt', retryAt === undefined ? '–' : `in ${duration(Math.max(0, retryAt - Date.now()))}`)
    this.#set('Last fault', fault === undefined ? 'none' : `${fault.code}: ${fault.message}${error === undefined ? ' (healed)' : ''}`)
  }

  #set(name: (typeof FIELDS)[number], text: string): void {
    setText(this.#fields.get(name) as Element, text)
  }

  #fill(row: HTMLElement, index: number): void {
    const entry = this.#history[this.#history.length - 1 - index]
    if (entry === undefined) return
    if (row.childElementCount === 0) row.append(make('time'), make('span', { class: 'did' }))
    const [time, did] = row.children as unknown as [HTMLElement, HTMLElement]
    setText(time, clock(entry.at))
    setText(did, summary(entry))
    did.dataset['group'] = entry.error === undefined ? (entry.phase === 'live' ? 'insert' : 'link') : 'fault'
    row.title = summary(entry)
  }
}
