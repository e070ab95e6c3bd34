// One chart over a rolling window, with its present (or pointed at) values beside the title.

import uPlot from 'uplot'
import { make, setText } from './dom'
import { colour } from './theme'

export interface Line {
  readonly label: string
  /** A colour variable of the style sheet. */
  readonly colour: string
  readonly width?: number
  /** Fills the area below, faintly. */
  readonly fill?: boolean
  readonly scale?: 'y' | 'right'
  /** Lines without are not in the legend. */
  readonly show?: (value: number) => string
}

export interface Spec {
  readonly id: string
  readonly title: string
  readonly lines: readonly Line[]
  /** The least that the axis reaches to. */
  readonly top: () => number
  readonly axis: (value: number) => string
  readonly right?: (value: number) => string
  /** Steps of the axis in powers of two, as memory is counted. */
  readonly binary?: boolean
}

export interface Chart {
  /** Draws what the columns hold now; `columns[0]` are the times, in seconds. */
  draw(columns: Columns, from: number, to: number): void
  /** The colours changed. */
  repaint(): void
}

export type Columns = (number | null)[][]

/** Adds a chart to `home` that keeps to its box. */
export function addChart(home: HTMLElement, spec: Spec): Chart {
  const values = spec.lines.map((line) => {
    const value = make('output', { 'data-testid': `chart-${spec.id}-${line.label.replace(/\W+/g, '-')}` }, '–')
    return { line, value }
  })
  const legend = values
    .filter(({ line }) => line.show !== undefined)
    .map(({ line, value }) => {
      const entry = make('span', { class: 'key' }, make('i'), make('span', {}, line.label), value)
      entry.style.setProperty('--line', `var(${line.colour})`)
      return entry
    })
  const box = make('div', { class: 'plot' })
  home.append(
    make('figure', { class: 'panel chart', 'data-testid': `chart-${spec.id}` },
      make('figcaption', {}, make('h2', {}, spec.title), ...legend), box),
  )

  let range: [number, number] = [0, 1]
  let columns: Columns = [[], ...spec.lines.map(() => [])]
  const show = (index: number | null | undefined): void => {
    for (const [place, { line, value }] of values.entries()) {
      const column = columns[place + 1]!
      const at = index ?? column.length - 1
      const number = column[at]
      if (line.show !== undefined) setText(value, typeof number === 'number' ? line.show(number) : '–')
    }
  }
  const plot = new uPlot(options(spec, () => range, (index) => show(index)), columns as uPlot.AlignedData, box)
  new ResizeObserver(() => {
    const { width, height } = size(box)
    if (width > 0 && height > 0) plot.setSize({ width, height })
  }).observe(box)

  return {
    draw(next, from, to) {
      range = [from, to]
      columns = next
      plot.setData(columns as uPlot.AlignedData)
      show(plot.cursor.idx)
    },
    repaint: () => plot.redraw(false, true),
  }
}

function options(spec: Spec, range: () => [number, number], pointed: (index: number | null | undefined) => void): uPlot.Options {
  const grid: uPlot.Axis.Grid = { stroke: () => colour('--grid'), width: 1 }
  const axis = { stroke: () => colour('--muted'), font: '11px system-ui, sans-serif', ticks: { show: false } }
  const upTo = (_: uPlot, _low: number | null, high: number | null): [number, number] =>
    [0, Math.max(spec.top(), (high ?? 0) * 1.08)]
  const axes: uPlot.Axis[] = [
    { ...axis, grid: { show: false }, size: 20, gap: 4, space: 70, values: (_, times) => times.map(clockLabel) },
    { ...axis, grid, size: 46, gap: 4, space: 24, values: (_, splits) => splits.map(spec.axis), ...(spec.binary === true ? { incrs: POWERS } : {}) },
  ]
  const { right } = spec
  if (right !== undefined) {
    axes.push({ ...axis, scale: 'right', side: 1, grid: { show: false }, size: 50, gap: 4, space: 24,
      values: (_, splits) => splits.map(right), incrs: POWERS })
  }
  return {
    width: 100,
    height: 60,
    padding: [6, right === undefined ? 14 : 0, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: 'machine' }, drag: { x: false, y: false }, y: false, points: { size: 5 } },
    scales: { x: { time: true, range }, y: { range: upTo }, right: { range: (_, _low, high) => [0, Math.max(1024, (high ?? 0) * 1.08)] } },
    axes,
    series: [{}, ...spec.lines.map((line): uPlot.Series => ({
      label: line.label,
      scale: line.scale ?? 'y',
      stroke: () => colour(line.colour),
      width: line.width ?? 1.5,
      points: { show: false },
      ...(line.fill === true ? { fill: () => colour(`${line.colour}-area`) } : {}),
    }))],
    hooks: { setCursor: [(plot) => pointed(plot.cursor.idx)] },
  }
}

/** 1 KiB to 1 PiB. */
const POWERS = Array.from({ length: 41 }, (_, power) => 2 ** (10 + power))

function clockLabel(seconds: number): string {
  const time = new Date(seconds * 1000)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`
}

function size(box: HTMLElement): { width: number; height: number } {
  return { width: Math.floor(box.clientWidth), height: Math.floor(box.clientHeight) }
}
