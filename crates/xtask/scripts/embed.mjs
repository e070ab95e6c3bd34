// embed.mjs MODULE.wasm OUT.js: a module, compressed, as text in a script.
import { readFileSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const [module, out] = process.argv.slice(2)
const text = gzipSync(readFileSync(module), { level: 9 }).toString('base64')
writeFileSync(out, `export const base64 = "${text}"\n`)
writeFileSync(out.replace(/\.js$/, '.d.ts'), 'export declare const base64: string\n')
