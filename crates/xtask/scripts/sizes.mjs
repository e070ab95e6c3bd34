// sizes.mjs NAME=CEILING=BUDGET=FILE,…: how large what is loaded is, raw, gzip -9 and Brotli 11, in kB of
// 1000 bytes; whether the gzipped files are together within so many bytes, and how many were meant.
import { readFileSync } from 'node:fs'
import { brotliCompressSync, gzipSync } from 'node:zlib'

const kB = (bytes) => (bytes / 1000).toFixed(1).padStart(8)

console.log(`${'kB'.padEnd(18)}${'raw'.padStart(8)}${'gzip'.padStart(8)}${'brotli'.padStart(8)}${'ceiling'.padStart(8)}${'budget'.padStart(8)}`)
for (const argument of process.argv.slice(2)) {
  const [name, ceiling, budget, files] = argument.split('=')
  const all = files.split(',').map((file) => readFileSync(file))
  const sum = (size) => all.reduce((sum, bytes) => sum + size(bytes).length, 0)
  const gzip = sum((bytes) => gzipSync(bytes, { level: 9 }))
  const word = gzip > Number(ceiling) ? '  too large' : gzip > Number(budget) ? '  over the budget' : ''
  console.log(name.padEnd(18) + kB(sum((bytes) => bytes)) + kB(gzip) + kB(sum(brotliCompressSync)) + kB(ceiling) + kB(budget) + word)
}
