// How much came, and how old and how large the state was, over the last five minutes.

import type { Second } from '../rates.js'
import type { Subject } from '../stores.js'
import { make, setText } from './dom.js'
import { bytes, duration } from './format.js'
import type { Panelled, Tab } from './tab.js'

interface Chart {
  readonly title: string
  readonly colour: string
  readonly value: (second: Second) => number
  readonly show: (value: number) => string
}

const CHARTS: readonly Chart[] = [
  { title: 'Events a second', colour: '--one', value: ({ events }) => events, show: String },
  { title: 'Bytes a second', colour: '--two', value: ({ bytes }) => bytes, show: bytes },
  { title: 'Changed items a second', colour: '--three', value: ({ changes }) => changes, show: String },
  { title: 'Refused a second', colour: '--bad', value: ({ refused }) => refused, show: String },
  { title: 'Lag', colour: '--warn', value: ({ lag }) => lag, show: duration },
  { title: 'Items', colour: '--good', value: ({ size }) => size, show: (value) => value.toLocaleString('en') },
]

/** The time that is shown at least. */
const LEAST = 60
const WIDTH = 600
const HEIGHT = 80

export class ChartsTab implements Tab {
  readonly element = make('div', { class: 'charts scroll', tabindex: 0, role: 'region', 'aria-label': 'Charts', 'data-testid': 'rates' })
  readonly #panel: Panelled
  readonly #nothing = make('p', { class: 'nothing' }, 'A session that was imported has no rates.')
  readonly #parts = CHARTS.map((chart) => {
    const line = svg('polyline', { fill: 'none', 'stroke-width': 1.5, 'vector-effect': 'non-scaling-stroke' })
    const area = svg('polygon', { opacity: 0.15 })
    const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img' })
    picture.append(area, line)
    line.style.stroke = area.style.fill = `var(${chart.colour})`
    const now = make('output')
    const most = make('span', { class: 'count' })
    const figure = make('figure', {}, make('figcaption', {}, make('h3', {}, chart.title), now, most))
    figure.append(picture)
    return { chart, line, area, picture, now, most, figure }
  })
  #subject: Subject | undefined
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(panel: Panelled) {
    this.#panel = panel
    this.element.append(this.#nothing, ...this.#parts.map(({ figure }) => figure))
  }

  begin(subject: Subject): void {
    this.end()
    this.#subject = subject
    this.#timer = setInterval(() => this.#panel.drawSoon(), 1000)
  }

  end(): void {
    clearInterval(this.#timer)
  }

  draw(): void {
    const seconds = this.#subject?.live?.seconds
    this.#nothing.hidden = seconds !== undefined
    // The second that is not over yet is none.
    const whole = seconds?.slice(0, -1) ?? []
    const end = whole.at(-1)?.at ?? 0
    const span = Math.max(LEAST, whole.length)
    for (const { chart, line, area, picture, now, most, figure } of this.#parts) {
      figure.hidden = seconds === undefined
      const values = whole.map(chart.value)
      const top = Math.max(1, ...values)
      const points = whole.map((second, at) => `${(((second.at - end + span) / span) * WIDTH).toFixed(1)},${(HEIGHT - ((values[at] ?? 0) / top) * (HEIGHT - 4)).toFixed(1)}`)
      line.setAttribute('points', points.join(' '))
      const [first] = points
      area.setAttribute('points', first === undefined ? '' : `${first.split(',')[0] ?? 0},${HEIGHT} ${points.join(' ')} ${WIDTH},${HEIGHT}`)
      const last = chart.show(values.at(-1) ?? 0)
      setText(now, last)
      setText(most, `at most ${chart.show(Math.max(0, ...values))}, in ${duration(span * 1000)}`)
      picture.setAttribute('aria-label', `${chart.title}: ${last}`)
    }
  }
}

function svg<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Readonly<Record<string, string | number>>): SVGElementTagNameMap[K] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value))
  return element
}
