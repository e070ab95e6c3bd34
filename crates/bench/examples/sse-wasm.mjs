// Times the decoders in WebAssembly, under Node: node sse-wasm.mjs MODULE [ROUNDS]
// The table is as that of `highwater-bench sse`.
import { readFileSync } from 'node:fs'

const [file, rounds = '9'] = process.argv.slice(2)
const { instance } = await WebAssembly.instantiate(readFileSync(file), {})
const { memory, prepare, decode, name, length_of_name } = instance.exports

const names = (workloads) => {
  const list = []
  for (let length; (length = length_of_name(workloads, list.length)) > 0; ) {
    const bytes = new Uint8Array(memory.buffer, name(workloads, list.length), length)
    list.push(new TextDecoder().decode(bytes))
  }
  return list
}

const measure = (subject) => {
  const start = performance.now()
  let passes = 0
  do {
    decode(subject)
    passes += 1
  } while (performance.now() - start < 20)
  return (performance.now() - start) / passes
}

const quartiles = (figures) => {
  const sorted = figures.toSorted((a, b) => a - b)
  return [1, 2, 3].map((quarter) => sorted[Math.floor(((sorted.length - 1) * quarter) / 4)])
}

const subjects = names(false)
const row = (cells) => console.log(`| ${cells.join(' | ')} |`)
row(['workload', ...subjects])
row(['', ...subjects].map(() => '---'))
names(true).forEach((workload, index) => {
  const length = prepare(index)
  const runners = subjects.map((_, subject) => subject)
    .filter((subject) => workload !== 'keepalives' || !subjects[subject].startsWith('eventsource-stream'))
  const times = subjects.map(() => [])
  const expected = decode(0)
  for (const subject of runners) {
    if (decode(subject) !== expected) throw new Error(`${subjects[subject]} on ${workload}`)
    measure(subject)
  }
  for (let round = 0; round < Number(rounds); round += 1) {
    for (let turn = 0; turn < runners.length; turn += 1) {
      const subject = runners[(round + turn) % runners.length]
      times[subject].push(measure(subject))
    }
  }
  row([workload, ...times.map((times_of) => {
    if (times_of.length === 0) return '–'
    const [low, middle, high] = quartiles(times_of)
    const ratio = quartiles(times_of.map((time, at) => time / times[0][at]))[1]
    const spread = Math.round((50 * (high - low)) / middle)
    return `${Math.round(length / 1e3 / middle)} ±${spread} % (${ratio.toFixed(2)})`
  })])
})
