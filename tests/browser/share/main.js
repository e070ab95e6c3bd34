// A page that shares its connection, and writes down all that it is told.

import { connect } from '/dist/browser.js'

const given = new URLSearchParams(location.search)
const seen = { heard: [], phases: [], errors: [], reports: [], versions: [] }
const stream = given.has('poll')
  ? { url: given.get('url'), protocol: 'ping', poll: given.get('poll') }
  : { url: `/v1/topics/${given.get('topic')}/stream`, headers: () => ({ 'x-tab': given.get('tab') }) }
const { url, ...options } = stream
const store = connect(url, {
  ...options,
  share: 'browser',
  retry: { first: 50, max: 500 },
  onError: ({ code, message }) => seen.reports.push(`${code}: ${message}`),
})
store.subscribe(({ changed, removed, version }) => {
  for (const { key } of changed) seen.heard.push(`${key} ${store.versionOf('flag', key)}`)
  for (const { key } of removed) seen.heard.push(`${key} gone`)
  seen.versions.push(version)
})
store.onStatus(({ phase, error }) => {
  if (seen.phases.at(-1) !== phase) seen.phases.push(phase)
  if (error !== undefined) seen.errors.push(error.code)
})
Object.assign(window, { store, seen })
