// A store with many items, a stream that goes on, and the panel, if it is asked for.

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

// The page itself has something to show in every frame.
const shown = document.body.appendChild(document.createElement('p'))
const show = () => {
  shown.textContent = `${sent} of ${store.version}`
  requestAnimationFrame(show)
}
show()

Object.assign(window, { store, devtools, sent: () => sent })
