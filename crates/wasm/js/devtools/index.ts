// The devtools: a panel that any application mounts with one line.
// Its types name Symbol.dispose, which is not in the library that projects have by default.
/// <reference lib="esnext.disposable" preserve="true" />

import { HighwaterError } from '../errors.js'
import { check as checkMembers, type Table } from '../options.js'
import type { ProtocolOptions } from '../protocols.js'
import type { ItemName, Version } from '../types.js'
import { PageStores } from './page.js'
import { LIMITS, type Limits } from './recording.js'
import type { Subject } from './stores.js'

export { reduxDevtools, type ReduxDevtoolsOptions } from './redux.js'

/** The parts of the panel. */
export type TabName = 'items' | 'wire' | 'time' | 'connection' | 'charts' | 'break' | 'session'

/** The choices that {@link mount} leaves open. */
export interface DevtoolsOptions {
  /** Where the panel goes, which fills that. Default: it is docked to the bottom of the page, behind a button. */
  readonly parent?: Element
  /** Whether it is open to begin with. Default: only in a `parent`. */
  readonly open?: boolean
  /** What it shows first. Default: `items`. */
  readonly tab?: TabName
  /** Default: the system's. */
  readonly theme?: 'light' | 'dark' | 'system'
  /** How much is recorded of each store: so many entries, and about so many bytes. Default: 20,000, and 32 MiB. */
  readonly window?: { readonly entries?: number; readonly bytes?: number }
}

/** A panel that is mounted. */
export interface Devtools {
  /** What was put into the page. */
  readonly element: HTMLElement
  /** Shows the panel, whose scripts are loaded then. */
  open(): Promise<void>
  /** Hides it. What happens is recorded all the same. */
  hide(): void
  /** Light, dark, or as the system has it. */
  theme(theme: 'light' | 'dark' | 'system'): void
  /**
   * Shows a session that was exported, or the body of a stream as it was recorded, and answers with what it
   * leads to. Throws a {@link HighwaterError} that says what cannot be read, and in which line.
   */
  import(text: string, options?: ImportOptions): Promise<Imported>
  /** Takes it away, and ends the recording. */
  close(): void
  [Symbol.dispose](): void
}

/** What a recording does not say itself. */
export interface ImportOptions {
  /** What it is called in the panel. */
  readonly name?: string
  /** What the stream spoke. Default: as a session says it, and otherwise `fdv2`. */
  readonly protocol?: ProtocolOptions
}

/** A recording that was imported. */
export interface Imported {
  /** What it was read as. */
  readonly protocol: ProtocolOptions
  /** How many events it has. */
  readonly events: number
  /** How many of them mean nothing in this protocol. */
  readonly ignored: number
  /** The state that it leads to: each item with its value as JSON. */
  readonly items: readonly ImportedItem[]
  /** What was wrong with events: what follows one is not read, up to the next connection. */
  readonly faults: readonly { readonly line: number; readonly event: string; readonly error: HighwaterError }[]
  /** Takes it out of the panel. */
  close(): void
}

/** An item of a recording's last state. */
export interface ImportedItem extends ItemName {
  /** Its version, exact. */
  readonly version: Version
  /** Its value as JSON. */
  readonly text: string
}

/**
 * Mounts the panel: from now on it records every store of the page, those that are yet to come too.
 * Throws a `HighwaterError` with code `bad-option` if it is called wrongly.
 *
 * @example
 * if (import.meta.env.DEV) import('highwater/devtools').then(({ mount }) => mount())
 */
export function mount(options: DevtoolsOptions = {}): Devtools {
  check(options)
  const { parent, open = parent !== undefined, tab = 'items', theme = 'system', window = {} } = options
  const limits: Limits = { ...LIMITS, ...window }
  const stores = new PageStores(limits)
  const element = document.createElement('highwater-devtools')
  const shadow = element.attachShadow({ mode: 'open' })
  element.dataset['theme'] = theme
  let view: Promise<{ show(open: boolean): void; choose(subject: Subject): void; close(): void }> | undefined
  let isOpen = false
  const load = (): typeof view => (view ??= import('./view/panel.js').then(({ Panel }) => new Panel(shadow, stores, tab, parent === undefined ? () => show(false) : undefined)))
  const show = async (open: boolean): Promise<void> => {
    isOpen = open
    launcher?.setAttribute('aria-expanded', String(open))
    if (!open && view === undefined) return
    const panel = await load()
    panel?.show(isOpen)
    if (!open) launcher?.focus()
  }
  const launcher = parent === undefined ? launch(shadow, () => void show(!isOpen)) : undefined
  ;(parent ?? document.body).append(element)
  if (open) void show(true)
  const close = (): void => {
    element.remove()
    void view?.then((panel) => panel.close())
    stores.close()
  }
  return {
    element,
    open: () => show(true),
    hide: () => void show(false),
    theme: (theme) => void (element.dataset['theme'] = theme),
    import: async (text, options) => {
      const { bring } = await import('./bring.js')
      const [subject, imported] = await bring(stores, limits, text, options)
      ;(await view)?.choose(subject)
      return imported
    },
    close,
    [Symbol.dispose]: close,
  }
}

function check(options: DevtoolsOptions): void {
  if (typeof document !== 'object') throw new HighwaterError('bad-option', 'mount: there is no page that the panel could be put into')
  checkMembers('options', options, OPTIONS, 'option ')
  const { parent }: DevtoolsOptions = options
  if (parent !== undefined && !(parent instanceof Element)) throw new HighwaterError('bad-option', 'option parent must be an element')
}

/** The button in the corner: all that there is before the panel is opened. */
function launch(shadow: ShadowRoot, toggle: () => void): HTMLButtonElement {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(LAUNCHER)
  shadow.adoptedStyleSheets.push(sheet)
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'launcher'
  button.textContent = 'Highwater'
  button.setAttribute('aria-expanded', 'false')
  button.setAttribute('aria-label', 'Highwater devtools')
  button.addEventListener('click', toggle)
  shadow.append(button)
  return button
}

const LAUNCHER = `
:host([data-theme=light]) { color-scheme: light }
:host([data-theme=dark]) { color-scheme: dark }
:host([data-theme=system]) { color-scheme: light dark }
.launcher { position: fixed; right: 12px; bottom: 12px; z-index: 2147483000; padding: 8px 12px; border: 1px solid light-dark(#b9c4d0, #3a4757);
  border-radius: 999px; background: light-dark(#fff, #111820); color: light-dark(#0a62a8, #5bbcff); font: 600 13px/1 system-ui, sans-serif; cursor: pointer;
  box-shadow: 0 2px 10px rgb(0 0 0 / .25) }
.launcher:focus-visible { outline: 2px solid light-dark(#0a62a8, #5bbcff); outline-offset: 2px }
.launcher[aria-expanded=true] { display: none }
`

const OPTIONS: Readonly<Record<keyof DevtoolsOptions, string | Table>> = {
  parent: '*',
  open: '*',
  tab: "'items'|'wire'|'time'|'connection'|'charts'|'break'|'session'",
  theme: "'light'|'dark'|'system'",
  window: { entries: '100..1000000', bytes: '65536..2147483648' },
}
