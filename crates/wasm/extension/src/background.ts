// Between the panels and the pages. It has nothing that it could not do without: when the browser puts it
// to sleep all its ports break, the panels come back, and so it begins anew.

import { api, type Port } from './api.js'
import type { Notice, Piece } from './wire.js'

const AGENT = ['agent.js']
const RELAY = ['relay.js']

/** By tab: who looks, and who is looked at. */
const panels = new Map<number, Set<Port>>()
const relays = new Map<number, Set<Port>>()

api.runtime.onConnect.addListener((port) => {
  const [who, tab] = port.name.split(':')
  if (who === 'panel') panel(port, Number(tab))
  else if (who === 'relay' && port.sender?.tab?.id !== undefined) relay(port, port.sender.tab.id)
})

function panel(port: Port, tab: number): void {
  const here = join(panels, tab, port)
  if (panels.size === 1 && here.size === 1) watch(true)
  port.onMessage.addListener((ask) => {
    if (ask === 'inject') void inject(tab, port)
    else for (const relay of relays.get(tab) ?? []) relay.postMessage(ask)
  })
  port.onDisconnect.addListener(() => {
    leave(panels, tab, port)
    if (panels.has(tab)) return
    for (const relay of relays.get(tab) ?? []) relay.disconnect()
    relays.delete(tab)
    if (panels.size === 0) watch(false)
  })
}

function relay(port: Port, tab: number): void {
  // A page of a tab that nobody looks at.
  if (!panels.has(tab)) return port.disconnect()
  let agent: string | undefined
  join(relays, tab, port)
  port.onMessage.addListener((piece) => {
    agent = (piece as Piece).agent
    tell(tab, piece as Piece)
  })
  port.onDisconnect.addListener(() => {
    leave(relays, tab, port)
    if (agent !== undefined) tell(tab, { notice: 'gone', agent })
  })
}

/** Puts the scripts into what is there. */
async function inject(tab: number, port: Port): Promise<void> {
  const target = { tabId: tab, allFrames: true }
  let error: string | undefined
  try {
    await api.scripting.executeScript({ target, world: 'MAIN', files: AGENT, injectImmediately: true })
    await api.scripting.executeScript({ target, world: 'ISOLATED', files: RELAY, injectImmediately: true })
  } catch (failure) {
    error = (failure as Error).message
  }
  if (panels.get(tab)?.has(port) === true) port.postMessage({ notice: 'injected', error } satisfies Notice)
}

/** Into pages and frames that are yet to come, before their own scripts; for as long as anybody looks at any. */
let watching = Promise.resolve()
function watch(on: boolean): void {
  const scripts = ([['agent', 'MAIN', AGENT], ['relay', 'ISOLATED', RELAY]] as const).map(([id, world, js]) => ({ id, world, js, matches: ['<all_urls>'], allFrames: true, runAt: 'document_start', persistAcrossSessions: false }) as const)
  const ids = scripts.map(({ id }) => id)
  watching = watching
    // They may be there from before it slept.
    .then(() => api.scripting.unregisterContentScripts({ ids }).catch(() => undefined))
    .then(() => (on ? api.scripting.registerContentScripts(scripts) : undefined))
}

function tell(tab: number, message: Piece | Notice): void {
  for (const port of panels.get(tab) ?? []) port.postMessage(message)
}

function join(where: Map<number, Set<Port>>, tab: number, port: Port): Set<Port> {
  const ports = where.get(tab) ?? new Set()
  where.set(tab, ports.add(port))
  return ports
}

function leave(where: Map<number, Set<Port>>, tab: number, port: Port): void {
  const ports = where.get(tab)
  ports?.delete(port)
  if (ports?.size === 0) where.delete(tab)
}
