// LaunchDarkly's SDK for browsers, on a page: `?relay=…&id=…&user=…`, and `&fdv2=true` for its newest protocol.

import { createClient } from '@launchdarkly/js-client-sdk'

const asked = new URLSearchParams(location.search)
const relay = asked.get('relay')
const client = createClient(asked.get('id'), { kind: 'user', key: asked.get('user') }, {
  baseUri: relay,
  streamUri: relay,
  eventsUri: relay,
  streaming: true,
  streamInitialReconnectDelay: 0.1,
  ...(asked.has('fdv2') ? { dataSystem: {} } : {}),
})
const show = () => (document.body.textContent = JSON.stringify(client.allFlags()))
client.on('change', show)
window.changes = []
client.on('change', (_, keys) => window.changes.push(...keys))
window.client = client
window.started = client.start().then(async (result) => {
  show()
  return result
})
