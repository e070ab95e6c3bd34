// The panel: which store, how it stands, and the tabs.

import type { TabName } from '../index.js'
import type { Stores, Subject } from '../stores.js'
import { BreakTab } from './break.js'
import { ChartsTab } from './charts.js'
import { ConnectionTab } from './connection.js'
import { button, make, onDo, setText } from './dom.js'
import { ItemsTab } from './items.js'
import { SessionTab } from './session.js'
import { STYLE } from './style.js'
import type { Panelled, Tab } from './tab.js'
import { TimeTab } from './time.js'
import { WireTab } from './wire.js'

const TABS = ['items', 'wire', 'time', 'connection', 'charts', 'break', 'session'] as const satisfies readonly TabName[]
const LABELS: Readonly<Record<TabName, string>> = { items: 'Items', wire: 'Wire', time: 'Time travel', connection: 'Connection', charts: 'Charts', break: 'Break', session: 'Session' }

export class Panel implements Panelled {
  readonly stores: Stores
  readonly #root: HTMLElement
  readonly #which = make('select', { 'aria-label': 'Store', 'data-testid': 'store' })
  readonly #phase = make('span', { class: 'phase', 'data-testid': 'store-phase' })
  readonly #facts = make('span', { class: 'count facts', 'data-testid': 'facts' })
  readonly #said = make('p', { class: 'said', role: 'status', 'data-testid': 'said' })
  readonly #list = make('div', { class: 'tabs', role: 'tablist', 'aria-label': 'Devtools' })
  readonly #body = make('div', { class: 'body', role: 'tabpanel', id: 'body' })
  readonly #nothing = make('p', { class: 'nothing pad', 'data-testid': 'nothing' })
  readonly #warning = make('p', { class: 'warning', role: 'alert', 'data-testid': 'warning', hidden: true })
  readonly #tabs: Readonly<Record<TabName, Tab>>
  #current: TabName
  #subject: Subject | undefined
  #isOpen = false
  #asked = false
  #hushing: ReturnType<typeof setTimeout> | undefined
  readonly #stops: (() => void)[] = []

  /** Without `hide` it is never hidden. */
  constructor(shadow: ShadowRoot, stores: Stores, tab: TabName, hide: (() => void) | undefined) {
    this.stores = stores
    this.#current = tab
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(STYLE)
    shadow.adoptedStyleSheets.push(sheet)
    this.#tabs = {
      items: new ItemsTab(this),
      wire: new WireTab(this),
      time: new TimeTab(this),
      connection: new ConnectionTab(this),
      charts: new ChartsTab(this),
      break: new BreakTab(this),
      session: new SessionTab(this),
    }
    for (const name of TABS) this.#list.append(button(LABELS[name], name, { role: 'tab', id: `tab-${name}`, 'aria-controls': 'body', 'data-testid': `tab-${name}` }))
    const close = button('✕', 'hide', { class: 'close', 'aria-label': 'Hide', 'data-testid': 'hide' })
    close.hidden = hide === undefined
    this.#root = make('section', { class: `panel ${hide === undefined ? 'fills' : 'docked'}`, 'aria-label': 'Highwater devtools', 'data-testid': 'devtools', hidden: true },
      make('header', { class: 'bar head' }, make('h2', { class: 'brand' }, 'Highwater'), this.#which, this.#phase, this.#facts, close),
      this.#warning, this.#list, this.#nothing, this.#body, this.#said)
    shadow.append(this.#root)
    this.#which.addEventListener('change', () => this.#begin(this.stores.all[Number(this.#which.value)]))
    onDo(this.#list, (name) => this.#go(name as TabName))
    close.addEventListener('click', () => hide?.())
    this.#list.addEventListener('keydown', (event) => this.#key(event))
    this.#root.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && !(event.target instanceof HTMLInputElement)) hide?.()
    })
    this.#stops.push(stores.onChange(() => this.#offer()))
    this.#offer()
    this.#mark()
  }

