// Rows as a table, in Markdown that is as readable in a terminal.

import { barsOf } from './bars.mjs'

/** All rows: a table for each runner. */
export function report(rows) {
  return ['node', 'chromium']
    .map((runner) => rows.filter((row) => row.runner === runner))
    .filter((part) => part.length > 0)
    .map((part) => `### ${part[0].runner === 'node' ? 'Node' : 'Chromium'}\n\n${[times(part), bytes(part)].filter((table) => table !== '').join('\n')}`)
    .join('\n')
}

/** How many bars there are, and which were not reached. */
export function verdict(rows) {
  const bars = rows.flatMap((row) => barsOf(row).map((bar) => ({ ...bar, row })))
  const missed = bars.filter(({ reached }) => !reached)
  const list = missed.map(({ words, row: { runner, workload, variant, peer } }) => `  ${runner} ${workload}, ${variant}, ${peer}: ${words}`)
  return [`${bars.length - missed.length} of ${bars.length} bars reached${missed.length > 0 ? '; missed:' : ''}`, ...list].join('\n')
}

function times(rows) {
  const timed = inOrder(rows.filter(({ bytes_ratio }) => bytes_ratio === undefined))
  if (timed.length === 0) return ''
  return table(
    ['', 'beside', 'ours, ms', 'peer, ms', 'times faster', 'must reach', 'wrong keys', 'longest pause, ms'],
    timed.map((row) => [
      `${row.workload}, ${row.variant}`,
      row.peer,
      `${figure(row.ours_ms)} ±${row.ours_spread.toFixed(0)} %`,
      `${figure(row.peer_ms)} ±${row.peer_spread.toFixed(0)} %`,
      figure(row.ratio),
      words(row),
      pair(row.ours_wrong_keys, row.peer_wrong_keys),
      pair(figure(row.ours_longest_pause_ms), figure(row.peer_longest_pause_ms)),
    ]),
  )
}

function bytes(rows) {
  const weighed = inOrder(rows.filter(({ bytes_ratio }) => bytes_ratio !== undefined))
  if (weighed.length === 0) return ''
  const lines = weighed.map((row) => [
    `${row.workload}, ${row.variant}`,
    row.peer,
    (row.ours_bytes / 1e6).toFixed(1),
    (row.peer_bytes / 1e6).toFixed(1),
    row.bytes_ratio.toFixed(2),
    words(row),
    pair(row.ours_wrong_keys, row.peer_wrong_keys),
  ])
  return table(['', 'beside', 'ours, MB', 'peer, MB', 'ours by peer', 'must reach', 'wrong keys'], lines)
}

const inOrder = (rows) => rows.toSorted((a, b) => (a.workload < b.workload ? -1 : a.workload > b.workload ? 1 : 0))
const pair = (ours, peers) => `${ours} / ${peers}`
const words = (row) => barsOf(row).map(({ words, reached }) => `${words} ${reached ? '✓' : '✗'}`).join(', ')

/** Three digits. */
export function figure(number) {
  return number >= 100 ? number.toFixed(0) : number >= 10 ? number.toFixed(1) : number.toFixed(2)
}

function table(heading, lines) {
  const all = [heading, ...lines]
  const widths = heading.map((_, column) => Math.max(...all.map((line) => [...line[column]].length), 3))
  const show = (line) => `| ${line.map((cell, column) => cell + ' '.repeat(widths[column] - [...cell].length)).join(' | ')} |\n`
  return show(heading) + `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|\n` + lines.map(show).join('')
}
