// The machine's totals and the stream's own rates, over the last minutes.

import { addChart } from './chart'
import type { Chart, Columns } from './chart'
import { make } from './dom'
import { bytes, percent, threeDigits } from './format'
import type { Host } from './machine'

const WINDOWS = [{ label: '2 min', seconds: 120 }, { label: '5 min', seconds: 300 }] as const
const LONGEST = 300

/** A chart and the samples that it shows. */
interface Track {
  readonly chart: Chart
  readonly columns: Columns
}

export class Charts {
  readonly #home: HTMLElement
  #window: number = WINDOWS[0].seconds
  #cpu: Track | undefined
  readonly #memory: Track
  readonly #load: Track
  readonly #stream: Track
  #memoryTotal = 1
  #cores = 1
  #events = 0
  #bytes = 0

  constructor(home: HTMLElement) {
    this.#home = home
    this.#memory = this.#track(3, {
      id: 'memory',
      title: 'Memory',
      lines: [
        { label: 'used', colour: '--series-1', fill: true, width: 2, show: bytes },
        { label: 'swap', colour: '--series-3', show: bytes },
        { label: 'total', colour: '--muted', width: 0, show: bytes },
      ],
      top: () => this.#memoryTotal,
      axis: (value) => (value === 0 ? '0' : `${value / 2 ** 30} G`),
      binary: true,
    })
    this.#load = this.#track(3, {
      id: 'load',
      title: 'Load',
      lines: [
        { label: '1 min', colour: '--series-1', width: 2, fill: true, show: threeDigits },
        { label: '5 min', colour: '--series-2', show: threeDigits },
        { label: '15 min', colour: '--series-3', show: threeDigits },
      ],
      top: () => Math.max(1, this.#cores / 2),
      axis: (value) => value.toFixed(1),
    })
    this.#stream = this.#track(2, {
      id: 'stream',
      title: 'Stream',
      lines: [
        { label: 'events/s', colour: '--series-1', width: 2, fill: true, show: (value) => String(value) },
        { label: 'bytes/s', colour: '--series-4', scale: 'right', show: bytes },
      ],
      top: () => 10,
      axis: String,
      right: (value) => `${Math.round(value / 1024)} K`,
    })
    this.#chooseWindow()
  }

  /** A look at the machine; `undefined` leaves a gap, since nothing is known. */
  host(host: Host | undefined): void {
    const now = Date.now() / 1000
    if (host !== undefined) {
      this.#memoryTotal = host.memoryTotal
      this.#cores = host.perCore.length
      this.#cpu ??= this.#cpuTrack(host.perCore.length)
    }
    if (this.#cpu !== undefined) {
      const cores = this.#cpu.columns.length - 2
      const perCore = Array.from({ length: cores }, (_, core) => host?.perCore[core] ?? null)
      add(this.#cpu, now, [...perCore, host?.cpu ?? null])
    }
    add(this.#memory, now, [host?.memoryUsed ?? null, host?.swapUsed ?? null, host?.memoryTotal ?? null])
    add(this.#load, now, [0, 1, 2].map((place) => host?.load[place] ?? null))
  }

  /** An event came off the wire. */
  count(size: number): void {
    this.#events += 1
    this.#bytes += size
  }

  /** Once a second: closes the second of the rates, and draws. */
  tick(): void {
    add(this.#stream, Date.now() / 1000, [this.#events, this.#bytes])
    this.#events = 0
    this.#bytes = 0
    this.#draw()
  }

  repaint(): void {
    for (const track of this.#tracks()) track.chart.repaint()
  }

  #draw(): void {
    if (document.hidden) return
    const now = Date.now() / 1000
    for (const { chart, columns } of this.#tracks()) chart.draw(columns, now - this.#window, now)
  }

  #tracks(): Track[] {
    return [this.#cpu, this.#memory, this.#load, this.#stream].filter((track) => track !== undefined)
  }

  #track(lines: number, spec: Parameters<typeof addChart>[1]): Track {
    return { chart: addChart(this.#home, spec), columns: Array.from({ length: lines + 1 }, () => []) }
  }

  /** Made when the number of cores is known. */
  #cpuTrack(cores: number): Track {
    const few = cores <= 4
    const core = (_: unknown, index: number): Parameters<typeof addChart>[1]['lines'][number] => ({
      label: `core ${index + 1}`,
      colour: few ? `--series-${index + 2}` : '--series-faint',
      width: 1,
      ...(few ? { show: percent } : {}),
    })
    const track = this.#track(cores + 1, {
      id: 'cpu',
      title: 'CPU',
      lines: [
        ...Array.from({ length: cores }, core),
        { label: 'total', colour: '--series-1', width: 2, fill: true, show: percent },
      ],
      top: () => 100,
      axis: (value) => `${value} %`,
    })
    this.#home.prepend(this.#home.lastElementChild!)
    return track
  }

  #chooseWindow(): void {
    const buttons = WINDOWS.map(({ label, seconds }) => {
      const button = make('button', { type: 'button', class: 'small', 'data-testid': `window-${seconds}` }, label)
      button.addEventListener('click', () => {
        this.#window = seconds
        show()
        this.#draw()
      })
      return { button, seconds }
    })
    const show = (): void => {
      for (const { button, seconds } of buttons) button.setAttribute('aria-pressed', String(seconds === this.#window))
    }
    show()
    const group = make('div', { class: 'window', role: 'group', 'aria-label': 'Time window' })
    group.append(...buttons.map(({ button }) => button))
    this.#home.querySelector('[data-testid="chart-stream"] figcaption')!.append(group)
  }
}

function add({ columns }: Track, now: number, values: (number | null)[]): void {
  columns[0]!.push(now)
  values.forEach((value, place) => columns[place + 1]!.push(value))
  let old = 0
  while ((columns[0]![old] ?? now) < now - LONGEST - 5) old += 1
  if (old > 0) for (const column of columns) column.splice(0, old)
}
