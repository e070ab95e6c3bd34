// A worker with one store, that says how it stands.

import { connect } from '/dist/browser.js'

onmessage = ({ data: [url, options] }) => {
  const store = connect(url, options)
  const tell = () => postMessage([store.status.phase, store.entries('flag').map(([key, { n }]) => `${key} ${n}`).sort()])
  store.subscribe(tell)
  store.onStatus(tell)
}
