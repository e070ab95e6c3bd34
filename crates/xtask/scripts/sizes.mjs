// sizes.mjs NAME=FILE…: how large each file is, raw, gzip -9 and Brotli 11, in kB of 1000 bytes.
import { readFileSync } from 'node:fs'
import { brotliCompressSync, gzipSync } from 'node:zlib'

const kB = (bytes) => (bytes.length / 1000).toFixed(1).padStart(8)

console.log(`${'kB'.padEnd(22)}${'raw'.padStart(8)}${'gzip'.padStart(8)}${'brotli'.padStart(8)}`)
for (const argument of process.argv.slice(2)) {
  const [name, file] = argument.split('=')
  const bytes = readFileSync(file)
  console.log(name.padEnd(22) + kB(bytes) + kB(gzipSync(bytes, { level: 9 })) + kB(brotliCompressSync(bytes)))
}
