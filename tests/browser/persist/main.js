// A page that keeps its state, and writes down all that it is told.

import { connect } from '/dist/browser.js'

const given = new URLSearchParams(location.search)
const seen = { heard: [], reports: [], restored: undefined }
const store = connect(`/v1/topics/${given.get('topic')}/stream`, {
  persist: true,
  share: given.get('share') ?? 'tab',
  retry: { first: 50, max: 500 },
  onError: ({ code, message }) => seen.reports.push(`${code}: ${message}`),
})
store.subscribe(({ changed, removed }) => {
  for (const { key } of changed) seen.heard.push(`${key} ${store.versionOf('flag', key)}`)
  for (const { key } of removed) seen.heard.push(`${key} gone`)
})
store.ready.then(() => (seen.restored = `${store.status.phase} ${store.size}`))
Object.assign(window, { store, seen })
