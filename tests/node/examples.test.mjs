// The examples in the words of the types: each compiles, strictly, and runs on a stream of the testing source.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { transform } from 'esbuild'
import { createElement } from 'react'
import { renderToString } from 'react-dom/server'
import { createRoot } from 'solid-js'
import { effectScope } from 'vue'
import { connect } from '../../dist/node.js'
import { eventStream } from '../../dist/eventstream.js'
import { createSource } from '../../dist/testing/index.js'
import { root } from '../highwater.mjs'
import { until } from '../until.mjs'

const sources = join(root, 'crates/wasm/js')
const folder = mkdtempSync(join(tmpdir(), 'highwater-examples-'))
after(() => rmSync(folder, { recursive: true }))

/** What an example may use without a word about it. */
const PRELUDE = `
import { Backoff, connect as really, HighwaterError, Materializer, MessageReceiver, Protocol, Session, SseDecoder } from 'highwater'
import type { Condition, LiveView, Row, Status, Store, StoreView, View } from 'highwater'
import type { StreamEvent } from 'highwater/eventstream'
import { eventStream as streams } from 'highwater/eventstream'
import { createSource, fakeClock } from 'highwater/testing'
declare global { interface ImportMeta { readonly env: { readonly DEV: boolean } } }
type Flag = { readonly on: boolean }
type Process = { readonly name: string }
type Task = { readonly id: string; readonly text: string; readonly votes: number; readonly done: boolean }
type Kinds = { flag: Flag; process: Process; task: Task }
const { store, source, url, response, view, votes, render, signIn, draw, charge, sleep, props, connect, eventStream } = (globalThis as unknown as { given: {
  store: Store<Kinds>
  source: ReturnType<typeof createSource<Kinds>>
  url: string
  response: { readonly body: ReadableStream<Uint8Array> & AsyncIterable<Uint8Array> }
  view: LiveView<Kinds, 'task'>
  votes: StoreView<Kinds, number>
  render(what: unknown): void
  signIn(): void
  draw(what: unknown): void
  charge(event: StreamEvent): Promise<void>
  sleep(milliseconds: number): Promise<void>
  props: { readonly name: string }
  connect: typeof really
  eventStream: typeof streams
} }).given
`
/** What those of one file import besides, and what they call by a name that others have, too. */
const MORE = {
  'adapters/react.ts': `import { useItem, useStatus, useView } from 'highwater/react'`,
  'adapters/solid.ts': `import { useItem, useStatus, useView } from 'highwater/solid'`,
  'adapters/svelte.ts': `import { useItem, useStatus, useView } from 'highwater/svelte'`,
  'adapters/vue.ts': `import { useItem, useStatus, useView } from 'highwater/vue'`,
  'adapters/tanstack-db.ts': `import { createCollection } from '@tanstack/db'\nimport { highwaterCollectionOptions } from 'highwater/tanstack-db'`,
  'devtools/redux.ts': `import { reduxDevtools } from 'highwater/devtools'`,
}
const LOCAL = { 'testing/source.ts': 'type Task = { readonly text: string }' }

/** Where a framework's own functions may be called. */
const INSIDE = {
  'adapters/react.ts': (body) => renderToString(createElement(() => (body(), null))),
  'adapters/solid.ts': (body) => createRoot((dispose) => (body(), dispose())),
  'adapters/vue.ts': (body) => {
    const scope = effectScope()
    scope.run(body)
    scope.stop()
  },
}
/** These need a page: tests/browser has them, in the words of docs/. */
const OF_A_PAGE = ['devtools/index.ts', 'initial.ts']

const examples = readdirSync(sources, { recursive: true })
  .filter((path) => path.endsWith('.ts'))
  .flatMap((path) => {
    const file = relative('.', path)
    const text = readFileSync(join(sources, path), 'utf8')
    return [...text.matchAll(/^ *\* @example\n((?: *\*(?: .*)?\n)+?) *(?:\*\/|\* @)/gm)].map((found) => ({
      file,
      line: text.slice(0, found.index).split('\n').length + 1,
      code: found[1].replace(/^ *\* ?/gm, ''),
    }))
  })
  .map((example, at) => ({ ...example, name: `example-${at}` }))

for (const { file, code, name } of examples) {
  const imports = [...code.matchAll(/^import .*$/gm)].join('\n')
  const body = code.replace(/^import .*\n/gm, '')
  // A framework's are called when it is time; what others wait for is waited for.
  const block = INSIDE[file] ? `export const body = () => {\n${body}}\n` : `{\n${LOCAL[file] ?? ''}\n${body}}\nexport {}\n`
  writeFileSync(join(folder, `${name}.ts`), `${PRELUDE}${MORE[file] ?? ''}\n${imports}\n${block}`)
}
mkdirSync(join(folder, 'node_modules'))
for (const entry of readdirSync(join(root, 'node_modules'))) {
  if (!entry.startsWith('.')) symlinkSync(join(root, 'node_modules', entry), join(folder, 'node_modules', entry))
}
symlinkSync(root, join(folder, 'node_modules/highwater'))

