// The same as node.mjs, in a page. What a page cannot know, its driver tells it: see chromium.mjs.

import './wasm-memory.mjs'
import { compare, weigh } from './measure.mjs'
import { median } from './statistics.mjs'
import { memories } from './wasm-memory.mjs'

/** Milliseconds that asking for the time takes of the time. */
let asking = 0

async function timed(run) {
  const begun = await globalThis.threadTime()
  await run()
  return (await globalThis.threadTime()) - begun - asking
}

async function toolsOf() {
  // As it is published: not a part of this bundle.
  const highwater = await import('/dist/browser.js')
  await highwater.init()
  const empty = []
  asking = 0
  for (let times = 0; times < 25; times += 1) empty.push(await timed(() => {}))
  asking = median(empty)
  return {
    highwater,
    collect: () => globalThis.gc(),
    timed,
    bytes: async () => (await globalThis.heapBytes()) + memories(),
    said: (row) => globalThis.said(row),
  }
}

globalThis.bench = {
  compare: async (name, options) => compare(name, options, await toolsOf()),
  weigh: async (which, variant) => weigh(which, variant, await toolsOf()),
}
