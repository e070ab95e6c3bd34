// Flags: a topic that is written to here, and LaunchDarkly's SDK, which the same server tells of it.

import { createClient } from '@launchdarkly/js-client-sdk'
import { connect } from 'highwater'
import { flash, make, need, setText } from './dom'
import { duration } from './format'
import { followTheme } from './theme'

interface Flag {
  readonly on: boolean
}

/** What a row shows, and where. */
interface Row {
  readonly toggle: HTMLInputElement
  readonly version: HTMLElement
  readonly seen: HTMLElement
  /** How long after it was written here the SDK told of it. */
  readonly after: HTMLElement
  written: number | undefined
}

const TOPIC = new URL('/v1/topics/flags', location.href)
/** The id under which the demo serves the topic to SDKs. */
const ENVIRONMENT = 'demo'

followTheme(need<HTMLButtonElement>('theme'), () => {})

const store = connect<{ flag: Flag }>(`${TOPIC}/stream`)
const sdk = createClient(
  ENVIRONMENT,
  { kind: 'user', key: 'reader' },
  {
    baseUri: location.origin,
    streamUri: location.origin,
    eventsUri: location.origin,
    streaming: true,
    fetchGoals: false,
    sendEvents: false,
    diagnosticOptOut: true,
  },
)

const rows = new Map<string, Row>()
/** Before that the SDK knows of no flag, and says so aloud. */
let isStarted = false

store.subscribe(show)
sdk.on('change', show)
sdk.on('initialized', () => {
  isStarted = true
  show()
})
void sdk.start().then(({ status }) => setText(need('sdk'), status === 'complete' ? 'LaunchDarkly’s SDK has its flags, and follows them.' : `LaunchDarkly’s SDK: ${status}`))

/** What the store has is what the switches show; what the SDK says stands beside it. */
function show(): void {
  for (const [key, flag] of store.entries('flag')) {
    const row = rows.get(key) ?? add(key)
    row.toggle.checked = flag.on
    setText(row.version, String(store.versionOf('flag', key) ?? ''))
    const seen = isStarted ? JSON.stringify(sdk.variation(key, null)) : '…'
    if (!setText(row.seen, seen)) continue
    flash(row.seen)
    setText(row.after, row.written === undefined ? '–' : duration(performance.now() - row.written))
    row.written = undefined
  }
}

function add(key: string): Row {
  const toggle = make('input', { type: 'checkbox', 'data-testid': `toggle-${key}`, 'aria-label': key })
  const version = make('td', { class: 'number' })
  const seen = make('td', { class: 'value', 'data-testid': `seen-${key}` })
  const after = make('td', { class: 'number' })
  toggle.addEventListener('change', () => void write(key, toggle.checked))
  need('flags').append(make('tr', {}, make('th', { scope: 'row' }, key), make('td', {}, toggle), version, seen, after))
  const row: Row = { toggle, version, seen, after, written: undefined }
  rows.set(key, row)
  return row
}

/** Writes the flag with its switch in the other place, unless somebody else was quicker. */
async function write(key: string, on: boolean): Promise<void> {
  rows.get(key)!.written = performance.now()
  const response = await fetch(`${TOPIC}/flag/${encodeURIComponent(key)}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', 'if-match': String(store.versionOf('flag', key) ?? 0) },
    body: JSON.stringify({ ...store.get('flag', key), on }),
  })
  if (!response.ok) show()
}
