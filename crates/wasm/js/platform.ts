// What the platform says that concerns a connection: the network, the page, the application's signal.

import * as Input from './input.js'
import type { Options } from './options.js'

/** Heeds the platform: tells of what becomes different, and why, or closes. What it returns ends that. */
export function heed(url: string, { signal, hidden = false }: Options, tell: (what: number, ...why: string[]) => void, close: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const over = new AbortController()
  const on = (target: Partial<EventTarget> | undefined, type: string, listener: (event: Event) => void): void =>
    target?.addEventListener?.(type, listener, { signal: over.signal })
  on(signal, 'abort', close)
  // This machine is there without a network too.
  if (!LOCAL.test(new URL(url).hostname)) {
    on(globalThis, 'offline', () => tell(Input.Offline))
    on(globalThis, 'online', () => tell(Input.Online))
  }
  // A page that is put aside is kept whole only if it holds no connection; when it is shown again, what it
  // missed is caught up with. One that is left for good ends its connection, too: Firefox goes on reading
  // for a minute and more.
  on(globalThis, 'pagehide', () => tell(Input.Pause, PAGE))
  on(globalThis, 'pageshow', (event) => (event as PageTransitionEvent).persisted && tell(Input.Unpause, PAGE))
  const page = typeof document === 'object' ? document : undefined
  if (hidden !== false && page !== undefined) {
    const look = (): void => {
      clearTimeout(timer)
      if (page.visibilityState !== 'hidden') tell(Input.Unpause, HIDDEN)
      else if (hidden === 'pause') tell(Input.Pause, HIDDEN)
      else timer = setTimeout(() => tell(Input.Pause, HIDDEN), hidden)
    }
    on(page, 'visibilitychange', look)
    if (page.visibilityState === 'hidden') look()
  }
  if (signal?.aborted === true) close()
  return () => {
    over.abort()
    clearTimeout(timer)
  }
}

// No application has these reasons.
const PAGE = '\0page'
const HIDDEN = '\0hidden'
const LOCAL = /(^|\.)localhost$|^127\.[\d.]+$|^\[::1]$/
