// A JSON value as a tree that opens where it is clicked.

import { make } from './dom.js'

/** The value of this text; or the text, if it is no JSON. */
export function treeOf(text: string): HTMLElement {
  try {
    return make('div', { class: 'tree' }, node(undefined, JSON.parse(text), 0))
  } catch {
    return make('pre', { tabindex: 0, 'aria-label': 'Text' }, text)
  }
}

function node(name: string | undefined, value: unknown, depth: number): HTMLElement {
  const label = name === undefined ? [] : [make('span', { class: 'name' }, name), ': ']
  if (typeof value !== 'object' || value === null) {
    return make('div', { class: 'leaf' }, ...label, make('span', { class: `is-${value === null ? 'null' : typeof value}` }, JSON.stringify(value)))
  }
  const entries = Object.entries(value)
  if (entries.length === 0) return make('div', { class: 'leaf' }, ...label, Array.isArray(value) ? '[]' : '{}')
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  const more = make('details', {}, make('summary', {}, ...label, `${open} ${entries.length} ${close}`))
  const fill = (): void => {
    if (more.childElementCount > 1) return
    more.append(...entries.slice(0, MOST).map(([key, value]) => node(key, value, depth + 1)))
    if (entries.length > MOST) more.append(make('div', { class: 'leaf' }, `… and ${entries.length - MOST} more`))
  }
  // What is open from the beginning would be told of too late.
  if (depth < 2) {
    more.open = true
    fill()
  }
  more.addEventListener('toggle', fill)
  return more
}

const MOST = 500
