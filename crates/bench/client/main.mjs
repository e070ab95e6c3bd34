// node main.mjs [--quick] [--json FILE] [--write] [--runner NAMES] [--peer NAMES] [--workload NAMES]
// As `cargo xtask bench client`, which builds the package and installs the peers first.

import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startChromium } from './chromium.mjs'
import { HANDWRITTEN } from './cells.mjs'
import { variantsOf } from './memory.mjs'
import { figure, report, verdict } from './report.mjs'
import { PEERS } from './subjects.mjs'

const names = (text, all, option) => {
  const chosen = text?.split(',') ?? all
  const unknown = chosen.find((name) => !all.includes(name))
  if (unknown === undefined) return chosen
  console.error(`${option} ${unknown}: there are ${all.join(', ')}`)
  process.exit(2)
}
const { values: given } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
    runner: { type: 'string' },
    peer: { type: 'string' },
    workload: { type: 'string' },
  },
})
const { quick } = given
const runners = names(given.runner, ['node', 'chromium'], '--runner')
const peers = names(given.peer, Object.keys(PEERS), '--peer')
const workloads = names(given.workload, ['W1', 'W2', 'W3', 'W4', 'W5', 'W6', 'W7'], '--workload')

const begun = performance.now()
const chromium = runners.includes('chromium') ? await startChromium() : undefined
const rows = []

const said = (runner) => (row) => {
  rows.push({ runner, ...row })
  const { workload, variant, peer, ours_ms, peer_ms, ratio } = row
  const seconds = `${((performance.now() - begun) / 1000).toFixed(0)} s`
  console.log(`${seconds.padStart(6)}  ${runner} ${workload}, ${variant}: ours ${figure(ours_ms)} ms, ${peer} ${figure(peer_ms)} ms: ${figure(ratio)}`)
}

/** A process of its own; `said` is told of what it prints. */
async function inNode(options, said) {
  const program = fileURLToPath(new URL('node.mjs', import.meta.url))
  const child = spawn(process.execPath, ['--expose-gc', program, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  for await (const line of createInterface({ input: child.stdout })) if (line.startsWith('{')) said(JSON.parse(line))
  const code = await ended
  if (code !== 0) throw new Error(`Node ended with ${code} over ${JSON.stringify(options)}`)
}

const compareIn = {
  node: (peer) => inNode({ peer, quick, workloads }, said('node')),
  chromium: (peer) =>
    chromium.run(said('chromium'), ([peer, options]) => globalThis.bench.compare(peer, options), peer, { quick, workloads }),
}
const weighIn = {
  async node(weigh, variant) {
    let weighed
    await inNode({ weigh, variant }, (answer) => (weighed = answer))
    return weighed
  },
  chromium: (which, variant) => chromium.run(() => {}, ([which, variant]) => globalThis.bench.weigh(which, variant), which, variant),
}

for (const peer of peers) for (const runner of runners) await compareIn[runner](peer)
if (workloads.includes('W4')) for (const variant of variantsOf({ quick })) for (const runner of runners) await weighAll(runner, variant)
await chromium?.stop()

async function weighAll(runner, { variant, ...what }) {
  const weighed = new Map()
  const weight = async (which) => {
    if (!weighed.has(which)) weighed.set(which, await weighIn[runner](which, what))
    return weighed.get(which)
  }
  // The others take long, and no bar is about them.
  for (const peer of quick ? peers.filter((peer) => HANDWRITTEN.includes(peer)) : peers) {
    const { beside } = await PEERS[peer]()
    const [ours, theirs] = [await weight(beside), await weight(peer)]
    said(runner)({
      workload: 'W4',
      variant,
      peer,
      ours_ms: ours.ms,
      peer_ms: theirs.ms,
      ratio: theirs.ms / ours.ms,
      ours_bytes: ours.bytes,
      peer_bytes: theirs.bytes,
      bytes_ratio: ours.bytes / theirs.bytes,
      ours_wrong_keys: ours.wrong,
      peer_wrong_keys: theirs.wrong,
      ours_longest_pause_ms: ours.longest,
      peer_longest_pause_ms: theirs.longest,
    })
  }
}

const machine = `${cpus().length} cores, Node ${process.versions.node.split('.').slice(0, 2).join('.')}${chromium === undefined ? '' : `, Chromium ${chromium.version.split('.')[0]}`}`
console.log(`\n${report(rows)}\n${machine}; ${((performance.now() - begun) / 1000).toFixed(0)} s\n${verdict(rows)}`)
if (given.json !== undefined) await writeFile(given.json, `${JSON.stringify(rows, null, 2)}\n`)
if (given.write) await write()

/** Puts the tables into BENCHMARKS.md, between its two marks. */
async function write() {
  const file = new URL('../../../BENCHMARKS.md', import.meta.url)
  const text = await readFile(file, 'utf8')
  const [begin, end] = ['<!-- bench client: written by --write -->\n', '<!-- bench client: end -->\n']
  const [before, rest] = text.split(begin)
  const after = rest?.split(end)[1]
  if (after === undefined) throw new Error('BENCHMARKS.md has no marks for the tables of `bench client`')
  const command = `cargo xtask bench client${quick ? ' --quick' : ''}`
  const head = `\`${command}\`, ${new Date().toISOString().slice(0, 10)}, ${machine}:`
  await writeFile(file, `${before}${begin}\n${head}\n\n${report(rows)}\n${verdict(rows)}\n\n${end}${after}`)
}
