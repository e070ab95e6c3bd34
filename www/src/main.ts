// The demo page: one store, and views that follow it.

import { connect } from 'highwater'
import { mount } from 'highwater/devtools'
import type { Charts } from './charts'
import { afterFrame, need, setText } from './dom'
import { Faults } from './faults'
import { nameLanguage } from './language'
import type { Kinds, Machine } from './machine'
import { TOPIC } from './machine'
import { StatusView } from './status'
import { ProcessTable } from './table'
import { followTheme } from './theme'
import { verify } from './verify'
import type { Verdict } from './verify'

declare global {
  interface Window {
    /** For the browser's console, and for tests. */
    highwaterDemo: { readonly store: Machine; readonly verify: () => Promise<Verdict> }
  }
}

// It sees the store from its first connection on, and shows itself when the table is there.
const devtools = mount({ parent: need('devtools'), tab: 'wire', open: false })

// By this name the server knows whose stream to break.
const client = Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) => byte.toString(16).padStart(2, '0')).join('')
const store = connect<Kinds>(new URL(`${TOPIC}/stream?client=${client}`, location.href))

let charts: Charts | undefined
followTheme(need<HTMLButtonElement>('theme'), (theme) => {
  devtools.theme(theme)
  charts?.repaint()
})
const status = new StatusView(store)
const table = new ProcessTable(store)
const check = (): Promise<Verdict> => verify(store, () => table.shown())
const faults = new Faults(store, client, check)
setText(need('client'), `this page is client ${client}`)

let first = true
let sampled = 0
store.subscribe(({ changed, removed, snapshot }) => {
  const keys = (items: typeof changed): string[] =>
    items.filter((item) => item.kind === 'process').map((item) => item.key)
  // After a snapshot a version may be another though the value is not: then no change tells of it.
  table.update(snapshot ? store.keys('process') : keys(changed), keys(removed), first)
  first = false
  status.items(store.size)
  if (changed.some((item) => item.kind === 'host')) {
    sampled = Date.now()
    const host = store.get('host', 'host')
    afterFrame(() => charts?.host(host)) // the table is what one waits for
  }
})

// What nobody waits for comes when the table is on the screen, or says that it will be late.
const patience = new Promise<void>((resolve) => setTimeout(resolve, 2000))
void Promise.race([store.ready, patience])
  .catch(() => undefined) // the status tells why
  .then(() => afterFrame(() => void Promise.all([devtools.open(), draw()])))
store.ready.then(() => afterFrame(() => void faults.check())).catch(() => undefined)

async function draw(): Promise<void> {
  nameLanguage()
  const { Charts } = await import('./charts')
  const drawn = (charts = new Charts(need('charts')))
  const host = store.get('host', 'host')
  if (host !== undefined) drawn.host(host)
  store.trace((event) => drawn.count(event.bytes))
  const tick = (): void => {
    if (Date.now() - sampled > 2500) drawn.host(undefined)
    drawn.tick()
  }
  tick()
  setInterval(tick, 1000)
}

window.highwaterDemo = { store, verify: check }
