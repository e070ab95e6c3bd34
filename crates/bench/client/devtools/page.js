// A store with many items, a stream that goes on, and what each frame costs.

import { connect } from '/dist/browser.js'
import { mount } from '/dist/devtools/index.js'
import { createSource } from '/dist/testing/index.js'

const given = new URLSearchParams(location.search)
const items = Number(given.get('items'))
const rate = Number(given.get('rate'))
const keyOf = (at) => `key-${String(at).padStart(6, '0')}`

const source = createSource()
source.begin()
for (let at = 0; at < items; at += 1) source.put('item', keyOf(at), { n: at, text: `value ${at}`, pad: 'x'.repeat(100) })
source.end()
const devtools = given.has('panel') ? mount() : undefined
const store = connect(source.url, { fetch: source.fetch })
await store.ready

// Two events each: an item, and the end of its transaction.
let sent = 0
let due = performance.now()
setInterval(() => {
  for (; due < performance.now(); due += 2000 / rate, sent += 1) source.patch('item', keyOf((sent * 7919) % items), { n: -sent, text: `value ${sent}`, pad: 'y'.repeat(100) })
}, 10)

/** For so long: the milliseconds from the beginning of each frame until it is painted, and between frames. */
async function measure(millis) {
  const work = []
  const between = []
  const end = performance.now() + millis
  const before = sent
  let last
  for (;;) {
    const begun = await new Promise((resolve) => requestAnimationFrame(() => resolve(performance.now())))
    if (last !== undefined) between.push(begun - last)
    last = begun
    const { port1, port2 } = new MessageChannel()
    await new Promise((resolve) => {
      port1.onmessage = resolve
      port2.postMessage(0)
    })
    work.push(performance.now() - begun)
    port1.close()
    if (begun > end) return { work, between, events: ((sent - before) * 2000) / (performance.now() - end + millis) }
  }
}

Object.assign(window, { store, devtools, measure })
