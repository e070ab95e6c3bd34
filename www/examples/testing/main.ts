// A stream in your hands: what each push does to a store. No server is asked.

import { connect } from 'highwater'
import { createSource, fakeClock } from 'highwater/testing'

interface Kinds {
  task: { text: string }
}

const clock = fakeClock()
const source = createSource<Kinds>()
const store = connect<Kinds>(source.url, { fetch: source.fetch, retry: { first: 1000, min: 1000, jitter: 0 } })
let texts = 0
const next = (): { text: string } => ({ text: `text ${++texts}` })

const pushes: Record<string, () => unknown> = {
  begin: () => source.begin(),
  put: () => source.put('task', 'a', next()).put('task', 'b', next()),
  end: () => source.end(),
  patch: () => source.patch('task', 'a', next()),
  delete: () => source.delete('task', 'b'),
  duplicate: () => source.duplicate(),
  reorder: () => source.reorder(() => source.patch('task', 'a', next()).patch('task', 'a', next())),
  cut: () => source.cut(),
  restart: () => source.restart(),
  '1 s later': () => clock.advance(1000),
  '1 min later': () => clock.advance(60_000),
}

const app = document.getElementById('app')!
app.innerHTML = `
  <header><h1>A stream in your hands</h1><output data-testid="status"></output></header>
  <p data-testid="pushes"></p>
  <p role="alert"></p>
  <pre data-testid="state"></pre>
  <pre data-testid="changes"></pre>`
const find = (selector: string): HTMLElement => app.querySelector<HTMLElement>(selector)!

for (const [name, push] of Object.entries(pushes)) {
  const button = Object.assign(document.createElement('button'), { textContent: name })
  button.addEventListener('click', async () => {
    find('[role=alert]').textContent = ''
    try {
      await push()
      if (source.connections > 0) await source.settled()
    } catch (error) {
      find('[role=alert]').textContent = (error as Error).message
    }
    draw()
  })
  find('[data-testid=pushes]').append(button, ' ')
}

function draw(): void {
  const { phase, error, resumed } = store.status
  find('output').textContent = phase
  const state = Object.fromEntries(store.entries('task').map(([key, { text }]) => [key, text]))
  find('[data-testid=state]').textContent = JSON.stringify({ state, error: error?.code, resumed, connections: source.requests.length })
}

store.subscribe(({ changed, removed, snapshot }) => {
  const line = [...changed.map(({ key }) => `+${key}`), ...removed.map(({ key }) => `-${key}`)].join(' ')
  find('[data-testid=changes]').textContent += `${snapshot ? 'snapshot ' : ''}${line}\n`
})
void source.connected().then(draw)
