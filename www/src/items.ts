// 100,000 items: the same page with Highwater and in plain JavaScript, measured beside each other.

import { init } from 'highwater'
import { make, need, setText } from './dom'
import { plural, thousands } from './format'
import { measure, pause, readAll, wrong } from './items/measure'
import type { Figures } from './items/measure'
import { ours, plain } from './items/sides'
import type { Side } from './items/sides'
import { address, disturb, fill } from './items/world'
import { List } from './list'
import { followTheme } from './theme'

const SIDES = { ours, plain }
type Name = keyof typeof SIDES
const NAMES = ['ours', 'plain'] as const
const ROUNDS = 3

const LINES = {
  state: ['All items are in the state', 'ms'],
  screen: ['The first rows are on the screen', 'ms'],
  read: ['Then every value is read once', 'ms'],
  pause: ['Longest pause of the page until then', 'ms'],
  wrong: ['Wrong keys, after transactions came in the wrong order', ''],
} as const
type Line = keyof typeof LINES

followTheme(need<HTMLButtonElement>('theme'), () => {})
const start = need<HTMLButtonElement>('start')
const say = (text: string): void => void setText(need('said'), text)
const lists = { ours: new List(need('ours')), plain: new List(need('plain')) }
const cells = new Map<string, HTMLElement>()
for (const [line, [title]] of Object.entries(LINES)) {
  const [left, right] = NAMES.map((name) => make('td', { class: 'bar-cell', 'data-testid': `${name}-${line}` }, '–'))
  cells.set(`ours-${line}`, left!).set(`plain-${line}`, right!)
  need('rows').append(make('tr', {}, make('th', { scope: 'row' }, title), left!, right!))
}

/** What is there of the last run. */
let sides: Partial<Record<Name, Side>> = {}

start.addEventListener('click', () => {
  start.disabled = true
  void run()
    .catch((error: unknown) => say(error instanceof Error ? error.message : String(error)))
    .finally(() => (start.disabled = false))
})

async function run(): Promise<void> {
  for (const side of Object.values(sides)) side.close()
  sides = {}
  say('the server is given 100,000 items…')
  await Promise.all([fill(), init()])
  const found: Record<Name, Figures[]> = { ours: [], plain: [] }
  for (let round = 0; round < ROUNDS; round += 1) {
    // Who comes first takes turns.
    for (const name of round % 2 === 0 ? NAMES : [...NAMES].reverse()) {
      say(`round ${round + 1} of ${ROUNDS}: ${name === 'ours' ? 'Highwater' : 'plain JavaScript'}…`)
      sides[name]?.close()
      await pause(200)
      const { side, figures } = await measure(() => SIDES[name](address(`${name}-${tab}`)), (side) => draw(name, side))
      sides[name] = side
      found[name].push(figures)
      for (const line of ['state', 'screen', 'pause'] as const) show(line, (name) => median(found[name].map((figures) => figures[line])))
      // Nobody else computes while the next one is measured.
      if (round < ROUNDS - 1) side.close()
    }
  }
  const { ours, plain } = sides as Record<Name, Side>
  const reads = { ours: readAll(ours), plain: readAll(plain) }
  show('read', (name) => reads[name])
  say('transactions come in the wrong order…')
  const counts: Partial<Record<Name, number>> = {}
  for (const name of NAMES) {
    await disturb(`${name}-${tab}`)
    counts[name] = await wrong(sides[name]!)
    show('wrong', (name) => counts[name])
  }
  for (const name of NAMES) draw(name, sides[name]!)
  say(`measured: ${ROUNDS} rounds, ${plural(ours.keys().length, 'item')}`)
}

function draw(name: Name, side: Side): void {
  const keys = side.keys()
  setText(need(`${name}-count`), plural(keys.length, 'item'))
  lists[name].show(keys.length, (at) => {
    const item = side.get(keys[at]!)
    return [keys[at]!, item?.name ?? '', item?.shelf ?? '', `${item?.stock ?? ''}`]
  })
}

/** A line of the table: the number, and how long it is beside the other. */
function show(line: Line, value: (name: Name) => number | undefined): void {
  const values = NAMES.map((name) => value(name))
  const most = Math.max(...values.map((value) => value ?? 0))
  const unit = LINES[line][1]
  NAMES.forEach((name, at) => {
    const cell = cells.get(`${name}-${line}`)!
    const number = values[at]
    if (number === undefined || Number.isNaN(number)) return
    cell.dataset['value'] = String(number)
    cell.style.setProperty('--fill', String(most === 0 ? 0 : number / most))
    setText(cell, `${unit === '' || number >= 10 ? thousands(Math.round(number)) : number.toFixed(1)} ${unit}`.trim())
  })
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}

/** By this name the server knows whose stream to disturb. */
const tab = crypto.randomUUID().slice(0, 8)