  show(open: boolean): void {
    if (open === this.#isOpen) return
    this.#isOpen = open
    this.#root.hidden = !open
    if (open) {
      this.#begin(this.#subject ?? this.stores.all[0])
      if (!this.#root.classList.contains('fills')) this.#tab(this.#current).focus()
    } else this.#tabs[this.#current].end()
  }

  close(): void {
    this.show(false)
    clearTimeout(this.#hushing)
    for (const stop of this.#stops.splice(0)) stop()
    this.#root.remove()
  }

  drawSoon(): void {
    if (this.#asked || !this.#isOpen) return
    this.#asked = true
    requestAnimationFrame(() => {
      this.#asked = false
      if (this.#isOpen) this.#draw()
    })
  }

  travel(to: number, from?: number): void {
    this.#go('time')
    ;(this.#tabs.time as TimeTab).travel(to, from)
  }

  choose(subject: Subject): void {
    this.#begin(subject)
    this.#offer()
  }

  say(text: string): void {
    setText(this.#said, text)
    clearTimeout(this.#hushing)
    this.#hushing = setTimeout(() => setText(this.#said, ''), 10_000)
  }

  #draw(): void {
    const subject = this.#subject
    if (subject === undefined) return
    const status = subject.live?.status
    setText(this.#phase, status?.phase ?? 'recorded')
    this.#phase.dataset['phase'] = status?.phase ?? 'recorded'
    const { cursor } = status ?? {}
    setText(this.#facts, status === undefined ? '' : `${cursor === undefined ? 'no cursor' : short(cursor)} · version ${status.version}`)
    this.#facts.title = cursor ?? ''
    this.#tabs[this.#current].draw()
  }

  #begin(subject: Subject | undefined): void {
    this.#subject = subject
    this.#nothing.hidden = subject !== undefined
    this.#body.hidden = subject === undefined
    if (!this.#isOpen) return
    if (subject === undefined) return this.#tabs[this.#current].end()
    this.#which.value = String(this.stores.all.indexOf(subject))
    this.#tabs[this.#current].begin(subject)
    this.drawSoon()
  }

  #go(name: TabName): void {
    if (name !== this.#current) this.#tabs[this.#current].end()
    this.#current = name
    this.#mark()
    this.#begin(this.#subject)
  }

  #mark(): void {
    for (const name of TABS) {
      const selected = name === this.#current
      this.#tab(name).setAttribute('aria-selected', String(selected))
      this.#tab(name).tabIndex = selected ? 0 : -1
    }
    this.#tab(this.#current).scrollIntoView({ block: 'nearest', inline: 'nearest' })
    this.#body.setAttribute('aria-labelledby', `tab-${this.#current}`)
    this.#body.replaceChildren(this.#tabs[this.#current].element)
  }

  #tab(name: TabName): HTMLElement {
    return this.#list.children[TABS.indexOf(name)] as HTMLElement
  }

  #key(event: KeyboardEvent): void {
    const at = TABS.indexOf(this.#current)
    const to = { ArrowRight: (at + 1) % TABS.length, ArrowLeft: (at + TABS.length - 1) % TABS.length, Home: 0, End: TABS.length - 1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    this.#go(TABS[to] as TabName)
    this.#tab(this.#current).focus()
  }

  /** The stores to choose from. */
  #offer(): void {
    const { all, note, warning } = this.stores
    setText(this.#nothing, note)
    setText(this.#warning, warning)
    this.#warning.hidden = warning === ''
    this.#which.replaceChildren(...all.map(({ name, live }, at) => make('option', { value: at }, `${live === undefined ? 'file: ' : ''}${name}`)))
    if (this.#subject === undefined || !all.includes(this.#subject)) this.#begin(all[0])
    this.#which.value = String(this.#subject === undefined ? -1 : all.indexOf(this.#subject))
  }
}

/** A cursor's epoch is long; its beginning tells two apart. */
function short(cursor: string): string {
  const dot = cursor.lastIndexOf('.')
  return dot <= 6 ? cursor : `${cursor.slice(0, 5)}…${cursor.slice(dot)}`
}
