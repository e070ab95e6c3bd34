// A page with a store, and the panel: mounted before it, or when it is live. With `many`, the store is
// on a source in the page.

import { connect } from '/dist/browser.js'
import { mount } from '/dist/devtools/index.js'

const given = new URLSearchParams(location.search)

async function open() {
  if (!given.has('many')) return connect(`/v1/topics/${given.get('topic')}/stream`, { retry: { first: 50, max: 500 } })
  const { createSource } = await import('/dist/testing/index.js')
  const source = createSource()
  source.begin()
  for (let at = 0; at < Number(given.get('many')); at += 1) source.put('item', `key-${String(at).padStart(6, '0')}`, { n: at, text: `value ${at}` })
  source.end()
  window.source = source
  return connect(source.url, { fetch: source.fetch })
}

if (given.has('late')) {
  const store = await open()
  await store.ready
  Object.assign(window, { store, devtools: mount() })
} else {
  const devtools = mount()
  Object.assign(window, { store: await open(), devtools })
}
