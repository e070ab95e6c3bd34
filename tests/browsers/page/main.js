// A page with one store, as its address says, that writes down all that it is told.

const given = new URLSearchParams(location.search)
const { connect } = await import(`/dist/${given.get('entry') ?? 'browser'}.js`)
const seen = { heard: [], phases: [], codes: [], reports: [], versions: [], shown: [], restored: undefined }
const store = connect(`/v1/topics/${given.get('topic')}/stream`, {
  retry: { first: 50, max: 500 },
  ...JSON.parse(given.get('options') ?? '{}'),
  ...(given.has('tab') && { headers: () => ({ 'x-tab': given.get('tab') }) }),
  onError: ({ code, message }) => seen.reports.push(`${code}: ${message}`),
})
store.subscribe(({ changed, removed, version }) => {
  for (const { key } of changed) seen.heard.push(`${key} ${store.versionOf('flag', key)}`)
  for (const { key } of removed) seen.heard.push(`${key} gone`)
  seen.versions.push(version)
})
store.onStatus(({ phase, error }) => {
  if (seen.phases.at(-1) !== phase) seen.phases.push(phase)
  if (error !== undefined) seen.codes.push(error.code)
})
store.ready.then(() => (seen.restored = `${store.status.phase} ${store.size}`))
document.addEventListener('visibilitychange', () => seen.shown.push(document.visibilityState))
addEventListener('pageshow', ({ persisted }) => persisted && seen.shown.push('brought back'))
addEventListener('offline', () => seen.shown.push('offline'))
addEventListener('online', () => seen.shown.push('online'))
Object.assign(window, { store, seen })
