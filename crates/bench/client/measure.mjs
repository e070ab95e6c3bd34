// Ours beside one peer, workload by workload; and what either retains. The same code in Node and in a page.

import { cellsOf, concerns, Data, runOnce } from './cells.mjs'
import { retained } from './memory.mjs'
import { Meter } from './source.mjs'
import { inRounds, ratioOf, spread } from './statistics.mjs'
import { oursBeside, PEERS } from './subjects.mjs'

/**
 * Rows of one peer. `tools`: `highwater` (the package), `timed`, `computed`, `collect`, `said` (told of each row).
 */
export async function compare(name, options, tools) {
  const peer = await PEERS[name]()
  const rows = []
  const data = new Data()
  for (const cell of cellsOf(options)) {
    if (!concerns(cell, peer, options)) continue
    const row = await compareIn(cell, peer, data, options, tools)
    rows.push(row)
    tools.said?.(row)
  }
  return rows
}

async function compareIn(cell, peer, data, { quick }, tools) {
  const ours = oursBeside(peer, cell.workload, tools.highwater)
  // Verified before they are timed, which warms them too.
  const wrong = []
  for (const subject of [ours, peer]) wrong.push((await runOnce(cell, subject, data, tools, { verify: true })).wrong)
  const results = await inRounds([ours, peer], (subject) => runOnce(cell, subject, data, tools), quick ? QUICK : FULL)
  const [oursMs, peersMs] = results.map((runs) => runs.map(({ ms }) => ms))
  const longest = await longestOf([ours, peer], results, quick ? 1 : 3, (subject, meter) => runOnce(cell, subject, data, tools, { meter }), tools)
  const { ours: ours_ms, peer: peer_ms, ratio } = ratioOf(oursMs, peersMs)
  return {
    workload: cell.workload,
    variant: cell.variant,
    peer: peer.name,
    ours_ms,
    peer_ms,
    ratio,
    ours_spread: spread(oursMs),
    peer_spread: spread(peersMs),
    ours_wrong_keys: wrong[0],
    peer_wrong_keys: wrong[1],
    ours_longest_pause_ms: longest[0],
    peer_longest_pause_ms: longest[1],
    rounds: oursMs.length,
  }
}

/**
 * The longest that a chunk took each subject, in the round in which that was least. Where there is
 * a clock of the time computed, which would cost the rounds too much, in rounds apart.
 */
async function longestOf(subjects, results, rounds, run, { computed }) {
  let runs = results
  if (computed !== undefined) {
    runs = await inRounds(subjects, (subject) => run(subject, new Meter(computed)), { budget: 0, least: rounds, most: rounds })
  }
  return runs.map((run) => Math.min(...run.map(({ longest }) => longest)))
}

/** What one subject keeps in memory: of a process of its own. `which` is a peer, `push` or `connect`. */
export async function weigh(which, variant, tools) {
  const subject = which in PEERS ? await PEERS[which]() : oursBeside({ beside: which }, 'W4', tools.highwater)
  return retained(subject, variant, tools)
}

/** What takes long has been warmed by being verified. */
const QUICK = { budget: 800, least: 1, most: 7 }
const FULL = { budget: 5_000, least: 5, most: 25 }
