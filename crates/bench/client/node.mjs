// A process of its own for one peer, or for one thing to weigh: prints what it found as JSON lines.
// node --expose-gc node.mjs '{"peer":"plain","quick":true}'

import { openSync, readSync } from 'node:fs'
import { compare, weigh } from './measure.mjs'

const options = JSON.parse(process.argv[2])
const highwater = await import(new URL('../../../dist/node.js', import.meta.url))

/**
 * Milliseconds that this thread has computed: Linux counts them, and does not count waiting for a
 * core that others use. It brings its count up to date when a thread sleeps, so we do, for a moment.
 */
function threadTime() {
  let file
  try {
    file = openSync('/proc/self/schedstat', 'r')
  } catch {
    return undefined
  }
  const text = Buffer.alloc(64)
  const cell = new Int32Array(new SharedArrayBuffer(4))
  return () => {
    Atomics.wait(cell, 0, 0, 0.05)
    const length = readSync(file, text, 0, text.length, 0)
    return Number(text.toString('latin1', 0, length).split(' ')[0]) / 1e6
  }
}

const clock = threadTime() ?? (() => performance.now())
const collect = () => {
  globalThis.gc()
}
const tools = {
  highwater,
  collect,
  async timed(run) {
    const begun = clock()
    await run()
    return clock() - begun
  },
  // Of all threads: more than ours alone, and so a bound of it.
  computed() {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },
  async bytes() {
    // Twice, with a task between: what finalizers free goes with the second.
    for (let times = 0; times < 2; times += 1) {
      collect()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    collect()
    // `external` counts buffers of all kinds, the memory of WebAssembly among them.
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  },
  said: (row) => console.log(JSON.stringify(row)),
}

if (options.weigh === undefined) await compare(options.peer, options, tools)
else tools.said(await weigh(options.weigh, options.variant, tools))
// Some peers leave timers behind.
process.exit(0)