test('every example compiles, strictly', () => {
  assert.ok(examples.length > 40, `${examples.length} examples are found`)
  const compilerOptions = {
    target: 'ES2022', lib: ['ES2022', 'ESNext.Disposable', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'], module: 'ESNext', moduleResolution: 'bundler',
    strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, skipLibCheck: true, noEmit: true, types: ['node'],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: examples.map(({ name }) => `${name}.ts`) }))
  const { status, stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8' })
  assert.equal(status, 0, stdout)
})

/** A socket with one batch of one event. */
class Socket extends EventTarget {
  readyState = 1
  constructor() {
    super()
    setTimeout(() => this.dispatchEvent(new Event('open')))
  }
  send(text) {
    if (JSON.parse(text).type !== 'start') return
    const event = { key: 'a', kind: 'invoice', object: { sum: 3 }, sequenceId: '01', topic: 'invoice/a', version: 1 }
    const data = JSON.stringify({ batchNumber: 1, stream: 'billing', type: 'event_batch', events: [event] })
    this.dispatchEvent(new MessageEvent('message', { data }))
  }
  close() {}
}

/** What the examples are given; `called` says what they called. */
async function scene(t) {
  const called = new Set()
  const source = createSource()
  const stores = []
  const started = (url, options) => {
    const store = connect(new URL(url, source.url), { fetch: source.fetch, ...options })
    stores.push(store)
    return store
  }
  source.begin().put('flag', 'dark-mode', { on: true }).put('process', '4711', { name: 'node' })
    .put('task', 'a', { id: 'a', text: 'Write docs', votes: 2, done: false }).end()
  const store = started(source.url)
  await store.ready
  const view = store.view({ kind: 'task' })
  const streams = []
  t.after(() => {
    view.close()
    for (const store of stores) store.close()
    for (const stream of streams) stream.close()
  })
  globalThis.given = {
    store, source, view,
    url: source.url,
    response: new Response('event: put\ndata: {"path":"/","data":{"flags":{"dark-mode":{"version":1,"on":true}},"segments":{}}}\n\n'),
    votes: { sum: 0, update(changes) { for (const { value } of changes) this.sum += value?.votes ?? 0 }, result() { return this.sum }, reset() { this.sum = 0 } },
    render: () => called.add('render'),
    signIn: () => called.add('signIn'),
    // Who iterates has seen enough.
    draw: () => (called.add('draw'), store.close()),
    charge: async () => called.add('charge'),
    sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, Math.min(milliseconds, 10))),
    props: { name: 'dark-mode' },
    connect: started,
    eventStream: (url, name, handler) => {
      const stream = eventStream(url, name, handler, { WebSocket: Socket })
      streams.push(stream)
      return stream
    },
  }
  return { source, called }
}

const WASM = { headers: { 'content-type': 'application/wasm' } }

for (const { file, line, name, code } of examples) {
  if (OF_A_PAGE.includes(file)) continue
  test(`${file}:${line} runs`, { timeout: 30_000 }, async (t) => {
    const { source, called } = await scene(t)
    t.mock.method(console, 'log', () => called.add('console.log'))
    t.mock.method(globalThis, 'fetch', (path) => new Response(readFileSync(join(root, 'dist', path.replace('/assets/', ''))), WASM))
    // What an example says that something answers is held against it.
    const held = readFileSync(join(folder, `${name}.ts`), 'utf8').replace(/^(\S.*\)) +\/\/ ('[^']*').*$/gm, 'globalThis.given.equal($1, $2)')
    globalThis.given.equal = assert.equal
    const { code: script } = await transform(held, { loader: 'ts', target: 'es2022' })
    const out = join(folder, `${name}.mjs`)
    writeFileSync(out, script)
    // While it runs, the stream goes on.
    const timer = setInterval(() => {
      source.patch('process', '4711', { name: 'deno' }).patch('task', 'a', { id: 'a', text: 'Write docs', votes: 7, done: false })
    }, 10)
    t.after(() => clearInterval(timer))
    const { body } = await import(pathToFileURL(out).href)
    if (body) await INSIDE[file](body)
    // Whatever it wants to be called with comes by the stream.
    for (const call of ['render', 'draw', 'charge', 'console.log']) {
      if (new RegExp(`\\b${call}\\b`).test(code)) await until(() => called.has(call), `${call} is called`)
    }
  })
}
