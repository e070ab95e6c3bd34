// The two pages: what each makes of the stream.

import { connect } from 'highwater'
import type { Item } from './world'

/** A state that follows the stream. */
export interface Side {
  /** The first whole state is there. */
  readonly ready: Promise<void>
  readonly cursor: string | undefined
  keys(): string[]
  get(key: string): Item | undefined
  /** All of them. */
  values(): Iterable<Item>
  close(): void
}

export function ours(url: string): Side {
  const store = connect<{ item: Item }>(url)
  return {
    ready: store.ready,
    get cursor() {
      return store.status.phase === 'live' ? store.status.cursor : undefined
    },
    keys: () => store.keys('item'),
    get: (key) => store.get('item', key),
    values: () => store.collection('item').values(),
    close: () => store.close(),
  }
}

/** As one writes it by hand who has read the format. */
export function plain(url: string): Side {
  const items = new Map<string, Item>()
  const source = new EventSource(url)
  // Only to know when everything has come.
  let cursor: string | undefined
  let newest = 0
  const on = (type: string, call: (data: any) => void): void =>
    source.addEventListener(type, (event) => call(JSON.parse((event as MessageEvent<string>).data)))
  on('server-intent', ({ payloads: [payload] }) => {
    if (payload.intentCode === 'xfer-full') items.clear()
  })
  on('put-object', ({ key, object }) => items.set(key, object))
  on('delete-object', ({ key }) => items.delete(key))
  const ready = new Promise<void>((resolve) =>
    on('payload-transferred', ({ state, version }) => {
      if (version > newest) [cursor, newest] = [state, version]
      resolve()
    }),
  )
  return {
    ready,
    get cursor() {
      return cursor
    },
    keys: () => [...items.keys()],
    get: (key) => items.get(key),
    values: () => items.values(),
    close: () => source.close(),
  }
}
