// embed.mjs MODULE.wasm OUT.js [gzip]: a module as text in a script; compressed, if that is asked for.
import { readFileSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const [module, out, gzip] = process.argv.slice(2)
const bytes = readFileSync(module)
const text = (gzip === 'gzip' ? gzipSync(bytes, { level: 9 }) : bytes).toString('base64')
writeFileSync(out, `export const base64 = "${text}"\n`)
writeFileSync(out.replace(/\.js$/, '.d.ts'), 'export declare const base64: string\n')
