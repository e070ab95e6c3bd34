// LaunchDarkly's js-client-sdk: flags over its EventSource, without the cache in localStorage (which
// writes every flag at every patch) and without the poll that comes before the stream: its best case.
// It is handed strings, as a browser's EventSource would: what a browser does to make them is not counted.

import { createClient } from '@launchdarkly/js-client-sdk'
import { hop } from '../source.mjs'

export const name = 'launchdarkly'
export const wire = 'launchdarkly'
export const beside = 'connect'
export const strings = true

export async function open() {
  let source
  // The SDK makes its own: there is no other way in.
  globalThis.EventSource = class {
    listeners = new Map()
    constructor() {
      source = this
    }
    addEventListener(type, listener) {
      this.listeners.set(type, [...(this.listeners.get(type) ?? []), listener])
    }
    close() {}
  }
  const silent = () => {}
  const client = createClient('bench', { kind: 'user', key: 'bench' }, {
    streaming: true,
    sendEvents: false,
    fetchGoals: false,
    diagnosticOptOut: true,
    disableCache: true,
    logger: { debug: silent, info: silent, warn: silent, error: console.error },
  })
  await client.start({ bootstrap: {} })
  while (source === undefined) await hop()
  const dispatch = (event) => {
    for (const listener of source.listeners.get(event.type)) listener(event)
  }
  // It makes names for its storage first, also when it has none.
  dispatch({ type: 'put', data: '{"there":{"version":1,"value":true}}' })
  while (client.variation('there') !== true) await hop()
  const take = async (groups, meter) => {
    for (const group of groups) {
      meter.begin()
      group.forEach(dispatch)
      // Its listeners go on in microtasks.
      for (let ticks = 0; ticks < 8; ticks += 1) await undefined
      meter.end()
    }
    await hop()
  }
  return {
    snapshot: take,
    patches: take,
    get: (key) => client.variation(key) ?? undefined,
    *all() {
      const flags = client.allFlags()
      for (const key in flags) yield flags[key]
    },
    get size() {
      return Object.keys(client.allFlags()).length
    },
    listen: (key, listener) => client.on(`change:${key}`, listener),
    close: () => client.close(),
  }
}
