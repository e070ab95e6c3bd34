// The playground: a stream by its address, or a recording of one.

import { connect } from 'highwater'
import { mount } from 'highwater/devtools'
import type { Status, Store } from 'highwater'
import { make, need, oncePerFrame, setText } from './dom'
import { plural } from './format'
import { List } from './list'
import { EXAMPLES } from './playground/examples'
import { Fields } from './playground/fields'
import { followTheme } from './theme'

/** An item: kind, key, version, value as JSON. */
type Line = readonly [kind: string, key: string, version: string, value: string]

const devtools = mount({ parent: need('devtools'), tab: 'wire' })
followTheme(need<HTMLButtonElement>('theme'), (theme) => devtools.theme(theme))
const fields = new Fields()
const list = new List(need('items'))
const search = need<HTMLInputElement>('search')
const stop = need<HTMLButtonElement>('stop')

/** What is there to see; and what ends it. */
let lines: readonly Line[] = []
let end = (): void => {}
let run = 0

need('form').addEventListener('submit', (event) => {
  event.preventDefault()
  void read()
})
stop.addEventListener('click', () => end())
search.addEventListener('input', () => show())
for (const [name, example] of Object.entries(EXAMPLES)) {
  const button = make('button', { type: 'button', class: 'small', 'data-testid': `example-${name}` }, example.label)
  button.addEventListener('click', () => {
    fields.fill(example)
    void read()
  })
  need('examples').append(button)
}
const file = need<HTMLInputElement>('file')
file.addEventListener('change', () => void take(file.files?.[0]))
document.addEventListener('dragover', (event) => event.preventDefault())
document.addEventListener('drop', (event) => {
  event.preventDefault()
  void take(event.dataTransfer?.files[0])
})

async function take(given: File | undefined): Promise<void> {
  file.value = ''
  if (given === undefined) return
  await fields.take(given)
  await read()
}

async function read(): Promise<void> {
  end()
  lines = []
  show()
  run += 1
  try {
    if (fields.url !== '') follow()
    else if (fields.text.trim() !== '') await play(run)
    else say('failed', 'There is nothing to read yet: give an address, or paste a recording.')
  } catch (error) {
    say('failed', error instanceof Error ? error.message : String(error))
  }
}

/** A live stream. */
function follow(): void {
  const { url, poll, authorization, protocol } = fields
  if (protocol === 'eventstream') throw new Error('An event stream is read by a worker over a WebSocket (see Orders). Here its batches can be pasted, a message a line.')
  const store = connect(url, {
    protocol,
    ...(poll === '' ? {} : { poll }),
    ...(authorization === '' ? {} : { headers: { authorization } }),
  })
  const soon = oncePerFrame(() => {
    lines = linesOf(store)
    show()
  })
  const stops = [store.subscribe(soon), store.onStatus((status) => tell(status, store.size))]
  tell(store.status, 0)
  stop.hidden = false
  end = () => {
    stop.hidden = true
    for (const stop of stops) stop()
    store.close()
    end = () => {}
    say('ok', 'Stopped. What came is still there.')
  }
}

function linesOf(store: Store): Line[] {
  return store.keys().map(({ kind, key }) => [kind, key, String(store.versionOf(kind, key) ?? ''), JSON.stringify(store.get(kind, key)) ?? ''])
}

function tell({ phase, error, cursor }: Status, size: number): void {
  if (error !== undefined) {
    const hint = error.code === 'network' && new URL(fields.url, location.href).origin !== location.origin ? ' (A server of another origin has to allow this page: CORS.)' : ''
    say('failed', `${phase}: ${error.message}.${hint}`)
  } else if (phase === 'live') say('ok', `Live${cursor === undefined ? '' : ` at ${cursor}`}: ${plural(size, 'item')}.`)
  else say('busy', `${phase}…`)
}

/** A recording: played to its end. */
async function play(mine: number): Promise<void> {
  say('busy', 'reading…')
  // The end of what was pasted is the end of its last event.
  const imported = await devtools.import(`${fields.text}\n\n`, { name: fields.name, ...(isSession(fields.text) ? {} : { protocol: fields.protocol }) })
  if (mine !== run) return imported.close()
  end = () => {
    imported.close()
    end = () => {}
  }
  const { events, ignored, items, faults } = imported
  lines = items.map(({ kind, key, version, text }) => [kind, key, String(version), text])
  show()
  const [fault] = faults
  if (fault !== undefined) {
    say('failed', `Line ${fault.line}: ${fault.error.message}. The state is that of before; what follows on the same connection is not read.`)
  } else if (events > 0 && ignored === events) {
    say('failed', `None of the ${plural(events, 'event')} means anything in this protocol. Is it another one?`)
  } else say('ok', `${plural(events, 'event')} led to ${plural(items.length, 'item')}.${ignored === 0 ? '' : ` ${ignored} of them mean nothing in this protocol.`}`)
}

/** A session of the devtools says itself what it speaks. */
function isSession(text: string): boolean {
  return /^\uFEFF?\s*event: ?highwater-session\r?\n/.test(text)
}

function show(): void {
  const words = search.value.toLowerCase().split(/\s+/).filter((word) => word !== '')
  const found = words.length === 0 ? lines : lines.filter((line) => words.every((word) => line.some((text) => text.toLowerCase().includes(word))))
  const all = plural(lines.length, 'item')
  setText(need('count'), words.length === 0 ? all : `${found.length} of ${all}`)
  list.show(found.length, (at) => found[at]!)
}

function say(result: 'ok' | 'busy' | 'failed', text: string): void {
  const message = need('message')
  message.hidden = false
  message.dataset['result'] = result
  setText(message, text)
}
