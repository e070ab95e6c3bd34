// What the platform says that concerns a connection: the network, the page, the application's signal.

import type { Options } from './options.js'

/** What can be done about it. */
export interface Heeding {
  close(): void
  network(on: boolean): void
  pause(reason: string): void
  resume(reason: string): void
}

/** Heeds the platform, until the function that it returns is called. */
export function heed(url: string, { signal, hidden = false }: Options, to: Heeding): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const over = new AbortController()
  const on = (target: Partial<EventTarget> | undefined, type: string, listener: (event: Event) => void): void =>
    target?.addEventListener?.(type, listener, { signal: over.signal })
  on(signal, 'abort', () => to.close())
  // This machine is there without a network too.
  if (!LOCAL.test(new URL(url).hostname)) {
    on(globalThis, 'offline', () => to.network(false))
    on(globalThis, 'online', () => to.network(true))
  }
  // A page that is put aside is kept whole only if it holds no connection; when it is shown again, what it
  // missed is caught up with. One that is left for good ends its connection, too: Firefox goes on reading
  // for a minute and more.
  on(globalThis, 'pagehide', () => to.pause(PAGE))
  on(globalThis, 'pageshow', (event) => (event as PageTransitionEvent).persisted && to.resume(PAGE))
  const page = typeof document === 'object' ? document : undefined
  if (hidden !== false && page !== undefined) {
    const look = (): void => {
      clearTimeout(timer)
      if (page.visibilityState !== 'hidden') to.resume(HIDDEN)
      else if (hidden === 'pause') to.pause(HIDDEN)
      else timer = setTimeout(() => to.pause(HIDDEN), hidden)
    }
    on(page, 'visibilitychange', look)
    if (page.visibilityState === 'hidden') look()
  }
  if (signal?.aborted === true) to.close()
  return () => {
    over.abort()
    clearTimeout(timer)
  }
}

// No application has these reasons.
const PAGE = '\0page'
const HIDDEN = '\0hidden'
const LOCAL = /^(localhost|127\.[0-9.]+|\[::1\])$|\.localhost$/
