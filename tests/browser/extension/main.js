// A page with a store for each of its `topics`; with a frame that has others; or with a store of a
// Highwater to come, as far as whoever looks from outside can see. It knows nothing of any devtools.

import { connect } from '/dist/browser.js'

const given = new URLSearchParams(location.search)

window.stores = given.getAll('topic').map((topic) => connect(`/v1/topics/${topic}/stream`, { retry: { first: 50, max: 500 } }))
for (const topic of given.getAll('frame')) {
  const frame = document.createElement('iframe')
  frame.src = `?topic=${topic}`
  document.body.append(frame)
}
for (const level of given.getAll('level')) {
  window.strange = { level: Number(level) }
  globalThis[Symbol.for('highwater.stores')].add(new WeakRef(window.strange))
}
await Promise.all(window.stores.map(({ ready }) => ready))
window.isReady = true
