// docs/client.md: every snippet compiles, and prints what is said behind its arrows.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { build } from 'esbuild'
import { root } from '../highwater.mjs'
import { until } from '../until.mjs'

const blocks = [...readFileSync(join(root, 'docs/client.md'), 'utf8').matchAll(/^```ts (\S+)\n(.*?)^```$/gms)].map(([, name, text]) => ({ name, text }))

const folder = mkdtempSync(join(tmpdir(), 'highwater-docs-'))
after(() => rmSync(folder, { recursive: true }))
mkdirSync(join(folder, 'node_modules/highwater'), { recursive: true })
cpSync(join(root, 'dist'), join(folder, 'node_modules/highwater/dist'), { recursive: true })
cpSync(join(root, 'package.json'), join(folder, 'node_modules/highwater/package.json'))
mkdirSync(join(folder, 'node_modules/@types'))
symlinkSync(join(root, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'))
for (const { name, text } of blocks) writeFileSync(join(folder, name), text)

test('every snippet compiles, strictly', () => {
  const compilerOptions = {
    target: 'ES2022', lib: ['ES2022', 'DOM', 'DOM.Iterable'], module: 'ESNext', moduleResolution: 'bundler', moduleDetection: 'force',
    strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, noEmit: true, types: ['node'],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: blocks.map(({ name }) => name) }))
  const { status, stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8' })
  assert.equal(status, 0, stdout)
})

/** The package, but for where it connects to: a source with what the snippets speak of. */
const PACKAGE = `
  import { connect as really } from 'real:highwater'
  export * from 'real:highwater'
  import { createSource } from 'real:highwater/testing'
  export const source = globalThis.source = createSource()
  source.begin()
    .put('task', 'a', { text: 'Write docs', votes: 2, done: false })
    .put('task', 'b', { text: 'Write tests', votes: 5, done: false })
    .put('task', 'c', { text: 'Write code', votes: 9, done: true })
    .end()
  const stores = globalThis.stores = []
  export const connect = (url, options) => {
    const store = really(url, { fetch: source.fetch, ...options })
    stores.push(store)
    const iterate = store[Symbol.asyncIterator]
    store[Symbol.asyncIterator] = () => {
      setTimeout(globalThis.iterating)
      return iterate.call(store)
    }
    return store
  }`

/** Event streams, but for where they connect to: a socket with one batch. */
const EVENTS = `
  import { eventStream as really } from 'real:highwater/eventstream'
  const event = (n, key, text) => ({ key, kind: 'task', object: { text }, sequenceId: '0' + n, topic: 'task/' + key, version: n })
  const batch = { batchNumber: 1, stream: 'tasks', type: 'event_batch', events: [event(1, 'a', 'Write docs'), event(2, 'b', 'Write tests')] }
  class Socket extends EventTarget {
    readyState = 1
    constructor() {
      super()
      setTimeout(() => this.dispatchEvent(new Event('open')))
    }
    send(text) {
      if (JSON.parse(text).type === 'start') this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(batch) }))
    }
    close() {}
  }
  export const eventStream = (url, name) => really(url, name, { WebSocket: Socket })`

/** Runs a snippet; while it waits, the stream goes on. Answers with what it printed. */
async function run(name, count) {
  const out = join(folder, `${name}.mjs`)
  await build({
    entryPoints: [join(folder, name)], outfile: out, bundle: true, format: 'esm', platform: 'node', target: 'es2022', tsconfigRaw: '{}',
    plugins: [{
      name: 'package',
      setup(build) {
        build.onResolve({ filter: /^highwater$/ }, () => ({ path: 'highwater', namespace: 'package' }))
        build.onLoad({ filter: /^highwater$/, namespace: 'package' }, () => ({ contents: PACKAGE, resolveDir: folder }))
        build.onResolve({ filter: /^highwater\/eventstream$/ }, () => ({ path: 'eventstream', namespace: 'package' }))
        build.onLoad({ filter: /^eventstream$/, namespace: 'package' }, () => ({ contents: EVENTS, resolveDir: folder }))
        const real = { 'real:highwater': 'node', 'real:highwater/testing': 'testing/index', 'real:highwater/eventstream': 'eventstream' }
        build.onResolve({ filter: /^real:/ }, ({ path }) => ({ path: new URL(`../../dist/${real[path]}.js`, import.meta.url).href, external: true }))
      },
    }],
  })
  const printed = []
  const { log } = console
  console.log = (...words) => printed.push(words.join(' '))
  try {
    const iterating = new Promise((resolve) => (globalThis.iterating = resolve))
    const done = import(out)
    // Until it has come to its end, or waits for what comes next.
    await Promise.race([done, iterating])
    const { source } = globalThis
    source.transaction(() => {
      source.patch('task', 'a', { text: 'Write docs', votes: 8, done: false }).delete('task', 'c')
      source.patch('task', 'd', { text: 'Rest', votes: 6, done: false })
    })
    await done
    // What listeners print comes by the stream.
    await until(() => printed.length >= count, name)
    return [...printed]
  } finally {
    for (const store of globalThis.stores ?? []) store.close()
    console.log = log
  }
}

for (const { name, text } of blocks) {
  if (name === 'store.ts') continue
  test(`${name} does what it says`, async () => {
    const said = [...text.matchAll(/\/\/ → (.*)$/gm)].map(([, words]) => words)
    assert.ok(said.length > 0, 'it says nothing')
    assert.deepEqual(await run(name, said.length), said)
  })
}
