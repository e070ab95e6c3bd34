// Orders: a topic that is written to here, a worker that answers for each event of it, and a view.

import { connect, init } from 'highwater'
import { make, need, oncePerFrame, setText } from './dom'
import { plural } from './format'
import { place, TOPIC } from './orders/shop'
import type { Kinds } from './orders/shop'
import { OrdersView } from './orders/view'
import { Worker } from './orders/worker'
import type { Delivery } from './orders/worker'
import { ask } from './server'
import { followTheme } from './theme'

/** The stream as the server shows it, as far as it is shown here. */
interface Stream {
  readonly statistics?: { readonly checkpoint: string; readonly lag?: number }
}

followTheme(need<HTMLButtonElement>('theme'), () => {})
const said = need('said')
/** Says what went wrong, if anything does. */
const attempt = (work: Promise<void>): void =>
  void work.then(() => setText(said, ''), (error: unknown) => setText(said, error instanceof Error ? error.message : String(error)))

attempt(open())

async function open(): Promise<void> {
  await init() // a worker's state is made by the whole module
  await place(1, []) // the first order makes the topic
  let worker: Worker
  const drawSoon = oncePerFrame(() => draw())
  worker = new Worker(drawSoon)
  await worker.open()
  const store = connect<Kinds>(`${TOPIC}/stream`)
  const view = new OrdersView(store, worker, attempt)

  const figures = new Map<string, HTMLElement>(FIGURES.map(([name, title]) => {
    const value = make('dd', { 'data-testid': `fact-${name}` }, '–')
    need('facts').append(make('div', { title }, make('dt', {}, name), value))
    return [name, value]
  }))
  const draw = (): void => {
    const { facts, deliveries, isConnected, failsNext } = worker
    const inHand = deliveries.find(({ outcome }) => outcome === 'in hand')
    const state = !isConnected ? 'disconnected' : inHand === undefined ? 'waiting for orders' : `batch ${inHand.number} in hand`
    setText(need('worker-state'), state)
    need('worker-state').dataset['state'] = !isConnected ? 'off' : inHand === undefined ? 'idle' : 'busy'
    setText(need('connection'), isConnected ? 'Disconnect' : 'Connect')
    need('fail').setAttribute('aria-pressed', String(failsNext))
    const kept = facts.disorder === 0 ? `yes, of ${plural(facts.events, 'event')}` : `no: ${plural(facts.disorder, 'event')}`
    const values = { acknowledged: facts.acknowledged, refused: facts.refused, 'came again': facts.again, 'in order': kept }
    for (const [name, value] of Object.entries(values)) setText(figures.get(name)!, String(value))
    need('batches').replaceChildren(...deliveries.map(line))
    view.progress()
  }

  need('connection').addEventListener('click', () => (worker.isConnected ? worker.disconnect() : worker.connect()))
  need('fail').addEventListener('click', () => {
    worker.failsNext = !worker.failsNext
    drawSoon()
  })
  const pace = need<HTMLSelectElement>('pace')
  const setPace = (): void => void (worker.pace = Number(pace.value))
  pace.addEventListener('change', setPace)
  setPace()
  need('place').addEventListener('click', () => attempt(place(1, view.keys)))
  need('place-many').addEventListener('click', () => attempt(place(20, view.keys)))
  const flow = need<HTMLInputElement>('flow')
  setInterval(() => {
    if (flow.checked && !document.hidden) attempt(place(1, view.keys))
  }, 2000)

  need<HTMLAnchorElement>('stream-link').href = `v1/eventstreams/${worker.stream}`
  const look = async (): Promise<void> => {
    const { body } = await ask<Stream>('GET', `/v1/eventstreams/${worker.stream}`)
    const { checkpoint = '', lag } = body.statistics ?? {}
    setText(figures.get('checkpoint')!, position(checkpoint))
    setText(figures.get('behind')!, lag === undefined ? '–' : plural(lag, 'transaction'))
  }
  setInterval(() => {
    if (!document.hidden) attempt(look())
  }, 1000)

  await store.ready
  worker.connect()
  await look()
}

const FIGURES = [
  ['acknowledged', 'Batches that the worker has dealt with'],
  ['refused', 'Batches that it refused: they come again'],
  ['came again', 'Batches that were delivered more than once'],
  ['in order', 'Whether every event came after those that precede it'],
  ['checkpoint', 'Up to which event of which transaction the server knows that all was dealt with'],
  ['behind', 'How far the checkpoint is behind the topic'],
] as const

function line({ number, keys, again, outcome }: Delivery): HTMLElement {
  return make('li', { 'data-testid': 'batch', 'data-outcome': outcome, 'data-again': again },
    make('span', { class: 'value' }, `#${number}`), make('span', { class: 'keys' }, keys.join(' ')),
    ...(again ? [make('span', { class: 'badge again' }, 'again')] : []), make('span', { class: 'outcome' }, outcome))
}

/** `event 3 of transaction 12`: what a sequence ID says. */
function position(id: string): string {
  const [index = '', part = ''] = id.split('-')
  if (index === '') return 'none yet'
  const event = /^[cs](\d+)$/.exec(part)?.[1]
  return event === undefined ? `transaction ${Number(index)}` : `event ${Number(event)} of transaction ${Number(index)}`
}
